"""Griffin-Lim: log-mel → waveform without weights.

The magnitude is the clamped pseudo-inverse of the mel filter bank applied to the mel; the phase comes from the fast
Griffin-Lim algorithm (Perraudin, Balazs & Søndergaard, WASPAA 2013) with momentum 0.99 and 32 iterations.
"""

import torch
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.features.log_mel import mel_filter_bank
from audio_gen.features.mel_spec import MelSpec

SEED = 0  # of the starting phase, which is the same for every call


class GriffinLim(nn.Module):
    """`[..., n_mels, N] log-mel -> [..., T] waveform, T = hop_length * (N - 1)`; at least two frames.

    The same log-mel gives the same samples on one device, whatever was done before.

    Raises:
        ParameterError: fewer than two frames, another number of bands than the spec's, or a spec whose frames overlap
            by less than half, or whose n_fft is odd.
    """

    inverse: torch.Tensor
    window: torch.Tensor

    def __init__(self, spec: MelSpec | None = None, iterations: int = 32, momentum: float = 0.99) -> None:
        super().__init__()
        self.spec = spec or MelSpec()
        if self.spec.n_fft % 2 or 2 * self.spec.hop_length > self.spec.n_fft:
            raise ParameterError(f"Griffin-Lim needs an even n_fft and a hop of half of it or less, not {self.spec}")
        self.iterations, self.momentum = iterations, momentum
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
        magnitude, length = self.magnitude(log_mel), self.length_of(log_mel)
        generator = torch.Generator().manual_seed(SEED)
        turn = torch.rand(magnitude.shape[1:], generator=generator).to(magnitude.device) * (2 * torch.pi)
        phase = torch.polar(torch.ones_like(turn), turn).expand_as(magnitude)
        previous = torch.zeros_like(phase)
        for _ in range(self.iterations):
            rebuilt = self._stft(self.istft(magnitude * phase, length))
            phase = rebuilt - previous * (self.momentum / (1 + self.momentum))
            phase = phase / phase.abs().clamp_min(1e-16)
            previous = rebuilt
        return magnitude * phase

    def istft(self, frames: torch.Tensor, length: int) -> torch.Tensor:
        """`[B, 1 + n_fft // 2, N]` complex → `[B, length]`."""
        return torch.istft(frames, self.spec.n_fft, self.spec.hop_length, window=self.window, length=length)

    def _stft(self, samples: torch.Tensor) -> torch.Tensor:
        spec = self.spec
        return torch.stft(
            samples, spec.n_fft, spec.hop_length, window=self.window, pad_mode="constant", return_complex=True
        )
