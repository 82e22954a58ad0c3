"""Chunks of RIFF (WAV) and AIFF files."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

MAX_COMMENT = 1 << 20


def chunks(file: BinaryIO, start: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length of the contents of each chunk of the file of `size` bytes whose header is at `start`."""
    order = ">" if padded_read(file, start, 4) in (b"RIFX", b"FORM") else "<"
    at, long_length = start + 12, None
    while at + 8 <= size:
        name, length = struct.unpack(f"{order}4sI", padded_read(file, at, 8))
        if name == b"ds64":  # of an RF64, whose data chunk has no room for it
            long_length = struct.unpack("<Q", padded_read(file, at + 16, 8))[0]
        if name == b"data" and length == 0xFFFFFFFF and long_length is not None:
            length = long_length
        yield name, at + 8, length
        at += 8 + length + length % 2


def comment(file: BinaryIO) -> str | None:
    """The comment of a WAV file (ICMT in LIST INFO); libsndfile passes over those of 2,048 bytes and more."""
    size = file.seek(0, 2)
    if padded_read(file, 0, 4) != b"RIFF":
        return None
    for name, at, length in chunks(file, 0, size):
        if name == b"LIST" and padded_read(file, at, 4) == b"INFO":
            # the list's own four bytes stand where the file's twelve do
            for inner, place, count in chunks(file, at + 4 - 12, at + length):
                if inner == b"ICMT":
                    return padded_read(file, place, min(count, MAX_COMMENT)).rstrip(b"\0").decode(errors="replace")
    return None


def padded_read(file: BinaryIO, offset: int, count: int) -> bytes:
    """`count` bytes from `offset`, with zeros for those beyond the file's end."""
    file.seek(offset)
    return file.read(count).ljust(count, b"\0")
