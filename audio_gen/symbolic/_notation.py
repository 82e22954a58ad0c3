"""A music21 stream → Score.

Repeats are played out where music21 can. An upbeat is a bar of its own, with a metre of its length at 0 and the tune's
metre at its end; two short bars that are one full bar, as around a repeat, are taken together. Grace notes and
percussion are left out; written dynamics too, all notes have velocity 80.

music21 plays repeats by copying whole bars, which took more than half of the time that a tune takes. Here each bar is
read once, bars without notes are given to it, and what it says of their order is done with what was read.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from audio_gen.errors import ParameterError
from audio_gen.symbolic.chords import parse_chord
from audio_gen.symbolic.score import TICKS, UNITS, Chord, Key, Meter, Score, Tempo, Track, notes_of

VELOCITY = 80
MINOR = ("minor", "aeolian", "dorian", "phrygian", "locrian")  # modes with a minor third
_REPEATS = ("Repeat", "RepeatExpression")

Placed = list[tuple[int, Any]]  # tick in the bar, and what stands there


class _Note(NamedTuple):
    """One pitch, in ticks from the bar's start, and how it is tied: "start", "stop", "continue" or ""."""

    onset: int
    duration: int
    pitch: int
    tie: str


class _Measure(NamedTuple):
    """A bar as written, in ticks; 0 beats where no metre is known."""

    length: int
    beats: int
    unit: int
    notes: list[_Note]
    chords: Placed
    tempi: Placed
    keys: Placed


class _Bar(NamedTuple):
    """A bar as played, in ticks."""

    start: int
    length: int
    beats: int
    unit: int

    @property
    def full(self) -> int:
        return 4 * TICKS * self.beats // self.unit


Played = list[tuple[int, _Measure]]  # where each bar begins


def score_of(stream: Any, figures: Sequence[str] | None = None) -> Score:
    """The score in a stream, without tracks where nothing has a pitch.

    Args:
        stream: music21's.
        figures: of the chord symbols in their order, where the stream has others in their place; "" is none.
    """
    queue = iter(figures) if figures is not None else None
    parts = [(part, _played(part, queue)) for part in _sounding(stream).parts]
    tracks = [(_track(part, bars), bars) for part, bars in parts]
    tracks = [(track, bars) for track, bars in tracks if len(track.notes)]
    if not tracks:
        return Score(())
    first = tracks[0][1]
    chords = next(filter(None, (_chords(bars) for _, bars in tracks)), ())
    whole = tuple(track for track, _ in tracks)
    return Score(whole, _meters(_bars(first)), _tempi(first), _keys(first), chords)


def _sounding(stream: Any) -> Any:
    """Transposing instruments at the pitch that is heard."""
    moved = any(instrument.transposition for instrument in stream.recurse().getElementsByClass("Instrument"))
    return stream.toSoundingPitch() if moved else stream


def _played(part: Any, figures: Iterator[str] | None) -> Played:
    """The bars of a part in the order in which they are played; as they are written where the signs make no sense."""
    measured = part.hasMeasures()
    whole = part if measured else part.makeMeasures()
    measures = list(whole.getElementsByClass("Measure"))
    starts = [_ticks(measure.offset) for measure in measures] + [_ticks(whole.highestTime)]
    found, meter = [], None
    for measure, (start, end) in zip(measures, pairwise(starts), strict=True):
        meter = measure.timeSignature or meter
        found.append(_read(measure, meter, max(0, end - start), figures))
    now, played = 0, []
    for number in _order(part, measures) if measured else range(len(found)):
        played.append((now, found[number]))
        now += found[number].length
    return played


def _read(measure: Any, meter: Any, length: int, figures: Iterator[str] | None) -> _Measure:
    notes: list[_Note] = []
    chords: Placed = []
    tempi: Placed = []
    keys: Placed = []
    for one in measure.flatten():
        kinds, onset = one.classSet, _ticks(one.offset)
        if "Harmony" in kinds:
            figure = one.figure if figures is None else next(figures)
            chords += [(onset, figure)] if figure else []
        elif "NotRest" in kinds and one.quarterLength:
            end = _ticks(one.offset + one.quarterLength)
            for note in getattr(one, "notes", (one,)):
                tie = note.tie or one.tie
                if hasattr(note, "pitch"):  # percussion has none
                    notes.append(_Note(onset, max(1, end - onset), note.pitch.midi, tie.type if tie else ""))
        elif "MetronomeMark" in kinds:
            tempi.append((onset, one.getQuarterBPM()))
        elif "Key" in kinds:
            keys.append((onset, (one.tonic.pitchClass, one.mode in MINOR)))
    beats, unit = (meter.numerator, meter.denominator) if meter is not None else (0, 4)
    return _Measure(length, beats, unit, notes, chords, tempi, keys)


