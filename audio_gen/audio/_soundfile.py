"""Reading through libsndfile: WAV, FLAC, OGG, MP3, AIFF and their like."""

from typing import Any, BinaryIO

import numpy as np

from audio_gen.audio._sniff import Kind

KINDS = frozenset({"wav", "w64", "flac", "ogg", "mp3", "aiff", "au", "caf"})
UNKNOWN = 1 << 62  # libsndfile's frame count where the file states none


class SoundFileReader:
    """Blocks of an open file. What soundfile raises is passed on as it is.

    Args:
        file: open for reading in binary mode, unbuffered, at its start.
        kind: what it is; the frame count of an MP3 without a header for it is a guess.
    """

    def __init__(self, file: BinaryIO, kind: Kind) -> None:
        import soundfile

        # by descriptor: soundfile can't encode every file name, and calls back into Python for file objects
        self._sound: Any = soundfile.SoundFile(file.fileno(), closefd=False)
        # else soundfile seeks to where it is after each read: an MP3 loses its bit reservoir by that, and a FLAC of
        # unknown length fails
        self._sound.seekable = lambda: False
        self.sample_rate: int = self._sound.samplerate
        self.channels: int = self._sound.channels
        known = (kind.name != "mp3" or kind.frames) and 0 < self._sound.frames < UNKNOWN
        self.promised: int | None = self._sound.frames if known else None
        self._buffer = np.empty((0, self.channels), np.float32)

    @property
    def position(self) -> int:
        """Frames decoded so far, also after an error in the middle of a block."""
        return max(0, int(self._sound.tell()))

    def read(self, frames: int) -> np.ndarray:
        """`[t, C]` float32, t ≤ frames, valid until the next call; t = 0 at the end."""
        # into a buffer of ours: the frame count of an MP3 may be a guess, and plain read() stops there; always the
        # same one: to fetch fresh memory for each block takes as long as to mix its channels
        if len(self._buffer) < frames:
            self._buffer = np.empty((frames, self.channels), np.float32)
        block: np.ndarray = self._sound.read(out=self._buffer[:frames])
        return block

    def close(self) -> None:
        """Let go of the file, which stays open."""
        self._sound.close()
