"""Griffin-Lim: log-mel → waveform without weights.

The magnitude is the clamped pseudo-inverse of the mel filter bank applied to the mel; the phase comes from the fast
Griffin-Lim algorithm (Perraudin, Balazs & Søndergaard, WASPAA 2013) with momentum 0.99 and 32 iterations.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.features.log_mel import mel_filter_bank
from audio_gen.features.mel_spec import MelSpec

SEED = 0  # of the starting phase, which is the same for every call
HANN = 0.25645  # the Gaussian window that is nearest to Hann's has exp(-π t² / (0.25645 n_fft²))
STEEPEST = 6.0  # slope from bin to bin, in units of the natural logarithm, that still tells of a partial's frequency


class GriffinLim(nn.Module):
    """`[..., n_mels, N] log-mel -> [..., T] waveform, T = hop_length * (N - 1)`; at least two frames.

    The same log-mel gives the same samples on one device, whatever was done before.

    Args:
        spec: of the log-mel.
        iterations: how many.
        momentum: of the fast algorithm.
        steady: whether phases start by running on at the frequencies that the magnitudes' slopes tell (Průša, Balazs &
            Søndergaard, IEEE/ACM TASLP 2017, without the onsets), not at random; worth as much as 15 iterations.

    Raises:
        ParameterError: fewer than two frames, another number of bands than the spec's, or a spec whose frames overlap
            by less than half, or whose n_fft is odd.
    """

    inverse: torch.Tensor
    window: torch.Tensor

    def __init__(
        self, spec: MelSpec | None = None, iterations: int = 32, momentum: float = 0.99, *, steady: bool = False
    ) -> None:
        super().__init__()
        self.spec = spec or MelSpec()
        if self.spec.n_fft % 2 or 2 * self.spec.hop_length > self.spec.n_fft:
            raise ParameterError(f"Griffin-Lim needs an even n_fft and a hop of half of it or less, not {self.spec}")
        self.iterations, self.momentum, self.steady = iterations, momentum, steady
        self.register_buffer(
            "inverse", torch.linalg.pinv(mel_filter_bank(self.spec).double()).float(), persistent=False
        )
        self.register_buffer("window", torch.hann_window(self.spec.n_fft), persistent=False)

    def magnitude(self, log_mel: torch.Tensor) -> torch.Tensor:
        """`[..., n_mels, N] -> [..., 1 + n_fft // 2, N]`: linear magnitude."""
        power = (self.inverse @ log_mel.exp()).clamp_min(self.spec.floor)
        return power if self.spec.power == 1 else power ** (1 / self.spec.power)

    @torch.no_grad()
    def forward(self, log_mel: torch.Tensor) -> torch.Tensor:
        length = self.length_of(log_mel)
        flat = log_mel.float().reshape(-1, *log_mel.shape[-2:])
        return self.istft(self.spectrum(flat), length).reshape(*log_mel.shape[:-2], length)

    @torch.no_grad()
    def rebuild(self, magnitude: torch.Tensor) -> torch.Tensor:
        """`[B, 1 + n_fft // 2, N]` true magnitudes → `[B, hop_length * (N - 1)]`."""
        length = self.spec.hop_length * (magnitude.shape[-1] - 1)
        return self.istft(self._phased(magnitude, length), length)

    def length_of(self, log_mel: torch.Tensor) -> int:
        """Samples that come of a log-mel.

        Raises:
            ParameterError: fewer than two frames, or another number of bands than the spec's.
        """
        if log_mel.shape[-1] < 2 or log_mel.shape[-2] != self.spec.n_mels:
            raise ParameterError(
                f"a log-mel to vocode is [{self.spec.n_mels}, frames] with ≥ 2 frames, not {list(log_mel.shape)}"
            )
        return int(self.spec.hop_length * (log_mel.shape[-1] - 1))

    def spectrum(self, log_mel: torch.Tensor) -> torch.Tensor:
        """`[B, n_mels, N] -> [B, 1 + n_fft // 2, N]`: complex, with the phases after all iterations."""
        return self._phased(self.magnitude(log_mel), self.length_of(log_mel))

    def _phased(self, magnitude: torch.Tensor, length: int) -> torch.Tensor:
        phase = self._start(magnitude)
        previous = torch.zeros_like(phase)
        for _ in range(self.iterations):
            rebuilt = self.stft(self.istft(magnitude * phase, length))
            phase = rebuilt - previous * (self.momentum / (1 + self.momentum))
            phase = phase / phase.abs().clamp_min(1e-16)
            previous = rebuilt
        return magnitude * phase

    def _start(self, magnitude: torch.Tensor) -> torch.Tensor:
        """Numbers of size 1 in the shape of the magnitude."""
        generator = torch.Generator().manual_seed(SEED)
        shape = magnitude.shape[1:] if not self.steady else (magnitude.shape[1], 1)
        turn = torch.rand(shape, generator=generator).to(magnitude.device) * (2 * torch.pi)
        if self.steady:
            turn = (turn + self._advance(magnitude)) % (2 * torch.pi)
        return torch.polar(torch.ones_like(turn), turn).to(torch.complex64).expand_as(magnitude)

    def _advance(self, magnitude: torch.Tensor) -> torch.Tensor:
        """`[B, bins, N]` float64: how far each phase has run since the first frame, by the slope over frequency."""
        level = magnitude.clamp_min(1e-6).log()
        slope = F.pad((level[:, 2:] - level[:, :-2]) / 2, (0, 0, 1, 1)).clamp(-STEEPEST, STEEPEST)
        share = self.spec.hop_length / self.spec.n_fft
        bins = torch.arange(level.shape[1], device=level.device)[:, None]
        step = (share / HANN * slope + 2 * math.pi * share * bins).double()
        return F.pad((step[..., 1:] + step[..., :-1]) / 2, (1, 0)).cumsum(-1)

    def istft(self, frames: torch.Tensor, length: int) -> torch.Tensor:
        """`[B, 1 + n_fft // 2, N]` complex → `[B, length]`."""
        return torch.istft(frames, self.spec.n_fft, self.spec.hop_length, window=self.window, length=length)

    def stft(self, samples: torch.Tensor) -> torch.Tensor:
        """`[B, T] -> [B, 1 + n_fft // 2, 1 + T // hop_length]` complex, zeros around the ends."""
        spec = self.spec
        return torch.stft(
            samples, spec.n_fft, spec.hop_length, window=self.window, pad_mode="constant", return_complex=True
        )
