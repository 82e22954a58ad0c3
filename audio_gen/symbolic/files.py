"""Files of notes → Score by what is in them, Score → MIDI file, and which track a model can work on."""

import io
import os
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from audio_gen.atomic import replacing
from audio_gen.audio._sniff import sniff
from audio_gen.errors import DecodeError, ParameterError
from audio_gen.symbolic.lead_sheet import abc_tunes, read_musicxml, read_tune
from audio_gen.symbolic.midi import midi_bytes, read_midi
from audio_gen.symbolic.score import Score, Track

MIDI_EXTENSIONS = (".mid", ".midi")
NOTE_EXTENSIONS = (*MIDI_EXTENSIONS, ".abc", ".musicxml", ".mxl", ".xml")  # what to look for in folders
MAX_BYTES = 1 << 26  # nothing larger is opened; each format has a limit of its own
ALLOWED = "give MIDI (.mid), ABC (.abc) or MusicXML (.musicxml, .mxl)"


def read_notes(path: str | Path) -> Score:
    """The music in a MIDI, ABC or MusicXML file, whatever it is called.

    Raises:
        DecodeError: missing, unreadable, none of these, damaged, or an ABC file of several tunes.
        ParameterError: what reads it isn't installed.
    """
    path = Path(path)
    name, data = str(path), _bytes(path)
    if is_midi(data):
        return read_midi(data, name)
    if data[:2] == b"PK":
        return read_musicxml(data, name)
    text = _text(data)
    if text.lstrip().startswith("<") and "<score-" in text:
        return read_musicxml(text.strip().encode(), name)
    tunes = abc_tunes(text) if "K:" in text and "\0" not in text else []
    if len(tunes) > 1:
        raise DecodeError(f"{name!r} holds {len(tunes)} tunes; save the one that you mean, from its X: on, as a file")
    if tunes:
        return read_tune(tunes[0], name)[1]
    if recording := sniff(io.BytesIO(data)):
        raise DecodeError(f"{name!r} is a recording ({recording.name.upper()}), not MIDI: {ALLOWED}")
    raise DecodeError(f"{name!r} holds no notes that can be read ({len(data)} bytes); {ALLOWED}")


def is_midi(head: bytes) -> bool:
    """Whether a file that begins with these 12 bytes or more says that it is MIDI, wrapped in RIFF or not."""
    return head[:4] == b"MThd" or (head[:4] == b"RIFF" and head[8:12] == b"RMID")


def write_notes(path: str | Path, score: Score) -> None:
    """Write a MIDI file, whole or not at all; the same score gives the same bytes.

    Raises:
        ParameterError: another suffix than .mid or .midi, or what MIDI can't hold (`midi_bytes`).
        OSError: the file can't be written to.
    """
    path = Path(path)
    if path.suffix.lower() not in MIDI_EXTENSIONS:
        raise ParameterError(f"notes are written as .mid, not {path.suffix!r} ({path.name!r})")
    data = midi_bytes(score)
    with replacing(path) as part:
        part.write_bytes(data)


def one_voice(score: Score, track: int | None = None) -> int:
    """The number (from 0) of the track for a model of one voice.

    Args:
        score: what to choose from.
        track: the user's choice, counted from 1; None takes the only track with one voice.

    Raises:
        ParameterError: none or several would do, or the chosen one is polyphonic, drums, empty or not there; the
            message lists all tracks.
    """

    def fits(one: Track) -> bool:
        return not one.is_drum and not one.polyphonic

    return _chosen(score, track, fits, "this model needs one voice")


def drum_track(score: Score, track: int | None = None) -> int:
    """The number (from 0) of the track of drums; arguments and errors as for `one_voice`."""
    return _chosen(score, track, lambda one: one.is_drum, "this model needs drums (channel 10)")


def _chosen(score: Score, track: int | None, fits: Callable[[Track], bool], need: str) -> int:
    if track is not None and not 1 <= track <= len(score.tracks):
        raise ParameterError(f"there is no track {track}; {_listed(score)}")
    fitting = [number for number, one in enumerate(score.tracks) if len(one.notes) and fits(one)]
    if track is not None:
        fitting = [number for number in fitting if number == track - 1]
    if len(fitting) == 1:
        return fitting[0]
    if track is not None:
        raise ParameterError(f"{need}, and track {track} isn't that; {_listed(score)}")
    choice = f"use --track {' or '.join(str(number + 1) for number in fitting)}; " if fitting else ""
    raise ParameterError(f"{need}, and {len(fitting) or 'none'} of the tracks would do; {choice}{_listed(score)}")


def _listed(score: Score) -> str:
    if not score.tracks:
        return "it has no tracks"
    return "tracks: " + ", ".join(f"{number} {_described(one)}" for number, one in enumerate(score.tracks, start=1))


def _described(track: Track) -> str:
    voices = "drums" if track.is_drum else "polyphonic" if track.polyphonic else "one voice"
    count = len(track.notes)
    name = f"{track.name[:40]!r} " if track.name else ""
    return f"{name}({count} note{'s' * (count != 1)}{f', {voices}' * bool(count)})"


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise DecodeError(f"{str(path)!r} is no file; {ALLOWED}")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise DecodeError(f"{os.fspath(path)!r} can't be read ({reason}); check its permissions") from error
    if len(data) > MAX_BYTES:
        raise DecodeError(f"{str(path)!r} is larger than {MAX_BYTES >> 20} MiB; {ALLOWED}")
    return data


def _text(data: bytes) -> str:
    with suppress(UnicodeDecodeError):
        return data.decode("utf-16" if data[:2] in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8-sig")
    return data.decode("latin-1")
