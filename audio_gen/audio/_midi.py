"""What can be said of a MIDI file before it is played."""

import struct
from pathlib import Path

from audio_gen.errors import DecodeError


def check_midi(path: Path) -> bytes:
    """The bytes of a Standard MIDI File whose chunks are all there, without the RIFF wrapper that some have.

    Raises:
        DecodeError: unreadable, not a Standard MIDI File, or broken off.
    """
    try:
        if not path.is_file():
            raise DecodeError(f"{str(path)!r} is not a file; give a Standard MIDI File")
        data = path.read_bytes()
    except OSError as error:
        raise DecodeError(f"{str(path)!r} can't be read: {error.strerror or error}") from error
    head = start = 20 if data[:4] == b"RIFF" and data[8:12] == b"RMID" else 0
    if data[start : start + 4] != b"MThd":
        raise DecodeError(f"{str(path)!r} is not a Standard MIDI File (no MThd at its start)")
    tracks = 0
    while start + 8 <= len(data) and data[start : start + 4] in (b"MThd", b"MTrk"):
        tracks += data[start : start + 4] == b"MTrk"
        start += 8 + struct.unpack(">I", data[start + 4 : start + 8])[0]
    if start > len(data) or tracks == 0:
        raise DecodeError(f"{str(path)!r} breaks off in its track {tracks}; get a whole copy of the file")
    return data[head:]
