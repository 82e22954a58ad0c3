"""Griffin-Lim: log-mel → waveform without weights.

The magnitude is the clamped pseudo-inverse of the mel filter bank applied to the mel; the phase comes from the fast
Griffin-Lim algorithm (Perraudin, Balazs & Søndergaard, WASPAA 2013) with momentum 0.99 and 32 iterations.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.features.banded import Banded
from audio_gen.features.log_mel import mel_filter_bank
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.fourier import Fourier

SEED = 0  # of the starting phase, which is the same for every call
HANN = 0.25645  # the Gaussian window that is nearest to Hann's has exp(-π t² / (0.25645 n_fft²))
STEEPEST = 6.0  # slope from bin to bin, in units of the natural logarithm, that still tells of a partial's frequency
RELAXED = 1.8  # exponent of the factors that bring bands back to their levels
LARGEST = 100.0  # factor by which a band is brought back to its level in one iteration


class GriffinLim(nn.Module):
    """`[..., n_mels, N] log-mel -> [..., T] waveform, T = hop_length * (N - 1)`; at least two frames.

    The same log-mel gives the same samples on one device, whatever was done before.

    Args:
        spec: of the log-mel.
        iterations: how many.
        momentum: of the fast algorithm.
        steady: whether phases start by running on at the frequencies that the magnitudes' slopes tell (Průša, Balazs &
            Søndergaard, IEEE/ACM TASLP 2017, without the onsets), not at random; worth as much as 15 iterations.
        refine: whether magnitudes change too, after the first quarter: each iteration takes those of the rebuilt
            signal, brought back to the log-mel's level band by band, so that energy moves within a band to where
            neighbouring frames agree.

    Raises:
        ParameterError: fewer than two frames, another number of bands than the spec's, or a spec whose frames overlap
            by less than half, or whose n_fft is odd.
    """

    inverse: torch.Tensor

    def __init__(
        self,
        spec: MelSpec | None = None,
        iterations: int = 32,
        momentum: float = 0.99,
        *,
        steady: bool = False,
        refine: bool = False,
    ) -> None:
        super().__init__()
        self.spec = spec or MelSpec()
        if self.spec.n_fft % 2 or 2 * self.spec.hop_length > self.spec.n_fft:
            raise ParameterError(f"Griffin-Lim needs an even n_fft and a hop of half of it or less, not {self.spec}")
        self.iterations, self.momentum, self.steady, self.refine = iterations, momentum, steady, refine
        self.fourier = Fourier(self.spec.n_fft, self.spec.hop_length)
        with torch.device("cpu"):  # where checkpoints are checked, tensors have no values
            bank = mel_filter_bank(self.spec)
        self.register_buffer("inverse", torch.linalg.pinv(bank.double()).float(), persistent=False)
        if refine:
            covered = bank.sum(0)
            self.bands = Banded(bank.T)
            self.shares = Banded(bank / covered.clamp_min(1e-12), 64)
            self.register_buffer("uncovered", (covered == 0).float(), persistent=False)

    def magnitude(self, log_mel: torch.Tensor) -> torch.Tensor:
        """`[..., n_mels, N] -> [..., 1 + n_fft // 2, N]`: linear magnitude."""
        power = (self.inverse @ log_mel.exp()).clamp_min(self.spec.floor)
        return power if self.spec.power == 1 else power ** (1 / self.spec.power)

    @torch.no_grad()
    def forward(self, log_mel: torch.Tensor) -> torch.Tensor:
        length = self.length_of(log_mel)
        flat = log_mel.float().reshape(-1, *log_mel.shape[-2:])
        return self.fourier.samples(self.spectrum(flat)).reshape(*log_mel.shape[:-2], length)

    @torch.no_grad()
    def rebuild(self, magnitude: torch.Tensor) -> torch.Tensor:
        """`[B, N, 1 + n_fft // 2]` true magnitudes → `[B, hop_length * (N - 1)]`, never refined."""
        return self.fourier.samples(self._phased(magnitude, None))

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
        """`[B, n_mels, N] -> [B, N, 1 + n_fft // 2]`: complex, after all iterations."""
        magnitude = self.magnitude(log_mel).transpose(1, 2).contiguous()
        return self._phased(magnitude, log_mel.exp().transpose(1, 2).contiguous() if self.refine else None)

    def _phased(self, magnitude: torch.Tensor, mel: torch.Tensor | None) -> torch.Tensor:
        estimate = self._start(magnitude) * magnitude
        previous, weights = torch.zeros_like(estimate), self.fourier.weights(magnitude.shape[1])
        for number in range(self.iterations):
            rebuilt = self.fourier.consistent(estimate, weights)
            if mel is not None and number >= self.iterations // 4:
                magnitude = self._refined(size_of(rebuilt), mel)
            ahead = torch.sub(rebuilt, previous, alpha=self.momentum / (1 + self.momentum))
            estimate = ahead * (magnitude / size_of(ahead).clamp_min(1e-16))
            previous = rebuilt
        return estimate

    def _refined(self, magnitude: torch.Tensor, mel: torch.Tensor) -> torch.Tensor:
        """`[B, N, bins]` whose bands are nearer to `mel` `[B, N, n_mels]`.

        The multiplicative update of Lee & Seung (Nature 1999), with an exponent, stable below 2 (Badeau, Bertin &
        Vincent, IEEE Trans. Neural Networks 2010).
        """
        power = self.spec.power
        heard = self.bands(magnitude if power == 1 else magnitude**power)
        ratio = (mel / heard.clamp_min(self.spec.floor)).clamp(1 / LARGEST, LARGEST)
        factor: torch.Tensor = self.shares(ratio ** (RELAXED / power)) + self.uncovered
        return magnitude * factor

    def _start(self, magnitude: torch.Tensor) -> torch.Tensor:
        """Numbers of size 1 in the shape of the magnitude."""
        generator = torch.Generator().manual_seed(SEED)
        frames, bins = magnitude.shape[1:]
        turn = torch.rand(1 if self.steady else frames, bins, generator=generator).to(magnitude.device) * (2 * math.pi)
        if self.steady:
            turn = (turn + self._advance(magnitude)) % (2 * math.pi)
        return torch.polar(torch.ones_like(turn), turn).to(torch.complex64).expand_as(magnitude)

    def _advance(self, magnitude: torch.Tensor) -> torch.Tensor:
        """`[B, N, bins]` float64: how far each phase has run since the first frame, by the slope over frequency."""
        level = magnitude.clamp_min(1e-6).log()
        slope = F.pad((level[..., 2:] - level[..., :-2]) / 2, (1, 1)).clamp(-STEEPEST, STEEPEST)
        share = self.spec.hop_length / self.spec.n_fft
        bins = torch.arange(level.shape[-1], device=level.device)
        step = (share / HANN * slope + 2 * math.pi * share * bins).double()
        return F.pad((step[:, 1:] + step[:, :-1]) / 2, (0, 0, 1, 0)).cumsum(1)


def size_of(numbers: torch.Tensor) -> torch.Tensor:
    """Absolute values; thrice as fast as abs(), which guards against squares that overflow."""
    return torch.addcmul(numbers.real.square(), numbers.imag, numbers.imag).sqrt_()
