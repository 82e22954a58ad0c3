"""Score: music as notes, a frozen value; 480 ticks a quarter, in which 16ths, triplets and 32nds are whole numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError

TICKS = 480  # a quarter
SIXTEENTH = TICKS // 4
LONGEST = 200_000 * TICKS  # 28 hours at 120 bpm: bars are counted one by one
UNITS = (1, 2, 4, 8, 16, 32, 64)  # note values that a metre can count in
NOTE = np.dtype([("onset", "<i4"), ("duration", "<i4"), ("pitch", "u1"), ("velocity", "u1")])
Notes = npt.NDArray[np.void]
Rows = npt.NDArray[np.int32]


class Meter(NamedTuple):
    """`beats` notes of value 1/`unit` a bar, from `onset` (ticks) on."""

    onset: int
    beats: int
    unit: int

    @property
    def bar(self) -> int:
        """Ticks of one bar."""
        return 4 * TICKS * self.beats // self.unit


class Tempo(NamedTuple):
    """Quarters a minute from `onset` (ticks) on."""

    onset: int
    bpm: float


class Key(NamedTuple):
    """Tonic (pitch class 0-11, C is 0) and mode from `onset` (ticks) on."""

    onset: int
    tonic: int
    minor: bool


class Chord(NamedTuple):
    """A chord from `onset` (ticks) until the next one; no chord where `quality` is "" (root and bass are 0 then).

    `root` and `bass` are pitch classes, `quality` one of `theory.QUALITIES`.
    """

    onset: int
    root: int
    quality: str
    bass: int


class Bar(NamedTuple):
    """Where a bar begins and ends, in ticks, and its metre."""

    start: int
    end: int
    meter: Meter


@dataclass(frozen=True, eq=False)
class Track:
    """The notes of one instrument.

    Args:
        notes: structured array of dtype `NOTE` (ticks; MIDI pitch 0-127; velocity 1-127), which is sorted by onset and
            pitch; a note is cut where the same pitch begins anew, and of two that begin together the louder counts.
        name: as the file tells it.
        program: General MIDI, 0-127.
        is_drum: whether pitches are drums.

    Raises:
        ParameterError: a note with a negative onset, no duration, a pitch over 127, or a velocity outside 1-127.
    """

    notes: Notes
    name: str = ""
    program: int = 0
    is_drum: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", _tidy(np.asarray(self.notes, NOTE)))
        if not 0 <= self.program <= 127:
            raise ParameterError(f"a program is 0-127, not {self.program}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Track):
            return NotImplemented
        same = (self.name, self.program, self.is_drum) == (other.name, other.program, other.is_drum)
        return same and np.array_equal(self.notes, other.notes)

    def __hash__(self) -> int:
        return hash((self.name, self.program, self.is_drum, self.notes.tobytes()))

    @property
    def polyphonic(self) -> bool:
        """Whether two of its notes sound together."""
        return bool((self.notes["onset"][1:] < (self.notes["onset"] + self.notes["duration"])[:-1]).any())


def notes_of(rows: Iterable[Sequence[int]]) -> Notes:
    """(onset, duration, pitch, velocity) each → an array for `Track`.

    >>> notes_of([(0, 480, 60, 100)])["pitch"].tolist()
    [60]
    """
    return np.array([tuple(row) for row in rows], NOTE)


def _tidy(notes: Notes) -> Notes:
    onset, duration = notes["onset"].astype(np.int64), notes["duration"].astype(np.int64)
    wrong = (onset < 0) | (duration < 1) | (onset + duration > LONGEST)
    wrong |= (notes["pitch"] > 127) | (notes["velocity"] < 1) | (notes["velocity"] > 127)
    if wrong.any():
        raise ParameterError(
            f"note {notes[wrong.argmax()].tolist()} (onset, duration, pitch, velocity) is none: onset from 0, duration "
            f"from 1 tick, end up to {LONGEST}, pitch 0-127, velocity 1-127"
        )
    kept = notes[np.lexsort((-notes["velocity"].astype(int), notes["pitch"], notes["onset"]))]
    twins = (kept["onset"][1:] == kept["onset"][:-1]) & (kept["pitch"][1:] == kept["pitch"][:-1])
    kept = kept[np.concatenate([[True], ~twins])] if len(kept) else kept.copy()
    by_pitch = np.lexsort((kept["onset"], kept["pitch"]))
    again = kept["pitch"][by_pitch][1:] == kept["pitch"][by_pitch][:-1]
    gap = np.diff(kept["onset"][by_pitch])
    first = by_pitch[:-1][again]
    kept["duration"][first] = np.minimum(kept["duration"][first], gap[again])
    kept.flags.writeable = False
    return kept


@dataclass(frozen=True)
class Score:
    """Tracks of notes, and what holds for all of them.

    Args:
        tracks: in the file's order.
        meters: by onset, the first at 0; bars are counted from each.
        tempi: by onset, the first at 0.
        keys: by onset; none where nobody told.
        chords: by onset; none where nobody told.

    Raises:
        ParameterError: not in order, or a value that is none.
    """

    tracks: tuple[Track, ...]
    meters: tuple[Meter, ...] = (Meter(0, 4, 4),)
    tempi: tuple[Tempo, ...] = (Tempo(0, 120.0),)
    keys: tuple[Key, ...] = ()
    chords: tuple[Chord, ...] = ()

    def __post_init__(self) -> None:
        for name in ("meters", "tempi", "keys", "chords"):
            onsets = [one.onset for one in getattr(self, name)]
            if onsets != sorted(set(onsets)) or (onsets and not 0 <= onsets[0] <= onsets[-1] <= LONGEST):
                raise ParameterError(f"{name} must have onsets that rise from 0 on, not {onsets[:8]}")
        for name in ("meters", "tempi"):
            if not getattr(self, name) or getattr(self, name)[0].onset:
                raise ParameterError(f"the first of {name} must begin at 0, not {getattr(self, name)[:1]}")
        _check_values(self)

    @property
    def end(self) -> int:
        """Tick at which the last note ends."""
        return max(
            (int((t.notes["onset"] + t.notes["duration"]).max()) for t in self.tracks if len(t.notes)), default=0
        )

    @property
    def notes(self) -> int:
        """How many notes there are."""
        return sum(len(track.notes) for track in self.tracks)

    def bars(self) -> list[Bar]:
        """The bars from 0 to the last note's end; one that a new metre cuts off is as short as that leaves it."""
        found, last = [], max(1, self.end)
        for number, meter in enumerate(self.meters):
            until = self.meters[number + 1].onset if number + 1 < len(self.meters) else last
            start = meter.onset
            while start < min(until, last):
                end = start + meter.bar if number + 1 == len(self.meters) else min(start + meter.bar, until)
                found.append(Bar(start, end, meter))
                start = end
        return found

    def with_track(self, number: int, track: Track) -> "Score":
        """The same with another track in place of that one (from 0 on)."""
        return replace(self, tracks=(*self.tracks[:number], track, *self.tracks[number + 1 :]))

    def quantise(self, grid: int = SIXTEENTH) -> "Quantised":
        """Onsets at the nearest multiple of `grid` ticks (ends too, at least one step later), and what that took away.

        Notes of one pitch that fall on one place become one: the louder. `Quantised.restored` undoes the shift.

        Raises:
            ParameterError: the grid isn't 1 to a whole note.
        """
        if not 1 <= grid <= 4 * TICKS:
            raise ParameterError(f"a grid is 1 to {4 * TICKS} ticks, not {grid}")
        tracks, residuals = (
            zip(*(_snapped(track, grid) for track in self.tracks), strict=True) if self.tracks else ((), ())
        )
        return Quantised(replace(self, tracks=tuple(tracks)), tuple(residuals))


