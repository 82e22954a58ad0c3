"""A Standard MIDI File as messages at their times in seconds."""

import io
from pathlib import Path
from typing import Any, NamedTuple

from audio_gen.errors import DecodeError, ParameterError

MAX_SECONDS = 3600.0  # a delta time of a few bytes can mean months
DRUMS = 9  # the channel whose notes are instruments
DEFAULT_TEMPO = 500_000  # microseconds a beat, until the file says otherwise


class Event(NamedTuple):
    """A message of a channel."""

    seconds: float  # from the start
    message: Any  # mido.Message


def read_midi(midi: Path | bytes) -> list[Event]:
    """The channel messages of a file, or of its bytes, in the order of time, up to the last note's end.

    Raises:
        DecodeError: unreadable, no Standard MIDI File, broken off, damaged, without notes, or over an hour long.
        ParameterError: mido is not installed.
    """
    name, data = ("the MIDI", midi) if isinstance(midi, bytes) else (repr(str(midi)), _bytes(midi))
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        data = data[20:]
    if data[:4] != b"MThd":
        raise DecodeError(f"{name} is no Standard MIDI File (it doesn't start with MThd); export it again")
    events = _events(data, name)
    notes = [index for index, event in enumerate(events) if event.message.type in ("note_on", "note_off")]
    if not any(event.message.type == "note_on" and event.message.velocity for event in events):
        raise DecodeError(f"{name} holds no notes; check that it is the right MIDI file")
    events = events[: notes[-1] + 1]
    if events[-1].seconds > MAX_SECONDS:
        raise DecodeError(f"{name} lasts {events[-1].seconds:.0f} s; at most {MAX_SECONDS:.0f} s can be rendered")
    return events


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise DecodeError(f"{str(path)!r} is no file; give a Standard MIDI File")
        return path.read_bytes()
    except OSError as error:
        raise DecodeError(f"{str(path)!r} can't be read ({error.strerror}); check its permissions") from error


def transposed(events: list[Event], semitones: int) -> list[Event]:
    """The same music so many semitones higher; the drum channel stays."""
    if not semitones:
        return events
    return [event._replace(message=_moved(event.message, semitones)) for event in events]


def _moved(message: Any, semitones: int) -> Any:
    if message.type not in ("note_on", "note_off", "polytouch") or message.channel == DRUMS:
        return message
    note = message.note + semitones
    while not 0 <= note <= 127:
        note -= 12 if note > 127 else -12
    return message.copy(note=note)


def _events(data: bytes, name: str) -> list[Event]:
    try:
        import mido
    except ImportError as error:
        raise ParameterError("MIDI needs mido: `pip install mido`, or install audio-gen[midi]") from error
    try:
        # `clip`: a data byte over 127 is brought into range, as players do it
        midi = mido.MidiFile(file=io.BytesIO(data), clip=True)
        return _timed(mido.merge_tracks(midi.tracks), midi.ticks_per_beat)
    except Exception as error:  # mido has no error of its own
        reason = "it breaks off" if isinstance(error, EOFError) else str(error) or type(error).__name__
        raise DecodeError(f"{name} is a damaged MIDI file ({reason}); get a whole copy of it") from error


def _timed(messages: Any, division: int) -> list[Event]:
    if division == 0:
        raise ValueError("0 ticks a beat")
    tempo, now, events = DEFAULT_TEMPO, 0.0, []
    # a negative division counts frames a second in its upper byte, ticks a frame in the lower one
    fixed = 1 / (-(division >> 8) * (division & 255 or 1)) if division < 0 else None
    for message in messages:
        now += message.time * (fixed or tempo / 1e6 / division)
        if message.type == "set_tempo":
            tempo = message.tempo
        elif not message.is_meta and hasattr(message, "channel"):
            events.append(Event(now, message))
    return events
