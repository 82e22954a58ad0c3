"""DecibelImage: a window of audio as a small picture in decibels below its own loudest band.

`dB = max(10 log10(S / max S), -80)`, point-sampled in time: column j is frame ⌊(j + ¼) N / columns⌋ of N.
Blind to gain. Silence is -80 everywhere: where the loudest band is at the floor there is nothing to be relative to.
With notes, 108 rows lie above the mel bands: the same frames' levels at the notes (`features.notes`), relative to the
loudest of them. Such a picture is called tonal.
"""

import math

import torch
from torch import nn

from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.features.notes import NOTE_ROWS, note_filter_bank

RANGE_DB = 80.0
IMAGE_SECONDS, IMAGE_COLUMNS = 30.0, 387  # of a prepared picture; a window's columns cover time at the same rate
SPEC = MelSpec(n_fft=2048, hop_length=512, power=2.0, floor=1e-10)
"""The mel spec that the classifiers of this project hear through."""


class DecibelImage(nn.Module):
    """`[..., T] -> [..., rows, columns]`: relative decibels in [-80, 0].

    Args:
        spec: of the log-mel.
        columns: of the picture.
        tonal: whether 108 rows of notes lie above the mel bands: rows = n_mels + 108.
    """

    def __init__(self, spec: MelSpec, columns: int, *, tonal: bool = False) -> None:
        super().__init__()
        self.tonal, self.columns = tonal, columns
        self.log_mel = LogMel(spec, beside=note_filter_bank(spec) if tonal else None)

    @property
    def rows(self) -> int:
        """Rows of the picture."""
        return self.log_mel.rows

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        return self.of_frames(self.log_mel(samples))

    def of_frames(self, frames: torch.Tensor) -> torch.Tensor:
        """`[..., rows, N] -> [..., rows, columns]`: the picture of N frames of `log_mel`."""
        count, n_mels = frames.shape[-1], self.log_mel.spec.n_mels
        index = ((torch.arange(self.columns, device=frames.device) + 0.25) * count / self.columns).long()
        decibels = self._scale * frames.index_select(-1, index)
        loudest = self._scale * _loudest(frames[..., :n_mels, :])
        if self.tonal:
            notes = _loudest(decibels[..., n_mels:, :])
            both = loudest.expand(*loudest.shape[:-2], n_mels, 1), notes.expand(*notes.shape[:-2], NOTE_ROWS, 1)
            loudest = torch.cat(both, -2)
        silent = loudest <= self._scale * math.log(self.log_mel.spec.floor) + 1e-3
        return (decibels - loudest.masked_fill(silent, math.inf)).clamp_min(-RANGE_DB)

    @property
    def _scale(self) -> float:
        """Decibels in one unit of what `LogMel` gives."""
        return 20 / (self.log_mel.spec.power * math.log(10))


def relative(decibels: torch.Tensor) -> torch.Tensor:
    """`[..., M, N] -> [..., M, N]`: decibels below the loudest point of each picture, at least -80.

    Of tonal pictures the mel bands and the notes each below their own.
    """
    if decibels.shape[-2] != SPEC.n_mels + NOTE_ROWS:
        return _below_loudest(decibels)
    parts = torch.split(decibels, [SPEC.n_mels, NOTE_ROWS], -2)
    return torch.cat([_below_loudest(part) for part in parts], -2)


def _loudest(decibels: torch.Tensor) -> torch.Tensor:
    return decibels.amax((-2, -1), keepdim=True)


def _below_loudest(decibels: torch.Tensor) -> torch.Tensor:
    return (decibels - _loudest(decibels)).clamp_min(-RANGE_DB)


def wrap(x: torch.Tensor, length: int) -> torch.Tensor:
    """`[C, T] -> [C, length]` where T is less: repeated from the start until it is full."""
    return x.repeat(1, -(-length // x.shape[1]))[:, :length]


def to_uint8(decibels: torch.Tensor) -> torch.Tensor:
    """[-80, 0] dB → 0 … 255."""
    return ((decibels + RANGE_DB) * (255 / RANGE_DB)).round().clamp(0, 255).to(torch.uint8)


def from_uint8(image: torch.Tensor) -> torch.Tensor:
    """0 … 255 → [-80, 0] dB."""
    return image.float() * (RANGE_DB / 255) - RANGE_DB
