"""File -> samples, whole or in blocks. Whatever is wrong with a file is a DecodeError that says what to do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.audio._reader import Reader, describe, open_reader
from audio_gen.audio.clip import Clip
from audio_gen.audio.resample import StreamResampler
from audio_gen.errors import DecodeError

Floats = npt.NDArray[np.float32]
PLAIN = frozenset({".wav", ".wave", ".w64", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"})
PACKED = frozenset({".flac", ".ape", ".wv", ".tta", ".mp3", ".mp2", ".mpc", ".ogg", ".oga", ".opus", ".aac", ".wma"})
IN_CONTAINERS = frozenset({".m4a", ".m4b", ".mp4", ".webm", ".mka"})
AUDIO_EXTENSIONS = PLAIN | PACKED | IN_CONTAINERS  # what a scan of a folder takes for audio
BLOCK = 5.0  # seconds: a block of stereo stays in the cache on its way from the decoder to the resampler
MAX_BLOCK = 1 << 24  # samples of all channels together: 64 MiB, whatever rate and channels a header states
LOUDEST = 1e9  # beyond it nothing is audio: random bits read as floats
TOLERANCE = 2304  # samples: two MP3 frames; encoders and decoders don't agree on what padding is


class AudioSource:
    """An open file that is read once, from start to end. Made by `open_audio`."""

    def __init__(self, name: str, reader: Reader, missing: int = 0) -> None:
        self.sample_rate, self.channels = reader.sample_rate, reader.channels
        self._name, self._reader, self._missing = name, reader, missing
        self._frames = 0

    @property
    def seconds(self) -> float:
        """Seconds decoded so far."""
        return self._frames / self.sample_rate

    def blocks(self, seconds: float = BLOCK) -> Iterator[torch.Tensor]:
        """`[C, t]` float32 tensors of at most `seconds`, in order, at the file's own rate.

        Raises:
            DecodeError: on the way the file turns out to be damaged, broken off, empty or not finite.
        """
        for block in self._interleaved(seconds):
            yield torch.from_numpy(block.T.copy())

    def mono(self, sample_rate: int, seconds: float = BLOCK) -> Iterator[torch.Tensor]:
        """`[1, t]` float32 tensors at `sample_rate`: channels averaged, resampled as one stream.

        Raises:
            DecodeError: as `blocks`.
        """
        stream = StreamResampler(self.sample_rate, sample_rate, 1)
        for block in self._interleaved(seconds):
            ready = stream.push(torch.from_numpy(_mixed(block)[None]))
            if ready.shape[-1]:
                yield ready
        rest = stream.finish()
        if rest.shape[-1]:
            yield rest

    def _interleaved(self, seconds: float) -> Iterator[Floats]:
        """`[t, C]`, each valid until the next is asked for."""
        size = max(1, min(round(seconds * self.sample_rate), MAX_BLOCK // self.channels))
        while len(block := self._read(size)):
            self._frames += len(block)
            yield block
        self._check_end()

    def _read(self, size: int) -> Floats:
        try:
            block = self._reader.read(size)
        except Exception as error:  # decoders raise what they like, MemoryError over an absurd size too
            after = self._reader.position / self.sample_rate
            raise DecodeError(
                f"{self._name} is damaged or breaks off after {after:.2f} s ({describe(error)}); get a whole copy of it"
            ) from error
        if len(block) and not -LOUDEST <= block.min() <= block.max() <= LOUDEST:  # false for NaN as well
            raise DecodeError(
                f"{self._name} holds NaN, infinite or absurdly large samples in the block from {self.seconds:.2f} s;"
                " samples must be finite, nominally within -1 to 1: export it again"
            )
        return block

    def _check_end(self) -> None:
        if self._frames == 0:
            raise DecodeError(f"{self._name} holds no audio samples; record or export it again")
        promised = self._reader.promised or 0
        if self._missing or promised - self._frames > TOLERANCE:
            lack = f"{self._missing} bytes are missing"
            lack = lack if self._missing else f"its header promises {promised / self.sample_rate:.2f} s"
            raise DecodeError(f"{self._name} breaks off after {self.seconds:.2f} s ({lack}); get a whole copy of it")


def _mixed(block: Floats) -> Floats:
    """`[t, C] -> [t]`: the mean of the channels, as an array of its own; `mean(1)` takes eight times as long."""
    if block.shape[1] == 1:
        return block[:, 0].copy()
    total: Floats = block[:, 0] + block[:, 1]
    for channel in range(2, block.shape[1]):
        total += block[:, channel]
    total /= block.shape[1]
    return total


@contextmanager
def open_audio(path: str | Path) -> Iterator[AudioSource]:
    """Open an audio file of any kind that soundfile or PyAV reads, recognised by its content, not its name.

    Raises:
        DecodeError: the file is missing, unreadable, no audio, or states an absurd rate or channel count.
    """
    name = repr(os.fspath(path))  # repr: names may hold newlines and bytes that are no text
    with open_reader(Path(path), name) as (reader, missing):
        yield AudioSource(name, reader, missing)


def load(path: str | Path) -> Clip:
    """Decode a whole file, at its own rate and channel count.

    Raises:
        DecodeError: as `open_audio` and `AudioSource.blocks`.
    """
    with open_audio(path) as source:
        return Clip(torch.cat(list(source.blocks()), dim=-1), source.sample_rate)
