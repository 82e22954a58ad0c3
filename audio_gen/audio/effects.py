"""What happens to music on its way to a listener, as pure functions `[C, T]` → `[C, T]`."""

import math

import torch

from audio_gen.audio.resample import resample
from audio_gen.errors import ParameterError

SPACING = 0.5e-3  # seconds: sound needs as long for 17 cm, the distance of a pair of microphones (or ears)
QUIETER = -3.0  # dB: the farther microphone


def gain(samples: torch.Tensor, decibels: float) -> torch.Tensor:
    """Louder or quieter, and nothing else: samples beyond full scale stay as they are, as in a float file.

    >>> gain(torch.full((1, 2), 0.5), 20.0)
    tensor([[5., 5.]])
    """
    return samples * 10 ** (decibels / 20)


def low_pass(samples: torch.Tensor, sample_rate: int, cutoff: float) -> torch.Tensor:
    """Nothing above `cutoff` Hz: zero phase, half a cosine down to silence over the next tenth of it."""
    if not cutoff > 0:
        raise ParameterError(f"cutoff must be above 0 Hz, not {cutoff}")
    length = samples.shape[-1]
    frequencies = torch.fft.rfftfreq(length, 1 / sample_rate)
    down = ((frequencies / cutoff - 1) / 0.1).clamp(0, 1)
    kept = 0.5 * (1 + torch.cos(math.pi * down))
    passed: torch.Tensor = torch.fft.irfft(torch.fft.rfft(samples) * kept, length)
    return passed


def white_noise(samples: torch.Tensor, snr: float, seed: int = 0) -> torch.Tensor:
    """Gaussian noise on top, `snr` dB below the mean power of the whole; silence stays silence."""
    random = torch.Generator().manual_seed(seed)
    level = samples.square().mean().sqrt() * 10 ** (-snr / 20)
    return samples + level * torch.randn(samples.shape, generator=random)


def speed(samples: torch.Tensor, sample_rate: int, factor: float) -> torch.Tensor:
    """`[C, T] -> [C, T / factor]`: played `factor` times as fast, pitch and all, as a turntable does."""
    if not 0.1 <= factor <= 10:
        raise ParameterError(f"factor must be 0.1 to 10, not {factor}")
    return resample(samples, round(sample_rate * factor), sample_rate)


def spaced_pair(samples: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """`[1, T] -> [2, T]`: stereo as two microphones 17 cm apart hear a source from the side: later and quieter."""
    late = min(samples.shape[-1], round(SPACING * sample_rate))
    right = torch.nn.functional.pad(samples, (late, 0))[:, : samples.shape[-1]]
    return torch.cat([samples, gain(right, QUIETER)])
