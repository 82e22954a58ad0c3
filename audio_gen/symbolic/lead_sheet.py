"""ABC and MusicXML → Score, through music21: tunes with metres, key and chords.

Repeats are played out where music21 can. An upbeat is a bar of its own, with a metre of its length at 0 and the tune's
metre at its end; two short bars that are one full bar, as around a repeat, are taken together. Grace notes and
percussion are left out; written dynamics too, all notes have velocity 80.
"""

import io
import re
import zipfile
from collections.abc import Iterable
from copy import deepcopy
from itertools import pairwise
from typing import Any, NamedTuple

from audio_gen.errors import DecodeError, ParameterError
from audio_gen.symbolic.chords import parse_chord
from audio_gen.symbolic.score import TICKS, UNITS, Chord, Key, Meter, Score, Tempo, Track, notes_of

VELOCITY = 80
MAX_BYTES = 1 << 24  # of a tune or an unpacked MusicXML file: a packed one can hold a thousand times its size
MINOR = ("minor", "aeolian", "dorian", "phrygian", "locrian")  # modes with a minor third


def abc_tunes(text: str) -> list[str]:
    """The tunes of an ABC file, each from its `X:` on; fields that stand before the first are put into each."""
    head, *tunes = re.split(r"(?m)^(?=X:)", text)
    fields = "".join(line for line in head.splitlines(keepends=True) if re.match(r"[A-WZ]:", line))
    return [re.sub(r"\A(X:.*\n)", lambda found: found[1] + fields, tune) for tune in tunes]


def read_abc(text: str, name: str = "ABC") -> list[tuple[str, Score]]:
    """(title, score) of each tune.

    Raises:
        DecodeError: no tune, or one of them can't be read.
        ParameterError: music21 isn't there.
    """
    tunes = abc_tunes(text)
    if not tunes:
        raise DecodeError(f"{name!r} holds no ABC tune: one begins with a line X: and a number, and has a line K:")
    return [read_tune(tune, f"{name}, {tune.split(chr(10), 1)[0].strip()}") for tune in tunes]


def read_tune(text: str, name: str = "ABC") -> tuple[str, Score]:
    """(title, score) of one ABC tune.

    Raises:
        DecodeError: it can't be read, or has no notes.
        ParameterError: music21 isn't there.
    """
    _check_size(len(text), name)
    music21 = _music21()
    try:
        stream = music21.converter.parseData(text, format="abc")
        title = str(getattr(stream.metadata, "title", None) or "")
    except Exception as error:  # music21 has many, and lets others through
        raise _unreadable(name, error) from error
    return title, _score(stream, name)


def read_musicxml(data: bytes, name: str = "MusicXML") -> Score:
    """The score in a MusicXML file, packed (.mxl) or not; a part is a track.

    Raises:
        DecodeError: it can't be read, or has no notes.
        ParameterError: music21 isn't there.
    """
    music21 = _music21()
    text = _unpacked(data, name) if data[:2] == b"PK" else data
    _check_size(len(text), name)
    try:
        importer = music21.musicxml.xmlToM21.MusicXMLImporter()
        importer.xmlText = text
        importer.parseXMLText()
        stream = importer.stream
    except Exception as error:
        raise _unreadable(name, error) from error
    return _score(stream, name)


