"""Takes out of a written file what libsndfile puts in from the clock, so that equal clips give equal files."""

import struct
import zlib
from pathlib import Path

SERIAL = 1  # OGG: of the only stream in the file
HEADER_BYTES = 1 << 16
MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def strip(path: Path, suffix: str) -> None:
    """Blank the time in a float WAV's PEAK chunk; replace an OGG's serial number, drawn from the time, by 1."""
    if suffix == ".wav":
        _strip_wav(path)
    elif suffix == ".ogg":
        _strip_ogg(path)


def _strip_wav(path: Path) -> None:
    with path.open("r+b") as file:
        at = file.read(HEADER_BYTES).find(b"PEAK")
        if at > 0:  # name, length, version, seconds since 1970
            file.seek(at + 12)
            file.write(bytes(4))


def _strip_ogg(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = 0
    while data[at : at + 4] == b"OggS":
        segments = data[at + 26]
        end = at + 27 + segments + sum(data[at + 27 : at + 27 + segments])
        data[at + 14 : at + 18] = struct.pack("<I", SERIAL)
        data[at + 22 : at + 26] = bytes(4)
        data[at + 22 : at + 26] = struct.pack("<I", ogg_checksum(data[at:end]))
        at = end
    path.write_bytes(data)


def ogg_checksum(page: bytes | bytearray) -> int:
    """CRC-32 as OGG has it: zlib's polynomial with the bits of bytes and result the other way round, from 0."""
    mirrored = zlib.crc32(page.translate(MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
