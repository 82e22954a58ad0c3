"""LogMel: waveform → log-mel spectrogram, one module for training, inference and evaluation.

Formula: `ln(max(M @ |STFT(x)|^power, floor))`, where M is the Slaney mel filter bank
(Slaney, Auditory Toolbox, 1998) with area normalisation, as librosa computes it.
"""

import importlib
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


NEPER = 20 / math.log(10)  # decibels in one unit of a log-mel of magnitudes
FULL_SCALE = 1 << 15  # of int16
PIECE = 512  # frames that are transformed at once on the CPU


class LogMel(nn.Module):
    """`[..., T] -> [..., n_mels, 1 + T // hop_length]`: log-mel spectrogram; differentiable, CPU and CUDA.

    Samples of another precision are computed, and come back, in the module's: float32, or float64 after `.double()`;
    int16 counts from -1 to 1.

    Args:
        spec: what the frames are like; None is the default spec.
        beside: `[k, 1 + n_fft // 2]`, another filter bank over the same spectrum; its rows come after the mel bands.

    Raises:
        ParameterError: the last dimension is empty, or the samples are other whole numbers than int16.
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
        self._plans: dict[torch.device, tuple[object, ...] | None] = {}

    @property
    def rows(self) -> int:
        """Rows of what comes out: the mel bands and those of the bank beside them."""
        return len(self.bank)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        if samples.shape[-1] < 1 or not (samples.is_floating_point() or samples.dtype == torch.int16):
            given = f"{samples.dtype} {list(samples.shape)}"
            raise ParameterError(f"a log-mel needs at least one sample, in floating point or int16, not {given}")
        return self._frames(samples, self.spec.n_fft // 2)

    def from_padded(self, padded: torch.Tensor) -> torch.Tensor:
        """`[..., n_fft + (N - 1) * hop_length] -> [..., rows, N]`: frames of samples that are padded already."""
        return self._frames(padded, 0)

    def _frames(self, samples: torch.Tensor, pad: int) -> torch.Tensor:
        flat = samples.reshape(-1, samples.shape[-1])
        if not samples.is_cuda:  # there int16 is read as it is
            flat = floating(flat, self.window.dtype)
        count = 1 + (flat.shape[-1] + 2 * pad - self.spec.n_fft) // self.spec.hop_length
        engine = self._engine(flat)
        plan = None if engine is None else self._plan(engine)
        if engine is None or plan is None:
            mel = self._by_torch(floating(flat, self.window.dtype), pad)
        else:
            mel = engine.log_mel(flat.detach(), plan, pad, count)
        return mel.reshape(*samples.shape[:-1], self.rows, count)

    def _engine(self, samples: torch.Tensor) -> "ModuleType | None":
        """What computes: `compiled` on a CPU, `triton_log_mel` on CUDA; None, torch, where neither can.

        That is where gradients are wanted, in float64, for a spec that isn't theirs, without numba or Triton, and in
        `torch.compile`, which makes its own of torch's operations.
        """
        if torch.compiler.is_compiling() or (torch.is_grad_enabled() and samples.requires_grad):
            return None
        if self.window.dtype != torch.float32 or self.window.device != samples.device:
            return None
        name = {"cpu": "compiled", "cuda": "triton_log_mel"}.get(samples.device.type)
        engine = None if name is None else _module(name)
        return engine if engine is not None and engine.supported(self.spec) else None

    def _plan(self, engine: "ModuleType") -> "tuple[object, ...] | None":
        """What the engine makes of spec and filter bank, once for each device; None where the bank isn't for it."""
        device = self.window.device
        if device not in self._plans:
            self._plans[device] = engine.plan(self.spec, self.window, self.bank)
        return self._plans[device]

    def _by_torch(self, flat: torch.Tensor, pad: int) -> torch.Tensor:
        """`[B, T] -> [B, rows, N]`: differentiable, in any precision, on any device."""
        frames = pad_reflect(flat, pad).unfold(-1, self.spec.n_fft, self.spec.hop_length)  # [B, N, n_fft], a view
        if flat.device.type != "cpu":
            return self._transform(frames)
        # piece by piece: what a piece needs stays in the cache
        rows = [torch.cat([self._transform(piece) for piece in row.split(PIECE)], -1) for row in frames]
        return torch.stack(rows) if rows else flat.new_empty(0, self.rows, frames.shape[1])

    def _transform(self, frames: torch.Tensor) -> torch.Tensor:
        """`[..., N, n_fft] -> [..., rows, N]`."""
        magnitude = _magnitude(torch.fft.rfft(frames * self.window), self.spec.power)
        return torch.log((self.bank @ magnitude.transpose(-1, -2)).clamp_min(self.spec.floor))


@cache
def _module(name: str) -> "ModuleType | None":
    """The module of an engine; None where what it needs isn't installed."""
    try:
        return importlib.import_module(f"audio_gen.features.{name}")
    except ImportError:
        return None


def floating(samples: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Samples in that precision; int16 from -1 to 1."""
    return samples.to(dtype) / FULL_SCALE if samples.dtype == torch.int16 else samples.to(dtype)


def _magnitude(frames: torch.Tensor, power: float) -> torch.Tensor:
    # |z|^p from re² + im²: the gradient of abs() is 0/0 at z = 0, so the square is kept away from 0 where p < 2; and
    # torch.compile makes no kernels for complex numbers
    square = torch.view_as_real(frames).square().sum(-1)
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
