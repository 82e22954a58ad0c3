"""Takes out of a written file what libsndfile puts in from the clock, so that equal clips give equal files."""

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from audio_gen.audio._riff import chunks

SERIAL = 1  # OGG: of the only stream in the file
MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def strip(path: Path, suffix: str) -> None:
    """Blank the time in a float WAV's PEAK chunk; replace an OGG's serial number, drawn from the time, by 1."""
    if suffix == ".wav":
        _strip_wav(path)
    elif suffix == ".ogg":
        _strip_ogg(path)


def _strip_wav(path: Path) -> None:
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        places = [at for name, at, _ in chunks(file, 0, size) if name == b"PEAK"]
        for at in places:  # version, seconds since 1970, peaks
            file.seek(at + 4)
            file.write(bytes(4))


def _strip_ogg(path: Path) -> None:
    at = 0
    with path.open("r+b") as file:
        while page := _page(file, at):
            page[14:18] = struct.pack("<I", SERIAL)
            page[22:26] = bytes(4)
            page[22:26] = struct.pack("<I", ogg_checksum(page))
            file.seek(at)
            file.write(page[:26])
            at += len(page)


def _page(file: BinaryIO, at: int) -> bytearray:
    file.seek(at)
    header = file.read(27)
    if len(header) < 27 or header[:4] != b"OggS":
        return bytearray()
    lengths = file.read(header[26])
    return bytearray(header + lengths + file.read(sum(lengths)))


def ogg_checksum(page: bytes | bytearray) -> int:
    """CRC-32 as OGG has it: zlib's polynomial with the bits of bytes and result the other way round, from 0."""
    mirrored = zlib.crc32(page.translate(MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
