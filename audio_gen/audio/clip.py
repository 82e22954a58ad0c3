"""Clip: a piece of audio with its sample rate, checked once at the border."""

from dataclasses import dataclass

import torch

from audio_gen.audio.resample import resample
from audio_gen.errors import ParameterError


@dataclass(frozen=True, eq=False)
class Clip:
    """A frozen piece of audio.

    Args:
        samples: `[C, T]` float32 tensor, finite, nominally in [-1, 1], T ≥ 1.
        sample_rate: in Hz.

    Raises:
        ParameterError: wrong shape or type, no samples, NaN or infinite values, rate below 1 Hz.
    """

    samples: torch.Tensor
    sample_rate: int

    def __post_init__(self) -> None:
        samples = self.samples
        if not isinstance(samples, torch.Tensor) or samples.dtype != torch.float32 or samples.ndim != 2:
            given = f"{samples.dtype} {list(samples.shape)}" if isinstance(samples, torch.Tensor) else type(samples)
            raise ParameterError(f"samples must be a float32 tensor [channels, time], not {given}")
        if min(samples.shape) < 1:
            raise ParameterError(f"a clip needs at least one channel and one sample, not {list(samples.shape)}")
        if not bool(torch.isfinite(samples).all()):
            raise ParameterError("samples must be finite; this clip holds NaN or infinite values")
        if self.sample_rate < 1:
            raise ParameterError(f"sample_rate must be at least 1 Hz, not {self.sample_rate}")

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.samples.shape[-1] / self.sample_rate

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.samples.shape[0]

    def to(self, sample_rate: int | None = None, channels: int | None = 1) -> "Clip":
        """The same audio at another rate (soxr HQ), as one channel unless told otherwise.

        To one channel is the mean of all; from one channel is a copy into each. `None` keeps what is there.

        Raises:
            ParameterError: a change between two channel counts that are both above one.
        """
        samples = self.samples
        if channels is not None and channels != self.channels:
            if channels < 1 or (channels > 1 and self.channels > 1):
                raise ParameterError(f"can't turn {self.channels} channels into {channels}; only to or from one")
            samples = samples.mean(0, keepdim=True) if channels == 1 else samples.repeat(channels, 1)
        if sample_rate is not None and sample_rate != self.sample_rate:
            samples = resample(samples, self.sample_rate, sample_rate)
        return Clip(samples, sample_rate or self.sample_rate)
