"""Reading through PyAV, whose wheel carries FFmpeg: M4A, WMA, WebM, MP4 and what else libsndfile can't read."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from audio_gen.audio._sniff import Kind

EXACT = frozenset({"ape", "wv", "tta", "tak", "mpc", "mpc8", "dsf"})  # their headers state the length to the sample


class PyAVReader:
    """Blocks of the first audio stream of an open file. What PyAV raises is passed on as it is.

    Args:
        file: open for reading in binary mode, at its start; FFmpeg gets no name and can open nothing else.
        kind: what it is: FFmpeg uses that demuxer and doesn't guess.

    Raises:
        ValueError: no audio stream, an empty one, or one that changes its rate or channels on the way.
    """

    def __init__(self, file: BinaryIO, kind: Kind) -> None:
        import av

        options = {"protocol_whitelist": "file", "format_whitelist": kind.name}
        self._container: Any = av.open(_Seekable(file), format=kind.name, container_options=options, io_open=_refuse)
        self.position = self.sample_rate = self.channels = 0
        try:
            streams = self._container.streams.audio
            if not streams:
                raise ValueError("it holds no audio stream")
            self._blocks = self._decode(streams[0])
            self._rest = next(self._blocks, None)
            if self._rest is None:
                raise ValueError("its audio stream is empty")
            self.promised = self._length(streams[0]) if kind.name in EXACT or kind.frames else None
        except BaseException:
            self._container.close()
            raise

    def read(self, frames: int) -> np.ndarray:
        """`[t, C]` float32, t ≤ frames; t = 0 at the end."""
        parts: list[np.ndarray] = []
        wanted = frames
        while wanted and self._rest is not None:
            parts.append(self._rest[:wanted])
            rest = self._rest[wanted:]
            wanted -= len(parts[-1])
            self._rest = rest if len(rest) else next(self._blocks, None)
        return np.concatenate(parts) if parts else np.empty((0, self.channels), np.float32)

    def close(self) -> None:
        """Let go of the file, which stays open."""
        self._container.close()

    def _length(self, stream: Any) -> int | None:
        return round(stream.duration * stream.time_base * self.sample_rate) if stream.duration else None

    def _decode(self, stream: Any) -> Iterator[np.ndarray]:
        for frame in self._container.decode(stream):
            shape = (frame.sample_rate, frame.layout.nb_channels)
            # from the first frame, not the header: HE-AAC's header states half the rate
            if self.sample_rate and shape != (self.sample_rate, self.channels):
                raise ValueError(f"it changes from {(self.sample_rate, self.channels)} Hz and channels to {shape}")
            self.sample_rate, self.channels = shape
            if frame.samples:
                self.position += frame.samples
                yield _floats(frame)


class _Seekable:
    """A file whose seeks fail with a number: of an exception over a hostile offset PyAV prints the traceback."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.tell, self._seek = file.read, file.tell, file.seek

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._seek(offset, whence)
        except (OSError, OverflowError, ValueError):
            return -1


def _refuse(url: str, flags: int, options: dict[str, str]) -> BinaryIO:
    raise PermissionError("a file may not refer to other files")


def _floats(frame: Any) -> np.ndarray:
    """`[t, C]` float32 of a frame in any sample format; integers are scaled to [-1, 1)."""
    samples = frame.to_ndarray()
    samples = samples.T if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels)
    if samples.dtype == np.uint8:
        samples = (samples.astype(np.float32) - 128) / 128
    elif samples.dtype.kind == "i":
        samples = samples / -float(np.iinfo(samples.dtype).min)
    return np.ascontiguousarray(samples, np.float32)
