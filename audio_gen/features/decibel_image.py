"""DecibelImage: a window of audio as a small picture in decibels below its own loudest band.

`dB = max(10 log10(S / max S), -80)`, point-sampled in time: column j is frame ⌊(j + ¼) N / columns⌋ of N.
Blind to gain. Silence is -80 everywhere: where the loudest band is at the floor there is nothing to be relative to.
"""

import math

import torch
from torch import nn

from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec

RANGE_DB = 80.0
IMAGE_SECONDS, IMAGE_COLUMNS = 30.0, 387  # of a prepared picture; a window's columns cover time at the same rate
SPEC = MelSpec(n_fft=2048, hop_length=512, power=2.0, floor=1e-10)
"""The mel spec that the classifiers of this project hear through."""


class DecibelImage(nn.Module):
    """`[..., T] -> [..., n_mels, columns]`: relative decibels in [-80, 0]."""

    def __init__(self, spec: MelSpec, columns: int) -> None:
        super().__init__()
        self.log_mel = LogMel(spec)
        self.columns = columns

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        log_mel = self.log_mel(samples)
        count = log_mel.shape[-1]
        index = ((torch.arange(self.columns, device=samples.device) + 0.25) * count / self.columns).long()
        spec = self.log_mel.spec
        decibels = log_mel * (20 / (spec.power * math.log(10)))
        peak = relative(decibels)[..., index]
        silent = decibels.amax((-2, -1), keepdim=True) <= 20 / spec.power * math.log10(spec.floor) + 1e-3
        return torch.where(silent, -RANGE_DB, peak)


def relative(decibels: torch.Tensor) -> torch.Tensor:
    """`[..., M, N] -> [..., M, N]`: decibels below the loudest point of each picture, at least -80."""
    return (decibels - decibels.amax((-2, -1), keepdim=True)).clamp_min(-RANGE_DB)


def wrap(x: torch.Tensor, length: int) -> torch.Tensor:
    """`[C, T] -> [C, length]` where T is less: repeated from the start until it is full."""
    return x.repeat(1, -(-length // x.shape[1]))[:, :length]


def to_uint8(decibels: torch.Tensor) -> torch.Tensor:
    """[-80, 0] dB → 0 … 255."""
    return ((decibels + RANGE_DB) * (255 / RANGE_DB)).round().clamp(0, 255).to(torch.uint8)


def from_uint8(image: torch.Tensor) -> torch.Tensor:
    """0 … 255 → [-80, 0] dB."""
    return image.float() * (RANGE_DB / 255) - RANGE_DB
