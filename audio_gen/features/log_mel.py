"""LogMel: waveform → log-mel spectrogram, one module for training, inference and evaluation.

Formula: `ln(max(M @ |STFT(x)|^power, floor))`, where M is the Slaney mel filter bank
(Slaney, Auditory Toolbox, 1998) with area normalisation, as librosa computes it.
"""

import math
from functools import cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.features.mel_spec import MelSpec

if TYPE_CHECKING:
    from types import ModuleType

    from audio_gen.features.compiled import Plan


def mel_filter_bank(spec: MelSpec) -> torch.Tensor:
    """`[n_mels, 1 + n_fft // 2]` float32: the Slaney filter bank of `spec`, triangles of area 1 over Hz.

    Computed in float64: in float32 (torchaudio's way) it is off by 1e-5, more than the FFT.
    """
    edges = _edges(spec)[:, None]  # lower end, peak and upper end of band i: i, i + 1, i + 2
    hz = torch.arange(1 + spec.n_fft // 2, dtype=torch.float64) * (spec.sample_rate / spec.n_fft)
    widths = edges.diff(dim=0)
    slopes = (hz - edges[:-1]) / widths  # rise from edge i to i + 1
    bank = torch.minimum(slopes[:-1], 1 - slopes[1:]).clamp_min(0) * (2 / (edges[2:] - edges[:-2]))
    return bank.float()


def mel_frequencies(spec: MelSpec) -> torch.Tensor:
    """`[n_mels]` float64: the peaks of the bands in Hz, low to high."""
    return _edges(spec)[1:-1]


def _edges(spec: MelSpec) -> torch.Tensor:
    """`[n_mels + 2]` Hz, equally far apart in mel."""
    return _mel_to_hz(torch.linspace(_hz_to_mel(spec.fmin), _hz_to_mel(spec.top), spec.n_mels + 2, dtype=torch.float64))


def _hz_to_mel(hz: float) -> float:
    # Slaney: 200/3 Hz a mel up to 1 kHz (15 mel), from there on 27 mel for each factor of 6.4
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)


def _mel_to_hz(mel: torch.Tensor) -> torch.Tensor:
    return torch.where(mel < 15, mel * (200 / 3), 1000 * torch.exp((mel - 15) * (math.log(6.4) / 27)))


@cache
def _compiled() -> "ModuleType | None":
    """The module of the compiled path; None where numba is missing."""
    try:
        from audio_gen.features import compiled
    except ImportError:
        return None
    return compiled


NEPER = 20 / math.log(10)  # decibels in one unit of a log-mel of magnitudes
PIECE = 512  # frames that are transformed at once on the CPU


