"""How many bytes a file's own structure promises beyond its end: the mark of a download that broke off."""

import struct
from collections.abc import Callable
from typing import BinaryIO

from audio_gen.audio._riff import chunks, padded_read
from audio_gen.audio._sniff import Kind

SLACK = 64  # some writers count the header into the data
GUID_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
OGG_PAGE = 65307  # the longest there is
MAX_BOXES = 100_000


def missing_bytes(file: BinaryIO, kind: Kind) -> int:
    """Bytes that are promised and not there; 0 where all is there or nothing is promised. Moves the file position."""
    size = file.seek(0, 2)
    if kind.name == "mp3":
        end = kind.start + kind.size
    else:
        end = _ENDS[kind.name](file, kind.start, size) if kind.name in _ENDS else size
    return max(0, end - size)


def is_unfinished_wave(file: BinaryIO, kind: Kind) -> bool:
    """Whether a WAV's data chunk states no length though data follow: its writer was stopped, or wrote to a pipe."""
    if kind.name != "wav":
        return False
    size = file.seek(0, 2)
    for name, at, length in chunks(file, kind.start, size):
        if name == b"data":
            follower, follows = struct.unpack("<4sI", padded_read(file, at, 8))
            return length == 0 and at < size and not (follower.strip().isalnum() and at + 8 + follows <= size)
    return False


def _riff_end(file: BinaryIO, start: int, size: int) -> int:
    for name, at, length in chunks(file, start, size):
        if name in (b"data", b"SSND"):
            return size if _is_streamed(length) else at + length - SLACK
    return size


def _is_streamed(length: int) -> bool:
    # who writes to a pipe can't go back to fill in the length, and leaves 0 or about 2 or 4 GiB
    return length == 0 or 0x7FFFEF00 <= length <= 0x80000000 or 0xFFFFFE00 <= length <= 0xFFFFFFFF


def _au_end(file: BinaryIO, start: int, size: int) -> int:
    offset, length = struct.unpack(">II", padded_read(file, start + 4, 8))
    return size if _is_streamed(length) else start + offset + length - SLACK


def _w64_end(file: BinaryIO, start: int, size: int) -> int:
    return start + int(struct.unpack("<Q", padded_read(file, start + 16, 8))[0]) - SLACK


def _caf_end(file: BinaryIO, start: int, size: int) -> int:
    at = start + 8
    while at + 12 <= size:
        name, length = struct.unpack(">4sq", padded_read(file, at, 12))
        if length < 0 or name == b"data":  # -1: up to the end
            return size if length < 0 else at + 12 + length - SLACK
        at += 12 + length
    return size


def _avi_end(file: BinaryIO, start: int, size: int) -> int:
    length = struct.unpack("<I", padded_read(file, start + 4, 4))[0]
    return size if _is_streamed(length) else start + 8 + length - SLACK


def is_chained_ogg(file: BinaryIO, kind: Kind) -> bool:
    """Whether an OGG ends in another stream than it starts with: several songs in a row, as radio is recorded."""
    if kind.name != "ogg":
        return False
    _, page = _last_page(file, kind.start, file.seek(0, 2))
    return page[14:18] != padded_read(file, kind.start, 18)[14:18]  # serial numbers


def _last_page(file: BinaryIO, start: int, size: int) -> tuple[int, bytes]:
    """Place and bytes of the last OGG page, the first one where the file's end holds none."""
    tail_at = max(start, size - 2 * OGG_PAGE)
    tail = padded_read(file, tail_at, size - tail_at)
    at = tail.rfind(b"OggS")
    return (tail_at + at, tail[at:]) if at >= 0 else (start, padded_read(file, start, OGG_PAGE))


def _ogg_end(file: BinaryIO, start: int, size: int) -> int:
    at, page = _last_page(file, start, size)
    segments = page[26] if len(page) > 26 else 255
    return at + 27 + segments + sum(page[27 : 27 + segments])


def _mov_end(file: BinaryIO, start: int, size: int) -> int:
    at = start
    for _ in range(MAX_BOXES):
        if at + 8 > size:
            break
        length, name, long_length = struct.unpack(">I4sQ", padded_read(file, at, 16))
        length = long_length if length == 1 else length
        if length < 8 or not name.isalnum():  # 0 is up to the end; what has no name is padding
            return size
        at += length
    return at


def _matroska_end(file: BinaryIO, start: int, size: int) -> int:
    at = start
    for identifier in (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"):  # EBML header, then the segment
        if padded_read(file, at, 4) != identifier:
            return size
        first = padded_read(file, at + 4, 1)[0]
        width = 9 - first.bit_length()
        value = int.from_bytes(padded_read(file, at + 4, width), "big") & ((1 << 7 * width) - 1)
        if width > 8 or value == (1 << 7 * width) - 1:  # all ones: unknown, as live streams write it
            return size
        at += 4 + width + value
    return at


def _asf_end(file: BinaryIO, start: int, size: int) -> int:
    at = padded_read(file, start, 8192).find(GUID_FILE_PROPERTIES)
    if at < 0:
        return size
    # after the object's name and length and the file's own name: length, 5 times and counts, flags
    length, flags = struct.unpack("<Q40xI", padded_read(file, start + at + 40, 52))
    return size if flags & 1 else start + int(length)  # a broadcast doesn't know its length


_ENDS: dict[str, Callable[[BinaryIO, int, int], int]] = {
    "wav": _riff_end,
    "aiff": _riff_end,
    "au": _au_end,
    "w64": _w64_end,
    "caf": _caf_end,
    "avi": _avi_end,
    "ogg": _ogg_end,
    "mov": _mov_end,
    "matroska": _matroska_end,
    "asf": _asf_end,
}
