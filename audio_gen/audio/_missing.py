"""How many bytes a file's own structure promises beyond its end: the mark of a download that broke off."""

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

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


def _read(file: BinaryIO, offset: int, count: int) -> bytes:
    file.seek(offset)
    return file.read(count).ljust(count, b"\0")


def is_unfinished_wave(file: BinaryIO, kind: Kind) -> bool:
    """Whether a WAV's data chunk states no length though data follow: its writer was stopped, or wrote to a pipe."""
    if kind.name != "wav":
        return False
    size = file.seek(0, 2)
    for name, at, length in _chunks(file, kind.start, size):
        if name == b"data":
            follower, follows = struct.unpack("<4sI", _read(file, at, 8))
            return length == 0 and at < size and not (follower.strip().isalnum() and at + 8 + follows <= size)
    return False


def _chunks(file: BinaryIO, start: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length of the contents of each RIFF or AIFF chunk."""
    order = ">" if _read(file, start, 4) in (b"RIFX", b"FORM") else "<"
    at, long_length = start + 12, None
    while at + 8 <= size:
        name, length = struct.unpack(f"{order}4sI", _read(file, at, 8))
        if name == b"ds64":  # of an RF64, whose data chunk has no room for it
            long_length = struct.unpack("<Q", _read(file, at + 16, 8))[0]
        if name == b"data" and length == 0xFFFFFFFF and long_length is not None:
            length = long_length
        yield name, at + 8, length
        at += 8 + length + length % 2


def _riff_end(file: BinaryIO, start: int, size: int) -> int:
    for name, at, length in _chunks(file, start, size):
        if name in (b"data", b"SSND"):
            return size if _is_streamed(length) else at + length - SLACK
    return size


def _is_streamed(length: int) -> bool:
    # who writes to a pipe can't go back to fill in the length, and leaves 0 or about 2 or 4 GiB
    return length == 0 or 0x7FFFEF00 <= length <= 0x80000000 or 0xFFFFFE00 <= length <= 0xFFFFFFFF


def _au_end(file: BinaryIO, start: int, size: int) -> int:
    offset, length = struct.unpack(">II", _read(file, start + 4, 8))
    return size if _is_streamed(length) else start + offset + length - SLACK


def _w64_end(file: BinaryIO, start: int, size: int) -> int:
    return start + int(struct.unpack("<Q", _read(file, start + 16, 8))[0]) - SLACK


def _caf_end(file: BinaryIO, start: int, size: int) -> int:
    at = start + 8
    while at + 12 <= size:
        name, length = struct.unpack(">4sq", _read(file, at, 12))
        if length < 0 or name == b"data":  # -1: up to the end
            return size if length < 0 else at + 12 + length - SLACK
        at += 12 + length
    return size


def _avi_end(file: BinaryIO, start: int, size: int) -> int:
    length = struct.unpack("<I", _read(file, start + 4, 4))[0]
    return size if _is_streamed(length) else start + 8 + length - SLACK


def _ogg_end(file: BinaryIO, start: int, size: int) -> int:
    tail_at = max(start, size - 2 * OGG_PAGE)
    tail = _read(file, tail_at, size - tail_at)
    page = tail.rfind(b"OggS")
    if page < 0:
        return size
    segments = tail[page + 26] if page + 26 < len(tail) else 255
    lacing = tail[page + 27 : page + 27 + segments]
    return tail_at + page + 27 + segments + sum(lacing)


def _mov_end(file: BinaryIO, start: int, size: int) -> int:
    at = start
    for _ in range(MAX_BOXES):
        if at + 8 > size:
            break
        length, name, long_length = struct.unpack(">I4sQ", _read(file, at, 16))
        length = long_length if length == 1 else length
        if length < 8 or not name.isalnum():  # 0 is up to the end; what has no name is padding
            return size
        at += length
    return at


def _matroska_end(file: BinaryIO, start: int, size: int) -> int:
    at = start
    for identifier in (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"):  # EBML header, then the segment
        if _read(file, at, 4) != identifier:
            return size
        first = _read(file, at + 4, 1)[0]
        width = 9 - first.bit_length()
        value = int.from_bytes(_read(file, at + 4, width), "big") & ((1 << 7 * width) - 1)
        if width > 8 or value == (1 << 7 * width) - 1:  # all ones: unknown, as live streams write it
            return size
        at += 4 + width + value
    return at


def _asf_end(file: BinaryIO, start: int, size: int) -> int:
    head = _read(file, start, 8192)
    at = head.find(GUID_FILE_PROPERTIES)
    if at < 0 or struct.unpack("<I", head[at + 88 : at + 92].ljust(4, b"\1"))[0] & 1:  # broadcast: no size known
        return size
    return start + int(struct.unpack("<Q", head[at + 40 : at + 48])[0])


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
