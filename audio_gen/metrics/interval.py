"""A figure with its 95 % interval."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its 95 % interval; NaN where it is undefined.

    >>> Interval(0.5, 0.4, 0.6).to_dict()
    {'value': 0.5, 'low': 0.4, 'high': 0.6}
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """`value`, `low`, `high` for JSON, which knows no NaN: None instead."""
        figures = {"value": self.value, "low": self.low, "high": self.high}
        return {name: figure if math.isfinite(figure) else None for name, figure in figures.items()}


def bootstrap(metric: Callable[..., float], *arrays: npt.NDArray[Any], samples: int = 1000, seed: int = 0) -> Interval:
    """`metric(*arrays)` with its percentile bootstrap interval over rows (Efron & Tibshirani 1993, chapter 13).

    The rows (tracks) of all arrays are drawn together, with replacement. Draws for which the metric is undefined (NaN,
    or a ParameterError) are left out; where all are, the ends are NaN. A metric that resampling biases (an ECE grows)
    may lie outside of its draws: the interval is widened to hold it.

    Args:
        metric: takes the arrays, gives one figure; NaN where it is undefined.
        arrays: each `[N, ...]` with the same N.
        samples: number of draws.
        seed: of the draws; the same seed gives the same interval.

    Raises:
        ParameterError: no arrays, no rows, arrays of different lengths, or samples below 1.
    """
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) != 1 or lengths[0] == 0 or samples < 1:
        raise ParameterError(f"bootstrap needs arrays of one length above 0 and samples ≥ 1; got {lengths}, {samples}")
    random = np.random.default_rng(seed)
    draws = [_draw(metric, arrays, random.integers(0, lengths[0], lengths[0])) for _ in range(samples)]
    return percentile_interval(float(metric(*arrays)), draws)


def ratio_interval(parts: npt.ArrayLike, wholes: npt.ArrayLike, *, samples: int = 1000, seed: int = 0) -> Interval:
    """Σ parts / Σ wholes over rows, with its interval as `bootstrap` has it, all draws in one product of matrices.

    Args:
        parts: `[N]`.
        wholes: `[N]`; a draw in which they sum to 0 is left out.
        samples: number of draws.
        seed: of the draws.

    Raises:
        ParameterError: no rows, or arrays of different lengths.
    """
    above, below = np.asarray(parts, np.float64).reshape(-1), np.asarray(wholes, np.float64).reshape(-1)
    if len(above) != len(below) or not len(above):
        raise ParameterError(f"a ratio needs two arrays of one length above 0; got {len(above)} and {len(below)}")
    rows = np.random.default_rng(seed).integers(0, len(above), (samples, len(above)))
    sums = np.stack([above[rows].sum(1), below[rows].sum(1)])
    draws = sums[0][sums[1] != 0] / sums[1][sums[1] != 0]
    return percentile_interval(float(above.sum() / below.sum()) if below.sum() else math.nan, draws)


def percentile_interval(value: float, draws: npt.ArrayLike) -> Interval:
    """A figure with the 95 % interval of its draws, which is widened to hold it; NaN ends where no draw is finite."""
    figures = np.asarray(draws, np.float64)
    figures = figures[np.isfinite(figures)]
    if not len(figures):
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(figures, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, min(value, float(low)), max(value, float(high)))


def _draw(metric: Callable[..., float], arrays: tuple[npt.NDArray[Any], ...], rows: npt.NDArray[np.int64]) -> float:
    try:
        return float(metric(*(array[rows] for array in arrays)))
    except ParameterError:
        return math.nan
