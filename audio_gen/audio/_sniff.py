"""Which container a file is, from its first bytes: the name decides nothing, and text is never audio.

A kind is FFmpeg's name for the demuxer, which PyAV is then told to use, so that it never guesses: guessing is how
a text file that starts with `ffconcat` or `#EXTM3U` makes FFmpeg open its neighbours.
"""

from dataclasses import dataclass
from typing import BinaryIO

from audio_gen.audio._mpeg import promised_size, stream_kind

HEAD_BYTES = 65536
MAX_TAGS = 8
MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
    (0, b".snd", "au"),
    (0, b"caff", "caf"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"FLV\x01", "flv"),
    (0, b"MAC ", "ape"),
    (0, b"wvpk", "wv"),
    (0, b"TTA1", "tta"),
    (0, b"MPCK", "mpc8"),
    (0, b"MP+", "mpc"),
    (0, b"tBaK", "tak"),
    (0, b"DSD ", "dsf"),
    (0, b"#!AMR", "amr"),
    (0, b"ADIF", "aac"),
    (0, b"\x7f\xfe\x80\x01", "dts"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    *((4, box, "mov") for box in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")),
)
RIFF_FORMS = {b"WAVE": "wav", b"AVI ": "avi", b"AIFF": "aiff", b"AIFC": "aiff"}


@dataclass(frozen=True)
class Kind:
    """What a file is."""

    name: str  # FFmpeg's name of the demuxer
    start: int = 0  # bytes before the first header: tags
    frames: int = 0  # MP3: how many frames its first one promises; 0 where it says nothing
    size: int = 0  # MP3: how many bytes, likewise


def sniff(file: BinaryIO) -> Kind | None:
    """The kind of the container, or None where nothing known is found. Leaves the file at its start."""
    start, head = 0, _at(file, 0)
    for _ in range(MAX_TAGS):
        if head[:3] != b"ID3" or len(head) < 10:
            break
        # a tag in front, whose length is written in 7-bit bytes
        start += 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        head = _at(file, start)
    file.seek(0)
    name = _container(head)
    if name:
        return Kind(name, start)
    found = stream_kind(head)
    return found and Kind(found[0], start + found[1], *(promised_size(head, found[1]) if found[0] == "mp3" else ()))


def _at(file: BinaryIO, offset: int) -> bytes:
    file.seek(offset)
    return file.read(HEAD_BYTES)


def _container(head: bytes) -> str | None:
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM"):
        return RIFF_FORMS.get(head[8:12])
    for offset, magic, name in MAGIC:
        if head.startswith(magic, offset):
            return name
    if head[:2] == b"\x0b\x77" and len(head) > 5:
        return "eac3" if head[5] >> 3 > 10 else "ac3"
    syncs = set(head[::188])  # transport packets are 188 bytes, each starting with a G
    return "mpegts" if len(head) > 3 * 188 and syncs == {ord("G")} else None