class LogMel(nn.Module):
    """`[..., T] -> [..., n_mels, 1 + T // hop_length]`: log-mel spectrogram; differentiable, CPU and CUDA.

    Samples of another precision are computed, and come back, in the module's: float32, or float64 after `.double()`.

    Args:
        spec: what the frames are like; None is the default spec.
        beside: `[k, 1 + n_fft // 2]`, another filter bank over the same spectrum; its rows come after the mel bands.

    Raises:
        ParameterError: the last dimension is empty, or the samples are whole numbers.
    """

    window: torch.Tensor
    bank: torch.Tensor

    def __init__(self, spec: MelSpec | None = None, *, beside: torch.Tensor | None = None) -> None:
        super().__init__()
        self.spec = spec or MelSpec()
        window = torch.hann_window(self.spec.n_fft, dtype=torch.float64).float()  # 1 - cos cancels near its ends
        self.register_buffer("window", window, persistent=False)
        banks = [mel_filter_bank(self.spec), *([] if beside is None else [beside])]
        self.register_buffer("bank", torch.cat(banks), persistent=False)
        self._plan: Plan | None = None

    @property
    def rows(self) -> int:
        """Rows of what comes out: the mel bands and those of the bank beside them."""
        return len(self.bank)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        if samples.shape[-1] < 1 or not samples.is_floating_point():
            given = f"{samples.dtype} {list(samples.shape)}"
            raise ParameterError(f"a log-mel needs at least one sample, in floating point, not {given}")
        return self._frames(samples, self.spec.n_fft // 2)

    def from_padded(self, padded: torch.Tensor) -> torch.Tensor:
        """`[..., n_fft + (N - 1) * hop_length] -> [..., rows, N]`: frames of samples that are padded already."""
        return self._frames(padded, 0)

    def _frames(self, samples: torch.Tensor, pad: int) -> torch.Tensor:
        flat = samples.to(self.window.dtype).reshape(-1, samples.shape[-1])
        count = 1 + (flat.shape[-1] + 2 * pad - self.spec.n_fft) // self.spec.hop_length
        native = _compiled() if self._is_plain(flat) else None
        if native is None or not native.supported(self.spec):
            mel = self._by_torch(flat, pad)
        else:
            self._plan = self._plan or native.plan(self.spec, self.window, self.bank)
            mel = native.log_mel(flat.detach(), self._plan, pad, count)
        return mel.reshape(*samples.shape[:-1], self.rows, count)

    def _is_plain(self, flat: torch.Tensor) -> bool:
        """Whether there is nothing that only torch can do: gradients, float64, CUDA, tracing."""
        wants_gradient = torch.is_grad_enabled() and flat.requires_grad
        plain = flat.device.type == "cpu" and flat.dtype == torch.float32
        return plain and not wants_gradient and not torch.compiler.is_compiling()

    def _by_torch(self, flat: torch.Tensor, pad: int) -> torch.Tensor:
        """`[B, T] -> [B, rows, N]`: differentiable, in any precision, on any device."""
        frames = pad_reflect(flat, pad).unfold(-1, self.spec.n_fft, self.spec.hop_length)  # [B, N, n_fft], a view
        if flat.device.type != "cpu":
            return self._transform(frames, self.bank)
        # piece by piece: what a piece needs stays in the cache
        rows = [torch.cat([self._transform(piece, self.bank) for piece in row.split(PIECE)], -1) for row in frames]
        return torch.stack(rows) if rows else flat.new_empty(0, self.rows, frames.shape[1])

    def levels(self, samples: torch.Tensor, frames: torch.Tensor, bank: torch.Tensor) -> torch.Tensor:
        """`[..., T], [k], [bands, 1 + n_fft // 2] -> [..., bands, k]`: another filter bank over some frames."""
        padded = pad_reflect(samples, self.spec.n_fft // 2).to(self.window.dtype)
        return self._transform(padded.unfold(-1, self.spec.n_fft, self.spec.hop_length)[..., frames, :], bank)

    def _transform(self, frames: torch.Tensor, bank: torch.Tensor) -> torch.Tensor:
        """`[..., N, n_fft] -> [..., bands, N]`."""
        magnitude = _magnitude(torch.fft.rfft(frames * self.window), self.spec.power)
        return torch.log((bank @ magnitude.transpose(-1, -2)).clamp_min(self.spec.floor))


def _magnitude(frames: torch.Tensor, power: float) -> torch.Tensor:
    # |z|^p from re² + im²: the gradient of abs() is 0/0 at z = 0, so the square is kept away from 0 where p < 2
    square = frames.real.square() + frames.imag.square()
    return square if power == 2 else square.clamp_min(1e-30).pow(power / 2)


def pad_reflect(samples: torch.Tensor, pad: int) -> torch.Tensor:
    """`[..., T] -> [..., T + 2 * pad]`: reflection without the edge sample, repeated where T ≤ pad as numpy does."""
    length = samples.shape[-1]
    if length > pad:
        flat = F.pad(samples.reshape(1, -1, length), (pad, pad), mode="reflect")
        return flat.reshape(*samples.shape[:-1], -1)
    period = max(1, 2 * (length - 1))
    index = torch.arange(-pad, length + pad, device=samples.device) % period
    return samples[..., torch.where(index < length, index, period - index)]
