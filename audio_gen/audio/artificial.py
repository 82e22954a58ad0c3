"""Sounds that are no music: silence, noise, tones, clicks. `[1, T]` float32, the same for the same seed."""

import math

import torch

SLOPES = {"white": 0.0, "pink": -0.5, "brown": -1.0}  # of the amplitude spectrum, as a power of the frequency


def silence(sample_rate: int, seconds: float) -> torch.Tensor:
    """Nothing at all."""
    return torch.zeros(1, _length(sample_rate, seconds))


def noise(sample_rate: int, seconds: float, color: str, seed: int) -> torch.Tensor:
    """White, pink (-3 dB an octave) or brown (-6 dB an octave) noise, 40 to 6 dB below full scale."""
    random = torch.Generator().manual_seed(seed)
    length = _length(sample_rate, seconds)
    spectrum = torch.fft.rfft(torch.randn(1, length, generator=random))
    frequency = torch.fft.rfftfreq(length, 1 / sample_rate).clamp_min(20)  # or nearly all of it were below hearing
    samples = torch.fft.irfft(spectrum * frequency ** SLOPES[color], length)
    level = 10 ** (-(6 + 34 * float(torch.rand((), generator=random))) / 20)
    scaled: torch.Tensor = level * samples / samples.abs().max()
    return scaled


def tone(sample_rate: int, seconds: float, frequency: float) -> torch.Tensor:
    """A sine, 6 dB below full scale."""
    t = torch.arange(_length(sample_rate, seconds), dtype=torch.float64) / sample_rate
    return 0.5 * torch.sin(2 * math.pi * frequency * t).float()[None]


def clicks(sample_rate: int, seconds: float, rate: float, seed: int) -> torch.Tensor:
    """Impulses at irregular times (a Poisson process), `rate` a second on average, of random height and sign."""
    random = torch.Generator().manual_seed(seed)
    length = _length(sample_rate, seconds)
    struck = torch.rand(1, length, generator=random) < rate / sample_rate
    struck[0, 0] = True  # never silence
    return torch.where(struck, 2 * torch.rand(1, length, generator=random) - 1, 0.0)


def _length(sample_rate: int, seconds: float) -> int:
    return max(1, round(seconds * sample_rate))
