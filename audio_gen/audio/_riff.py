"""Chunks of RIFF (WAV) and AIFF files: found, read and put at the end."""

import struct
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import BinaryIO

TAGS = b"agjs"  # audio_gen's own chunk: the tags as JSON in ASCII. Names all in capitals would have to be registered
COMMENT = b"ICMT"
MAX_TEXT = 1 << 20
MAX_CHUNKS = 10_000  # that are looked through for a text


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


def texts(file: BinaryIO) -> dict[bytes, str]:
    """What a WAV file holds under `TAGS` and as `COMMENT` in LIST INFO, the first of each; nothing for other files.

    libsndfile passes over comments of 2,048 bytes and more.
    """
    size = file.seek(0, 2)
    found: dict[bytes, str] = {}
    if padded_read(file, 0, 4) != b"RIFF":
        return found
    for name, at, length in islice(chunks(file, 0, size), MAX_CHUNKS):
        if name == TAGS:
            found.setdefault(TAGS, _text(file, at, length))
        elif name == b"LIST" and padded_read(file, at, 4) == b"INFO":
            # the list's own four bytes stand where the file's twelve do
            for inner, place, count in islice(chunks(file, at + 4 - 12, min(at + length, size)), MAX_CHUNKS):
                if inner == COMMENT:
                    found.setdefault(COMMENT, _text(file, place, count))
    return found


def text_chunks(info: Mapping[bytes, bytes], tags: bytes) -> bytes:
    """A LIST INFO chunk of the texts in `info`, by their names, and a `TAGS` chunk."""
    fields = b"".join(_chunk(name, text + b"\0") for name, text in info.items())
    return _chunk(b"LIST", b"INFO" + fields) + _chunk(TAGS, tags)


def append(path: Path, more: bytes) -> None:
    """Put whole chunks at the end of a WAV file, and count them in its header."""
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        file.write(bytes(end % 2) + more)
        size = file.tell()
        file.seek(4)
        file.write(struct.pack("<I", size - 8))


def padded_read(file: BinaryIO, offset: int, count: int) -> bytes:
    """`count` bytes from `offset`, with zeros for those beyond the file's end."""
    file.seek(offset)
    return file.read(count).ljust(count, b"\0")


def _text(file: BinaryIO, at: int, length: int) -> str:
    return padded_read(file, at, min(length, MAX_TEXT)).rstrip(b"\0").decode(errors="replace")


def _chunk(name: bytes, contents: bytes) -> bytes:
    return struct.pack("<4sI", name, len(contents)) + contents + bytes(len(contents) % 2)
