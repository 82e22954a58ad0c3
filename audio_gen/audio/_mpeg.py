"""Frame headers of MPEG audio (MP1, MP2, MP3) and of raw AAC."""

import struct

LOW = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
KBITS = {  # by (MPEG-1?, layer)
    (True, 1): tuple(range(32, 449, 32)),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): LOW,
    (False, 3): LOW,
}
CHAIN = 3  # frames in a row that make a stream: two fit by chance in one of some hundred random files


def stream_kind(head: bytes) -> tuple[str, int] | None:
    """FFmpeg's name of the first stream of frames in `head`, and where it starts; None where there is none."""
    at = head.find(b"\xff")
    while 0 <= at < len(head) - 8:
        if _is_chain(head, at, mp3=True):
            return "mp3", at
        if _is_chain(head, at, mp3=False):
            return "aac", at
        at = head.find(b"\xff", at + 1)
    return None


def promised_size(head: bytes, at: int) -> tuple[int, int]:
    """Frames and bytes that a Xing, Info or VBRI header in the MP3 frame at `at` promises; 0 where it says nothing."""
    first = head[at : at + 200]
    for tag in (b"Xing", b"Info"):
        place = first.find(tag, 4, 48)
        if place > 0:
            flags, one, two = struct.unpack(">III", first[place + 4 : place + 16].ljust(12, b"\0"))
            frames = one if flags & 1 else 0
            return frames, (two if flags & 1 else one) if flags & 2 else 0
    if first[36:40] == b"VBRI":
        size, frames = struct.unpack(">II", first[46:54].ljust(8, b"\0"))
        return frames, size
    return 0, 0


def _is_chain(head: bytes, at: int, mp3: bool) -> bool:
    first = head[at : at + 8]
    for _ in range(CHAIN):
        header = head[at : at + 8]
        size = mpeg_frame_bytes(header) if mp3 else adts_frame_bytes(header)
        # version, layer and rate stay the same along a stream
        if not size or (header[1] ^ first[1]) & 0xFE or (header[2] ^ first[2]) & 0x0C:
            return False
        at += size
        if at >= len(head):
            break
    return True


def mpeg_frame_bytes(header: bytes) -> int:
    """Length of the MPEG audio frame that starts with these four bytes; 0 where none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = (header[1] >> 3) & 3, 4 - ((header[1] >> 1) & 3)  # version 3 is MPEG-1, 2 MPEG-2, 0 MPEG-2.5
    rate_index, step = header[2] >> 4, (header[2] >> 2) & 3
    if version == 1 or layer == 4 or rate_index in (0, 15) or step == 3:
        return 0
    rate = (44100, 48000, 32000)[step] >> {3: 0, 2: 1, 0: 2}[version]
    kbits = KBITS[(version == 3, layer)][rate_index - 1]
    padding = (header[2] >> 1) & 1
    if layer == 1:
        return (12000 * kbits // rate + padding) * 4
    return (144000 if layer == 2 or version == 3 else 72000) * kbits // rate + padding


def adts_frame_bytes(header: bytes) -> int:
    """Length of the ADTS (raw AAC) frame that starts with these six bytes; 0 where none does."""
    if len(header) < 6 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or (header[2] >> 2) & 15 > 12:
        return 0
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if size > 7 else 0
