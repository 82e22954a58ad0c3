"""How far generated music lies from real music: distances of distributions, not of means."""

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError

Figures = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def bigrams(classes: npt.ArrayLike, size: int) -> Counts:
    """`[size, size]`: how often class j (0 to size - 1) follows class i. Sum them over pieces, not over their seams.

    Raises:
        ParameterError: a class outside.
    """
    numbers = np.asarray(classes, np.int64)
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < size:
        raise ParameterError(f"classes are 0-{size - 1}, not {numbers.min()} to {numbers.max()}")
    pairs = numbers[:-1] * size + numbers[1:]
    return np.bincount(pairs, minlength=size * size).reshape(size, size)


def tonic_histogram(pitches: npt.ArrayLike, tonic: int) -> Counts:
    """`[12]`: how many notes lie so many semitones above the tonic."""
    return np.bincount((np.asarray(pitches, np.int64) - tonic) % 12, minlength=12)


def kullback_leibler(real: npt.ArrayLike, generated: npt.ArrayLike, *, smoothing: float = 1.0) -> float:
    """Σ p log2(p / q) in bits of two arrays of counts, `smoothing` added to each: 0 where they are alike.

    Raises:
        ParameterError: counts of different shapes, or negative ones.
    """
    p, q = _shares(real, generated, smoothing)
    return _relative_entropy(p, q)


def jensen_shannon(real: npt.ArrayLike, generated: npt.ArrayLike, *, smoothing: float = 1.0) -> float:
    """(KL(p | m) + KL(q | m)) / 2 with m the mean of both, in bits: 0 to 1, the same in both directions.

    Raises:
        ParameterError: counts of different shapes, or negative ones.
    """
    p, q = _shares(real, generated, smoothing)
    middle = (p + q) / 2
    return (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2


def wasserstein(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """∫ |F(x) - G(x)| dx of two samples' distribution functions: the 1-Wasserstein distance, in the samples' unit.

    Raises:
        ParameterError: a sample without a finite value.
    """
    left, right = _finite(one), _finite(other)
    values = np.sort(np.concatenate([left, right]))
    below = [np.searchsorted(np.sort(sample), values[:-1], "right") / sample.size for sample in (left, right)]
    return float((np.abs(below[0] - below[1]) * np.diff(values)).sum())


def _shares(real: npt.ArrayLike, generated: npt.ArrayLike, smoothing: float) -> tuple[Figures, Figures]:
    one, other = (np.asarray(counts, np.float64) for counts in (real, generated))
    if one.shape != other.shape or min(one.min(initial=0), other.min(initial=0)) < 0:
        raise ParameterError(f"counts must be ≥ 0 and of one shape, not {one.shape} and {other.shape}")
    one, other = one + smoothing, other + smoothing
    return one / one.sum(), other / other.sum()


def _relative_entropy(p: Figures, q: Figures) -> float:
    some = p > 0
    return float((p[some] * np.log2(p[some] / q[some])).sum())


def _finite(sample: npt.ArrayLike) -> Figures:
    values = np.asarray(sample, np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        raise ParameterError("a distance needs at least one finite value in each sample")
    return values
