"""canvas: lines of voices with gaps, which the composer's Transformer fills row by row, exactly."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.models.composer import UNKNOWN, ComposerNet, Piece, Query, Row
from audio_gen.models.composer_rows import Rows, batch_of, rows_of
from audio_gen.models.composer_sampling import Teller
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.sampling import choose
from audio_gen.symbolic.encoders.voices import LONGEST, REST, TIE, UNIT, Line, Voices, cut, line_of
from audio_gen.symbolic.score import Notes

CHUNK, AROUND = 16, 8  # bars that are filled at a time, and that are heard before and after them
Mask = npt.NDArray[np.bool_]
_EMPTY = np.zeros((0, 3), np.int32)


@dataclass(frozen=True)
class Manner:
    """How rows are chosen.

    Args:
        temperature, top_p: see `sampling.choose`.
        push: added to the logits of durations, for each unit: above 0 the notes are longer, and fewer.
    """

    temperature: float
    top_p: float
    push: float = 0.0


@dataclass(frozen=True, eq=False)
class Canvas:
    """What is to be filled: unknown rows have the symbol UNKNOWN.

    Args:
        voices: lines without gaps, seen from the tonic.
        allowed: `[units, SYMBOLS]`, which symbols may begin at each unit.
        bar: units a bar.
        style: number.
        minor: whether the key is.
        sounds: whether the first line has to sound in the last bar.
    """

    voices: Voices
    allowed: Mask
    bar: int
    style: int
    minor: bool
    sounds: bool = False


def unknown_line(start: int, end: int) -> Line:
    """A gap of a line from unit `start` to `end`."""
    return np.array([(start, end - start, UNKNOWN)], np.int32) if end > start else _EMPTY


def gapped_line(notes: Notes, start: int, end: int, units: int) -> Line:
    """A voice of `units`, unknown between unit `start` and `end` but for a note before that reaches into it.

    `notes` are those that stay; none begins (in ticks) in the gap.
    """
    early = notes[notes["onset"] < start * UNIT]
    late = notes[notes["onset"] >= end * UNIT].copy()
    reach = int((early["onset"] + early["duration"]).max(initial=0))
    opens = min(max(start, -(-reach // UNIT)), end)
    late["onset"] -= end * UNIT
    after = line_of(late, units - end)
    after[:, 0] += end
    return np.concatenate([line_of(early, opens), unknown_line(opens, end), after])


def filled(net: ComposerNet, canvas: Canvas, manner: Manner, generator: torch.Generator) -> Voices:
    """The lines with all that was unknown told, up to 16 bars at a time."""
    voices = canvas.voices
    for start, end in _chunks(voices, canvas.bar):
        voices = _with_chunk(net, canvas, voices, start, end, manner, generator)
    return voices


def _chunks(voices: Voices, bar: int) -> Iterator[tuple[int, int]]:
    """Units from which to which there is something to fill; the last ends with the gap."""
    gaps = [(row[0], row[0] + row[1]) for line in voices.lines for row in line.tolist() if row[2] == UNKNOWN]
    if not gaps:
        return
    start, end = min(gap[0] for gap in gaps), max(gap[1] for gap in gaps)
    edge = start // bar * bar
    while edge < end:
        yield edge, min(edge + CHUNK * bar, end)
        edge += CHUNK * bar


def _with_chunk(
    net: ComposerNet,
    canvas: Canvas,
    voices: Voices,
    start: int,
    end: int,
    manner: Manner,
    generator: torch.Generator,
) -> Voices:
    """The same with its unknown rows between two units told."""
    more = any((line[line[:, 2] == UNKNOWN, :2].sum(1) > end).any() for line in voices.lines)
    first = max(0, start - AROUND * canvas.bar)
    last = end if more else min(voices.units, end + AROUND * canvas.bar)
    window = cut(voices, first, last)
    telling = _Telling(net, canvas, window, first, ends=last == voices.units)
    lines = []
    for line, new in zip(voices.lines, telling.all(manner, generator), strict=True):
        later = [unknown_line(max(row[0], end), row[0] + row[1]) for row in line.tolist() if row[2] == UNKNOWN]
        whole = np.concatenate([line[line[:, 2] != UNKNOWN], new + np.array([first, 0, 0], np.int32), *later])
        lines.append(whole[np.argsort(whole[:, 0], kind="stable")])
    return voices._replace(lines=tuple(lines))


class _Telling:
    """A window of a canvas, told row by row, by onset and then role.

    Args:
        net, canvas: as above.
        window: its lines from unit `first` of the canvas on.
        first: see there.
        ends: whether the piece ends with the window.
    """

    def __init__(self, net: ComposerNet, canvas: Canvas, window: Voices, first: int, *, ends: bool) -> None:
        self.net, self.canvas, self.window, self.first, self.ends = net, canvas, window, first, ends
        self.known = [line[line[:, 2] != UNKNOWN] for line in window.lines]
        self.gaps = [[(row[0], row[0] + row[1]) for row in line.tolist() if row[2] == UNKNOWN] for line in window.lines]
        self.new: list[list[tuple[int, int, int]]] = [[] for _ in window.lines]
        of_all = (torch.tensor([number]) for number in (canvas.style, int(canvas.minor), canvas.bar))
        self.teller = Teller(net, Piece(*of_all))

    def all(self, manner: Manner, generator: torch.Generator) -> list[Line]:
        """The new rows of each line."""
        heard, told = 0, sum(map(len, self.known))
        while any(self.gaps):
            stop_here_if_asked()
            place = min((gaps[0][0], role, n) for n, (gaps, role) in enumerate(self._open()))
            query, row, _ = batch_of([self._rows()])
            query = Query(*(part[:, heard : told + 1] for part in query))
            row = Row(row.symbol[:, heard : told + 1], row.duration[:, heard : told + 1].clamp_max(LONGEST))
            thought = self.teller.think(query, row)
            symbol, duration = self._chosen(thought, place, manner, generator)
            now = Query(*(part[:, -1:] for part in query))
            self.teller.say(now, Row(torch.tensor([[symbol]]), torch.tensor([[duration]])))
            self._put(place[2], symbol, duration)
            heard, told = told + 1, told + 1
        return [np.array(rows, np.int32).reshape(-1, 3) for rows in self.new]

    def _open(self) -> list[tuple[list[tuple[int, int]], int]]:
        """Gaps and role of each line; one without gaps is never next."""
        never = [(1 << 30, 1 << 30)]
        return [(gaps or never, role) for gaps, role in zip(self.gaps, self.window.roles, strict=True)]

    def _rows(self) -> Rows:
        """All rows as the network knows them: what is told stays one of the unknown, in the order of telling."""
        lines, masks = [], []
        for known, new, gaps in zip(self.known, self.new, self.gaps, strict=True):
            fresh = np.array(new, np.int32).reshape(-1, 3)
            line = np.concatenate([known, fresh, *(unknown_line(*gap) for gap in gaps)])
            order = np.argsort(line[:, 0], kind="stable")
            lines.append(line[order])
            masks.append((np.arange(len(line)) >= len(known))[order])
        return rows_of(self.window._replace(lines=tuple(lines)), tuple(masks), self.canvas.bar, ends=self.ends)

    def _chosen(
        self, thought: torch.Tensor, place: tuple[int, int, int], manner: Manner, generator: torch.Generator
    ) -> tuple[int, int]:
        """Symbol and duration of the next row."""
        onset, role, number = place
        left = self.gaps[number][0][1] - onset
        luck = torch.rand(2, generator=generator, dtype=torch.float64)
        last = self._last(number, onset)
        silent = last is not None and last[0] == REST
        ties = last is not None and last[1] == LONGEST
        rests, longest = self._may_rest(number, onset)
        allowed = torch.from_numpy(self.canvas.allowed[self.first + onset]).clone()
        allowed[REST], allowed[TIE] = rests and not silent, ties and (rests or not silent)
        with torch.no_grad():
            scores = self.net.symbol_scores(thought, torch.tensor([role])).double()
            scores = scores.masked_fill((scores < -1e8) | ~allowed, -torch.inf)
            symbol = int(choose(scores, luck[:1], temperature=manner.temperature, top_p=manner.top_p))
            rest = symbol == REST or (symbol == TIE and silent)
            limit = min(left, longest) if rest else left
            lengths = self.net.duration_scores(thought, torch.tensor([symbol]), torch.tensor([limit])).double()
            lengths = lengths.masked_fill(lengths < -1e8, -torch.inf)
            lengths = lengths + manner.push * torch.arange(1, LONGEST + 1).log()
            duration = 1 + int(choose(lengths, luck[1:], temperature=manner.temperature, top_p=manner.top_p))
        return symbol, duration

    def _last(self, number: int, onset: int) -> tuple[int, int] | None:
        """Symbol (that of the note, where it was tied) and duration of the new row just before; None of no such."""
        rows = self.new[number]
        if not rows or sum(rows[-1][:2]) != onset:
            return None
        return next((row[2] for row in reversed(rows) if row[2] != TIE), REST), rows[-1][1]

    def _may_rest(self, number: int, onset: int) -> tuple[bool, int]:
        """Whether a line may be silent at an onset, and for how long: the first one sounds in the last bar."""
        if number or not self.canvas.sounds:
            return True, LONGEST
        free = self.canvas.voices.units - self.canvas.bar - (self.first + onset)
        return free > 0, max(1, free)

    def _put(self, number: int, symbol: int, duration: int) -> None:
        start, end = self.gaps[number][0]
        self.new[number].append((start, duration, symbol))
        rest = [(start + duration, end)] if start + duration < end else []
        self.gaps[number] = rest + self.gaps[number][1:]