def _order(part: Any, measures: Sequence[Any]) -> Sequence[int]:
    """Which measure is played when, from 0 on: music21 repeats bars that have nothing in them but its signs."""
    import music21

    library: Any = music21  # much of it is without types
    signs = [[one for one in measure if one.classSet.intersection(_REPEATS)] for measure in measures]
    if not any(signs):
        return range(len(measures))
    bare = library.stream.Part()
    for number, (measure, expressions) in enumerate(zip(measures, signs, strict=True)):
        empty = library.stream.Measure(number=number)
        empty.append(library.note.Rest())
        empty.leftBarline, empty.rightBarline = measure.leftBarline, measure.rightBarline
        for one in expressions:
            if "RepeatExpression" in one.classSet:
                empty.append(one)
        bare.append(empty)
    places = {id(measure): number for number, measure in enumerate(measures)}
    bars = list(bare.getElementsByClass("Measure"))
    for ending in part.getElementsByClass("RepeatBracket"):
        inside = [bars[places[id(one)]] for one in ending.getSpannedElements() if id(one) in places]
        bare.insert(0, library.spanner.RepeatBracket(inside, number=ending.number))
    try:
        return [one.number for one in bare.expandRepeats().getElementsByClass("Measure")]
    except library.repeat.ExpanderException:
        return range(len(measures))


def _track(part: Any, bars: Played) -> Track:
    rows: list[list[int]] = []
    tied: dict[int, list[int]] = {}  # by pitch, the note that is to go on
    for start, measure in bars:
        for note in measure.notes:
            onset, before = start + note.onset, tied.pop(note.pitch, None)
            if before is not None and note.tie in ("stop", "continue") and abs(before[0] + before[1] - onset) <= 1:
                before[1] = onset + note.duration - before[0]
                row = before
            else:
                row = [onset, note.duration, note.pitch, VELOCITY]
                rows.append(row)
            if note.tie in ("start", "continue"):
                tied[note.pitch] = row
    instrument = part.getInstrument(returnDefault=True)
    return Track(notes_of(rows), part.partName or "", instrument.midiProgram or 0)


def _ticks(quarters: Any) -> int:
    ticks: int = round(quarters * TICKS)
    return ticks


def _bars(bars: Played) -> list[_Bar]:
    return [_Bar(start, one.length, one.beats, one.unit) for start, one in bars if one.length and one.beats]


def _meters(bars: Iterable[_Bar]) -> tuple[Meter, ...]:
    """Metres such that bars counted from them are those that are written, but for the last one's end."""
    whole: list[_Bar] = []
    for bar in bars:
        last = whole[-1] if whole else None
        if last and last[2:] == bar[2:] and last.length < last.full and last.length + bar.length <= last.full:
            whole[-1] = last._replace(length=last.length + bar.length)
        else:
            whole.append(bar)
    found: list[Meter] = []
    for number, bar in enumerate(whole):
        cut = bar.length != bar.full and (number + 1 < len(whole) or bar.length > bar.full)
        beats, unit = _fraction(bar.length) if cut else (bar.beats, bar.unit)
        if not beats:  # no number of 64ths
            beats, unit = bar.beats, bar.unit
        now = found[-1] if found else None
        if now is None or now[1:] != (beats, unit) or (bar.start - now.onset) % now.bar:
            found.append(Meter(bar.start, beats, unit))
    return tuple(found) if found and not found[0].onset else (Meter(0, 4, 4), *found)


def _fraction(length: int) -> tuple[int, int]:
    """Ticks → beats and the largest note value that counts them; (0, 4) where none does."""
    return next(
        ((length * unit // (4 * TICKS), unit) for unit in UNITS if unit > 2 and length * unit % (4 * TICKS) == 0),
        (0, 4),
    )


def _tempi(bars: Played) -> tuple[Tempo, ...]:
    found = {0: 120.0}
    for start, measure in bars:
        for onset, bpm in measure.tempi:
            if bpm and 1 <= bpm <= 1000:
                found[start + onset] = float(bpm)
    return tuple(Tempo(*one) for one in sorted(found.items()))


def _keys(bars: Played) -> tuple[Key, ...]:
    """Those whose mode is told: a signature alone leaves two."""
    found: list[Key] = []
    for start, measure in bars:
        for onset, (tonic, minor) in measure.keys:
            one = Key(start + onset, tonic, minor)
            if found and found[-1].onset == one.onset:
                found.pop()
            if not found or found[-1][1:] != one[1:]:
                found.append(one)
    return tuple(found)


def _chords(bars: Played) -> tuple[Chord, ...]:
    found: dict[int, tuple[int, str, int]] = {}
    for start, measure in bars:
        for onset, figure in measure.chords:
            try:
                found[start + onset] = parse_chord(_spelled(figure))
            except ParameterError:
                found[start + onset] = (0, "", 0)
    return tuple(Chord(onset, *chord) for onset, chord in sorted(found.items()))


def _spelled(figure: str) -> str:
    """`D/f+` → `D/F#`: so ABC files from the Nottingham collection write a bass."""
    return re.sub(r"/([a-g])([+-]?)$", lambda bass: f"/{bass[1].upper()}{bass[2].replace('+', '#')}", figure)
