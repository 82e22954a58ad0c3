"""The neural vocoder: log-mel → waveform through the inverse Fourier transform.

It starts from what Griffin-Lim's algorithm finds in a few iterations and learns what to change: the magnitude by a
factor, the phase by an angle (both nothing at the start). Blocks: ConvNeXt in one dimension, as in Vocos (H. Siuzdak,
ICLR 2024); the magnitude of the pseudo-inverse as a start: FreeV (Y. Lv et al., Interspeech 2024).
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.griffin_lim import GriffinLim, size_of

FAMILY = "vocoder"
LARGEST = 4.0  # of the logarithm of the factor


class ConvNextBlock(nn.Module):
    """`[B, C, N] -> [B, C, N]`: a depthwise convolution over time, then two dense layers, beside the identity."""

    def __init__(self, width: int, hidden: int, scale: float) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, hidden)
        self.narrow = nn.Linear(hidden, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.depthwise(x).transpose(1, 2))
        changed: torch.Tensor = self.scale * self.narrow(F.gelu(self.wide(y)))
        return x + changed.transpose(1, 2)


class VocoderNet(nn.Module):
    """`[..., n_mels, N]` log-mel → `[..., hop_length * (N - 1)]` waveform; at least two frames.

    Args:
        spec: of the log-mel.
        widths: channels of the blocks, and inside one.
        blocks: how many.
        prior: iterations of Griffin-Lim before the network; 0 leaves the phase to the network alone.

    Raises:
        ParameterError: a spec or a log-mel that Griffin-Lim refuses, or a size below 1.
    """

    mean: torch.Tensor
    std: torch.Tensor
    advance: torch.Tensor

    def __init__(self, spec: MelSpec, widths: tuple[int, int] = (192, 576), blocks: int = 6, prior: int = 16) -> None:
        super().__init__()
        self.spec = spec
        if len(widths) != 2 or min(*widths, blocks) < 1 or prior < 0:
            raise ParameterError(
                f"two widths and blocks from 1 on, prior from 0 on, not {widths}, {blocks} and {prior}"
            )
        width, hidden = widths
        self.prior = prior
        self.griffin_lim = GriffinLim(self.spec, prior, steady=True, refine=True)
        bins = 1 + self.spec.n_fft // 2
        self.register_buffer("mean", torch.zeros(self.spec.n_mels, 1))
        self.register_buffer("std", torch.ones(self.spec.n_mels, 1))
        turn = torch.arange(bins) * (2 * math.pi * self.spec.hop_length / self.spec.n_fft)
        self.register_buffer("advance", torch.polar(torch.ones(bins), -turn), persistent=False)
        self.first = nn.Conv1d(self.spec.n_mels, width, 7, padding=3)
        self.motion = nn.Conv1d(2 * bins, width, 1) if prior else None
        self.blocks = nn.Sequential(*(ConvNextBlock(width, hidden, 1 / blocks) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.factor = nn.Linear(width, bins)
        self.angle = nn.Linear(width, bins)
        for head in (self.factor, self.angle) if prior else (self.factor,):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def forward(self, log_mel: torch.Tensor) -> torch.Tensor:
        length = self.griffin_lim.length_of(log_mel)
        flat = log_mel.float().reshape(-1, *log_mel.shape[-2:])
        return self.griffin_lim.fourier.samples(self.spectrum(flat)).reshape(*log_mel.shape[:-2], length)

    def spectrum(self, log_mel: torch.Tensor) -> torch.Tensor:
        """`[B, n_mels, N] -> [B, N, 1 + n_fft // 2]`, complex."""
        with torch.no_grad():
            start = self.griffin_lim.spectrum(log_mel)
        x = self.first((log_mel - self.mean) / self.std)
        if self.motion is not None:
            x = x + self.motion(self._motion(start).transpose(1, 2))
        y = self.norm(self.blocks(x).transpose(1, 2))
        factor, angle = torch.exp(self.factor(y).clamp(-LARGEST, LARGEST)), self.angle(y)
        return torch.polar(factor, angle) * (start if self.prior else start.abs())

    def _motion(self, spectrum: torch.Tensor) -> torch.Tensor:
        """`[B, N, bins]` complex → `[B, N, 2 bins]`: how far each phase runs ahead of its bin's, and how loud it is."""
        before = F.pad(spectrum[:, :-1], (0, 0, 1, 0))
        turn = spectrum * before.conj() * self.advance
        turn = turn * (size_of(spectrum).clamp_min(1e-8) ** 0.3 / size_of(turn).clamp_min(1e-8))
        return torch.cat([turn.real, turn.imag], -1)
