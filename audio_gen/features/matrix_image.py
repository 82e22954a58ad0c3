"""MatrixImage: DecibelImage in matrix products alone, for runtimes whose Fourier transform is slow or missing.

The transform of N = P * Q samples goes in two steps (Cooley and Tukey, Math. Comp. 1965). With sample n = Q a + b and
frequency k = c + P d:

`X[c + P d] = Σ_b e^(-2πi b (c / N + d / Q)) · Σ_a e^(-2πi a c / P) x[Q a + b]`

Both sums are matrix products with fixed matrices. Of real samples c = 0 … P / 2 is enough: the rest is mirrored. The
order of the frequencies is left as it comes out; the rows of the mel filter bank are put in the same order instead.
"""

import math

import torch
from torch import nn

from audio_gen.features.decibel_image import RANGE_DB
from audio_gen.features.log_mel import mel_filter_bank, pad_reflect
from audio_gen.features.mel_spec import MelSpec
from audio_gen.features.notes import note_filter_bank

Steps = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class MatrixImage(nn.Module):
    """`[B, window] -> [B, rows, columns]`: what `DecibelImage(spec, columns, tonal=tonal)` gives, to 1e-3 dB.

    Args:
        spec: of the log-mel.
        columns: of the picture.
        window: samples of each row; it is fixed, the number of rows is not.
        tonal: whether there are notes above the mel bands.
    """

    first: torch.Tensor
    second: torch.Tensor
    bank: torch.Tensor
    hann: torch.Tensor
    blocks: torch.Tensor
    chosen: torch.Tensor

    def __init__(self, spec: MelSpec, columns: int, window: int, *, tonal: bool = False) -> None:
        super().__init__()
        self.spec, self.frames = spec, spec.frames(window)
        self.block = math.gcd(spec.n_fft, spec.hop_length)  # frames are put together from blocks of this length
        starts = torch.arange(self.frames)[:, None] * (spec.hop_length // self.block)
        rows = [mel_filter_bank(spec), *([note_filter_bank(spec)] if tonal else [])]
        self.parts = [len(part) for part in rows]
        first, second, bank = fourier_steps(spec, torch.cat(rows))
        buffers = {
            "first": first,
            "second": second,
            "bank": bank,
            "hann": torch.hann_window(spec.n_fft, dtype=torch.float64).float(),
            "blocks": (starts + torch.arange(spec.n_fft // self.block)).flatten(),
            "chosen": ((torch.arange(columns) + 0.25) * self.frames / columns).long(),
        }
        for name, values in buffers.items():
            self.register_buffer(name, values, persistent=False)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        levels = self.levels(samples)
        chosen = levels.index_select(1, self.chosen)
        mel, *notes = torch.split(chosen, self.parts, 2)
        all_mel = levels[:, :, : self.parts[0]]  # mel bands are relative to the loudest frame, chosen or not
        pairs = [(mel, all_mel), *((part, part) for part in notes)]
        return torch.cat([self._relative(part, of.amax((-2, -1), keepdim=True)) for part, of in pairs], 1)

    def _relative(self, levels: torch.Tensor, loudest: torch.Tensor) -> torch.Tensor:
        """`[B, columns, bands] -> [B, bands, columns]`."""
        scale = 20 / (self.spec.power * math.log(10))
        peak = scale * loudest.clamp_min(self.spec.floor).log()
        picture = scale * levels.clamp_min(self.spec.floor).log()
        silent = peak <= 20 / self.spec.power * math.log10(self.spec.floor) + 1e-3
        return torch.where(silent, -RANGE_DB, (picture - peak).clamp_min(-RANGE_DB)).transpose(1, 2)

    def levels(self, samples: torch.Tensor) -> torch.Tensor:
        """`[B, window] -> [B, N, rows]`: what the filter banks make of the spectrogram, before the logarithm."""
        padded = pad_reflect(samples, self.spec.n_fft // 2)
        count = padded.shape[1] // self.block
        pieces = padded[:, : count * self.block].reshape(-1, count, self.block).index_select(1, self.blocks)
        frames = pieces.reshape(-1, self.frames, self.spec.n_fft) * self.hann
        rows, half, twice = self.first.shape[1], *self.second.shape[:2]
        inner = self.first @ frames.reshape(-1, rows, twice // 2)  # [B N, 2 half, Q]
        outer = torch.bmm(inner.reshape(-1, half, twice).transpose(0, 1), self.second)  # [half, B N, 2 Q]
        square = outer * outer
        if self.spec.power != 2:  # for power the bank adds the real and the imaginary square up by itself
            square = square.reshape(half, -1, 2, twice // 2).sum(2).clamp_min(1e-30).pow(self.spec.power / 2)
        return torch.bmm(square, self.bank).sum(0).reshape(-1, self.frames, sum(self.parts))


def fourier_steps(spec: MelSpec, filters: torch.Tensor | None = None) -> Steps:
    """The fixed matrices, float32: `first [2 half, P]`, `second [half, 2 Q, 2 Q]`, `bank [half, 2 Q or Q, rows]`.

    The bank is `filters [rows, 1 + n_fft // 2]`, or the mel filter bank.

    P is the largest divisor of n_fft up to its root and half = 1 + P // 2; where real and imaginary parts share a
    dimension, all real ones come first (in `first`: a real and an imaginary row for each c).
    """
    size = spec.n_fft
    p = max(d for d in range(1, math.isqrt(size) + 1) if size % d == 0)
    q = size // p
    a, b = torch.arange(p), torch.arange(q)
    c, d = torch.arange(1 + p // 2), torch.arange(q)
    turn = 2 * math.pi * (c[:, None] * a % p).double() / p
    first = torch.stack([turn.cos(), -turn.sin()], 1).flatten(0, 1)
    frequency = c[:, None] + p * d  # [half, Q]
    turn = 2 * math.pi * (b[:, None] * frequency[:, None] % size).double() / size  # [half, Q of b, Q of d]
    cos, sin = turn.cos(), turn.sin()
    second = torch.cat([torch.cat([cos, -sin], 2), torch.cat([sin, cos], 2)], 1)
    filters = mel_filter_bank(spec) if filters is None else filters
    return first.float(), second.float(), _bank_in_order(spec, frequency, filters)


def _bank_in_order(spec: MelSpec, frequency: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
    bins = torch.minimum(frequency, spec.n_fft - frequency)  # above the middle: the mirror image, equally large
    bank = torch.zeros(frequency.numel(), len(filters))
    _, where = torch.unique(bins, return_inverse=True)
    first_of_each = torch.full((1 + spec.n_fft // 2,), frequency.numel()).scatter_reduce(
        0, where.flatten(), torch.arange(frequency.numel()), "amin"
    )  # a bin that comes twice counts once
    bank[first_of_each] = filters.T
    bank = bank.reshape(*frequency.shape, len(filters))
    return torch.cat([bank, bank], 1) if spec.power == 2 else bank
