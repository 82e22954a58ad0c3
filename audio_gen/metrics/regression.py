"""How well a figure (valence, arousal) is told: Pearson's r, Lin's concordance, squared and absolute error."""

import math

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError


def pearson_r(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """Pearson's correlation: cov(x, y) / (sd(x) sd(y)); NaN where either is constant.

    >>> pearson_r([0, 1, 2], [5, 7, 9])
    1.0
    """
    x, y = _pair(reference, estimate)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    x, y = x - x.mean(), y - y.mean()
    norms = math.sqrt(np.dot(x, x) * np.dot(y, y))
    return max(-1.0, min(1.0, float(np.dot(x, y)) / norms)) if norms > 0 else math.nan


def concordance(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """Lin's concordance correlation (Lin 1989): 2 cov(x, y) / (var(x) + var(y) + (mean(x) - mean(y))²).

    Unlike r it falls where scale or offset are wrong. Moments are those of the population (divided by N). NaN where
    both are the same constant.
    """
    x, y = _pair(reference, estimate)
    spread = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    return float(2 * np.mean((x - x.mean()) * (y - y.mean())) / spread) if spread > 0 else math.nan


def rmse(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """Root mean square error: sqrt(mean((x - y)²)), in the unit of the figures."""
    x, y = _pair(reference, estimate)
    return float(np.sqrt(np.mean((x - y) ** 2)))


def mean_absolute_error(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """mean(|x - y|), in the unit of the figures.

    >>> mean_absolute_error([0, 1], [1, -1])
    1.5
    """
    x, y = _pair(reference, estimate)
    return float(np.mean(np.abs(x - y)))


def _pair(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    x, y = np.asarray(reference, np.float64), np.asarray(estimate, np.float64)
    if x.ndim != 1 or x.shape != y.shape or x.size == 0 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        given = f"{list(x.shape)} and {list(y.shape)}"
        raise ParameterError(f"figures must be two arrays [N] of finite numbers, N ≥ 1, not {given}")
    return x, y