class Quantised(NamedTuple):
    """A score on a grid; for each track and note `[N, 2]`: how many ticks later it began, and ended, before."""

    score: Score
    residuals: tuple[Rows, ...]

    def restored(self) -> Score:
        """The score with its timing put back: what was quantised, but for notes that fell together."""
        tracks = []
        for track, residual in zip(self.score.tracks, self.residuals, strict=True):
            notes = track.notes.copy()
            end = notes["onset"] + notes["duration"] + residual[:, 1]
            notes["onset"] += residual[:, 0]
            notes["duration"] = end - notes["onset"]
            tracks.append(replace(track, notes=notes))
        return replace(self.score, tracks=tuple(tracks))


def _snapped(track: Track, grid: int) -> tuple[Track, Rows]:
    notes = track.notes
    start, end = notes["onset"].astype(np.int64), (notes["onset"] + notes["duration"]).astype(np.int64)
    onset = (start + grid // 2) // grid * grid
    until = np.maximum((end + grid // 2) // grid * grid, onset + grid)
    order = np.lexsort((-notes["velocity"].astype(int), notes["pitch"], onset))
    place = np.stack([onset, notes["pitch"]], 1)[order]
    first = np.concatenate([[True], (place[1:] != place[:-1]).any(1)]) if len(notes) else np.zeros(0, bool)
    kept = order[first]
    moved = notes[kept].copy()
    moved["onset"], moved["duration"] = onset[kept], (until - onset)[kept]
    snapped = replace(track, notes=moved)
    ends = snapped.notes["onset"] + snapped.notes["duration"]
    return snapped, np.stack([start[kept] - snapped.notes["onset"], end[kept] - ends], 1).astype(np.int32)


def _check_values(score: Score) -> None:
    for meter in score.meters:
        if not 1 <= meter.beats <= 64 or meter.unit not in UNITS:
            raise ParameterError(f"a metre is 1-64 beats of {UNITS}, not {meter.beats}/{meter.unit}")
    for tempo in score.tempi:
        if not 1 <= tempo.bpm <= 1000:
            raise ParameterError(f"a tempo is 1 to 1000 bpm, not {tempo.bpm}")
    pitch_classes: list[tuple[Any, int]] = [(key, key.tonic) for key in score.keys]
    pitch_classes += [(chord, part) for chord in score.chords for part in (chord.root, chord.bass)]
    for whole, number in pitch_classes:
        if not 0 <= number <= 11:
            raise ParameterError(f"a pitch class is 0-11, not {number}, in {whole}")
