"""Discriminators of waveforms: at several resolutions of the short-time spectrum, and at several periods.

Spectra: UnivNet (W. Jang et al., Interspeech 2021), in complex form as in DAC (R. Kumar et al., NeurIPS 2023); periods:
HiFi-GAN (J. Kong et al., NeurIPS 2020).
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

SLOPE = 0.1
Judged = tuple[torch.Tensor, list[torch.Tensor]]  # logits, and the maps on the way to them


class SpectrumDiscriminator(nn.Module):
    """`[B, T]` → logits over time and frequency, from a complex spectrum with Hann windows of `window` samples."""

    hann: torch.Tensor

    def __init__(self, window: int, width: int) -> None:
        super().__init__()
        self.window = window
        self.register_buffer("hann", torch.hann_window(window), persistent=False)
        strides = ((1, 1), (2, 1), (2, 1), (2, 1))
        self.layers = nn.ModuleList(
            nn.Conv2d(width if number else 2, width, (9, 3), stride, (4, 1)) for number, stride in enumerate(strides)
        )
        self.last = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, samples: torch.Tensor) -> Judged:
        spectrum = torch.stft(
            samples, self.window, self.window // 4, window=self.hann, pad_mode="constant", return_complex=True
        )
        spectrum = spectrum * (2 / self.hann.sum())
        x = torch.view_as_real(spectrum / (spectrum.abs() + 1e-5) ** 0.7).movedim(-1, 1)
        return _through(self.layers, self.last, x)


class PeriodDiscriminator(nn.Module):
    """`[B, T]` → logits, from the waveform folded into rows of `period` samples."""

    def __init__(self, period: int, width: int) -> None:
        super().__init__()
        self.period = period
        widths = (1, width, 2 * width, 4 * width, 4 * width)
        self.layers = nn.ModuleList(
            nn.Conv2d(narrow, wide, (5, 1), (3, 1), (2, 0)) for narrow, wide in pairwise(widths)
        )
        self.last = nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0))

    def forward(self, samples: torch.Tensor) -> Judged:
        x = F.pad(samples, (0, -samples.shape[1] % self.period))
        return _through(self.layers, self.last, x.reshape(len(x), 1, -1, self.period))


class WaveDiscriminators(nn.Module):
    """`[B, T]` → what each discriminator says.

    Args:
        windows: of the spectra, in samples.
        periods: in samples.
        width: channels of the first layers.
    """

    def __init__(
        self, windows: Sequence[int] = (512, 1024, 2048), periods: Sequence[int] = (2, 3, 5, 7, 11), width: int = 16
    ) -> None:
        super().__init__()
        parts: list[nn.Module] = [SpectrumDiscriminator(window, width) for window in windows]
        self.parts = nn.ModuleList(parts + [PeriodDiscriminator(period, width) for period in periods])

    def forward(self, samples: torch.Tensor) -> list[Judged]:
        return [part(samples) for part in self.parts]


def _through(layers: nn.ModuleList, last: nn.Module, x: torch.Tensor) -> Judged:
    maps = []
    for layer in layers:
        x = F.leaky_relu(layer(x), SLOPE)
        maps.append(x)
    return last(x), maps