def _unpacked(data: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = [
                one
                for one in archive.infolist()
                if one.filename.lower().endswith((".xml", ".musicxml")) and not one.filename.startswith("META-INF")
            ]
            if not inside:
                raise DecodeError(f"{name!r} is a packed file without MusicXML in it; export it again")
            _check_size(inside[0].file_size, name)
            with archive.open(inside[0]) as file:
                return file.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        raise _unreadable(name, error) from error


class _Bar(NamedTuple):
    """A bar as written, in ticks."""

    start: int
    length: int
    beats: int
    unit: int

    @property
    def full(self) -> int:
        return 4 * TICKS * self.beats // self.unit


def _score(stream: Any, name: str) -> Score:
    try:
        parts = [_expanded(part) for part in _sounding(stream).parts]
        tracks = [track for track in map(_track, parts) if len(track.notes)]
        if not tracks:
            raise DecodeError(
                f"{name!r} has no notes; give a tune with notes and a line K: (ABC), or a part (MusicXML)"
            )
        flat = parts[0].flatten()
        chords = next(filter(None, (_chords(part.flatten()) for part in parts)), ())
        return Score(tuple(tracks), _meters(_bars(parts[0])), _tempi(flat), _keys(flat), chords)
    except DecodeError:
        raise
    except Exception as error:
        raise _unreadable(name, error) from error


def _sounding(stream: Any) -> Any:
    """Transposing instruments at the pitch that is heard."""
    moved = any(instrument.transposition for instrument in stream.recurse().getElementsByClass("Instrument"))
    return stream.toSoundingPitch() if moved else stream


def _expanded(part: Any) -> Any:
    """The part with its repeats played out; as it is written where there are no bars, or the signs make no sense."""
    from music21.repeat import ExpanderException

    if not part.hasMeasures():
        return part.makeMeasures()
    meter = None
    for measure in part.getElementsByClass("Measure"):  # who goes back to a bar takes its metre along
        meter = measure.timeSignature or meter
        if measure.timeSignature is None and meter is not None:
            measure.timeSignature = deepcopy(meter)
    try:
        return part.expandRepeats()
    except ExpanderException:
        return part


def _track(part: Any) -> Track:
    rows = []
    flat = part.flatten()
    flat.stripTies(inPlace=True)  # a copy would take as long as all the rest
    for note in flat.notes:
        if "Harmony" in note.classes or not note.quarterLength:
            continue
        onset, end = _ticks(note.offset), _ticks(note.offset + note.quarterLength)
        pitches = {pitch.midi for pitch in note.pitches}
        rows += [(onset, max(1, end - onset), pitch, VELOCITY) for pitch in pitches]
    instrument = part.getInstrument(returnDefault=True)
    return Track(notes_of(rows), part.partName or "", instrument.midiProgram or 0)


def _ticks(quarters: Any) -> int:
    ticks: int = round(quarters * TICKS)
    return ticks


def _bars(part: Any) -> list[_Bar]:
    measures = [measure for measure in part.getElementsByClass("Measure") if measure.timeSignature is not None]
    starts = [_ticks(measure.offset) for measure in measures]
    found = []
    for measure, (start, end) in zip(measures, pairwise([*starts, _ticks(part.highestTime)]), strict=True):
        meter = measure.timeSignature
        if end > start:
            found.append(_Bar(start, end - start, meter.numerator, meter.denominator))
    return found


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


def _tempi(flat: Any) -> tuple[Tempo, ...]:
    found = {0: 120.0}
    for mark in flat.getElementsByClass("MetronomeMark"):
        bpm = mark.getQuarterBPM()
        if bpm and 1 <= bpm <= 1000:
            found[_ticks(mark.offset)] = float(bpm)
    return tuple(Tempo(*one) for one in sorted(found.items()))


def _keys(flat: Any) -> tuple[Key, ...]:
    """Those whose mode is told: a signature alone leaves two."""
    found: list[Key] = []
    for key in flat.getElementsByClass("Key"):
        one = Key(_ticks(key.offset), key.tonic.pitchClass, key.mode in MINOR)
        if found and found[-1].onset == one.onset:
            found.pop()
        if not found or found[-1][1:] != one[1:]:
            found.append(one)
    return tuple(found)


def _chords(flat: Any) -> tuple[Chord, ...]:
    found: dict[int, tuple[int, str, int]] = {}
    for symbol in flat.getElementsByClass("Harmony"):
        try:
            found[_ticks(symbol.offset)] = parse_chord(_spelled(symbol.figure))
        except ParameterError:
            found[_ticks(symbol.offset)] = (0, "", 0)
    return tuple(Chord(onset, *chord) for onset, chord in sorted(found.items()))


def _spelled(figure: str) -> str:
    """`D/f+` → `D/F#`: so ABC files from the Nottingham collection write a bass."""
    return re.sub(r"/([a-g])([+-]?)$", lambda bass: f"/{bass[1].upper()}{bass[2].replace('+', '#')}", figure)


def _check_size(size: int, name: str) -> None:
    if size > MAX_BYTES:
        raise DecodeError(
            f"{name!r} holds {size} bytes of notation; at most {MAX_BYTES} are read: split it into pieces"
        )


def _unreadable(name: str, error: Exception) -> DecodeError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DecodeError(f"{name!r} can't be read as ABC or MusicXML ({reason}); export it again")


def _music21() -> Any:
    try:
        import music21
    except ImportError as error:
        raise ParameterError("ABC and MusicXML need music21: pip install audio-gen[scores]") from error
    return music21
