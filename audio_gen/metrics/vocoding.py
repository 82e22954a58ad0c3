"""How near a waveform is to the one it should be, by the magnitudes of short-time spectra; phase is not compared.

Waveforms are `[T]`, both of one length. Spectra: Hann window, hop of a quarter window, zeros around the ends; the
magnitudes are amplitudes (a full-scale sine has 1), with a floor of 1e-5 (-100 dB) before logarithms.
"""

import math

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.metrics.regression import pearson_r

WINDOWS = (512, 1024, 2048)
FLOOR = 1e-5

Floats = npt.NDArray[np.float64]


def spectral_convergence(reference: npt.ArrayLike, estimate: npt.ArrayLike, *, window: int = 1024) -> float:
    """‖|X| - |Y|‖ / ‖|X|‖, Frobenius norms (Sturmel & Daudet 2011); NaN for a silent reference."""
    x, y = _spectra(reference, estimate, window)
    norm = np.linalg.norm(x)
    return float(np.linalg.norm(x - y) / norm) if norm > 0 else math.nan


def log_spectral_distance(reference: npt.ArrayLike, estimate: npt.ArrayLike, *, window: int = 1024) -> float:
    """Mean over frames of sqrt(mean over bins of (20 log10(|X| / |Y|))²), in dB (Gray & Markel 1976)."""
    x, y = _spectra(reference, estimate, window)
    decibels = 20 / math.log(10) * (_log(x) - _log(y))
    return float(np.mean(np.sqrt(np.mean(decibels**2, axis=1))))


def multi_resolution_stft(
    reference: npt.ArrayLike, estimate: npt.ArrayLike, *, windows: tuple[int, ...] = WINDOWS
) -> float:
    """Mean over windows of spectral convergence + mean |ln |X| - ln |Y|| (Yamamoto et al. 2020); NaN for silence."""
    return float(np.mean([_distance(reference, estimate, window) for window in windows]))


def mel_l1(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """Mean absolute difference of two log-mels `[..., M, N]` of one shape, in their unit (ln: 1 is 8.7 dB)."""
    x, y = np.asarray(reference, np.float64), np.asarray(estimate, np.float64)
    if x.shape != y.shape or x.size == 0:
        raise ParameterError(f"mels must have one shape, and frames, not {list(x.shape)} and {list(y.shape)}")
    return float(np.mean(np.abs(x - y)))


def onset_correlation(reference: npt.ArrayLike, estimate: npt.ArrayLike, *, window: int = 512) -> float:
    """Pearson r of the onset envelopes: the mean rise of the log spectrum from frame to frame (Böck & Widmer 2013)."""
    x, y = (np.maximum(np.diff(_log(part), axis=0), 0).mean(1) for part in _spectra(reference, estimate, window))
    return pearson_r(x, y) if len(x) > 1 else math.nan


def _distance(reference: npt.ArrayLike, estimate: npt.ArrayLike, window: int) -> float:
    x, y = _spectra(reference, estimate, window)
    return spectral_convergence(reference, estimate, window=window) + float(np.mean(np.abs(_log(x) - _log(y))))


def _spectra(reference: npt.ArrayLike, estimate: npt.ArrayLike, window: int) -> tuple[Floats, Floats]:
    x, y = np.asarray(reference, np.float64), np.asarray(estimate, np.float64)
    if x.ndim != 1 or x.shape != y.shape or x.size == 0 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        given = f"{list(x.shape)} and {list(y.shape)}"
        raise ParameterError(f"waveforms must be two finite arrays [T] of one length (crop the longer), not {given}")
    if window < 4:
        raise ParameterError(f"window must be 4 samples or more, not {window}")
    return _magnitudes(x, window), _magnitudes(y, window)


def _magnitudes(samples: Floats, window: int) -> Floats:
    """Amplitudes `[frames, 1 + window // 2]`; frame i is centred on sample i * (window // 4)."""
    hop, hann = window // 4, np.hanning(window + 1)[:-1]
    padded = np.pad(samples, window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(padded, (0, -len(samples) % hop)), window)[::hop]
    amplitudes: Floats = np.abs(np.fft.rfft(frames * hann)) * (2 / hann.sum())
    return amplitudes


def _log(magnitudes: Floats) -> Floats:
    return np.log(np.maximum(magnitudes, FLOOR))
