"""How far generated music lies from real music: distances of distributions, not of means."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError

SPLITS = 200

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


class Distance(NamedTuple):
    """1-Wasserstein distances of a statistic, at one sample size, and their ratio: 1 where generated passes as real."""

    generated: float
    real: float
    ratio: float


def distance_over_real(
    generated: npt.ArrayLike,
    real: npt.ArrayLike,
    *,
    groups: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    splits: int = SPLITS,
    seed: int = 0,
) -> Distance:
    """How far a statistic of generated pieces lies from real ones', in units of how far real ones lie from real ones.

    A sample's distance shrinks with its size, so both are taken at one size: N, the smaller of all generated and half
    the real pieces. In each split, N real pieces are compared with N others and with N generated ones; distances are
    averaged over splits. Pieces for which the statistic is undefined (NaN) are left out.

    Args:
        groups: the piece that each generated value was made after, and that each real one is of, where several are of
            one piece: real pieces are then compared with other pieces, and with what was made after those.
        splits: of the real ones into halves.
        seed: of the splits.

    Raises:
        ParameterError: fewer than 2 real values (or groups), or no generated one.
    """
    if groups is not None:
        return _over_groups(np.asarray(generated, float), np.asarray(real, float), groups, splits, seed)
    made, true = _finite(generated), _finite(real)
    size = min(made.size, true.size // 2)
    if size < 1:
        raise ParameterError(f"a distance over real-real needs ≥ 2 real values, not {true.size}")
    random = np.random.default_rng(seed)
    found = np.zeros(2)
    for _ in range(splits):
        drawn = random.permutation(true)
        found += (
            wasserstein(random.permutation(made)[:size], drawn[:size]),
            wasserstein(drawn[size : 2 * size], drawn[:size]),
        )
    far, near = found / splits
    return Distance(float(far), float(near), float(far / near) if near else (1.0 if not far else np.inf))


def _over_groups(
    made: Figures, true: Figures, groups: tuple[npt.ArrayLike, npt.ArrayLike], splits: int, seed: int
) -> Distance:
    kinds = [np.asarray(one)[np.isfinite(values)] for one, values in zip(groups, (made, true), strict=True)]
    made, true, names = _finite(made), _finite(true), np.unique(kinds[1])
    if len(names) < 2:
        raise ParameterError(f"a distance over real-real needs ≥ 2 real pieces, not {len(names)}")
    random, found, counted = np.random.default_rng(seed), np.zeros(2), 0
    for _ in range(splits):
        half = random.permutation(names)[: len(names) // 2]
        inside, after = np.isin(kinds[1], half), ~np.isin(kinds[0], half)
        if after.any():
            found += wasserstein(made[after], true[inside]), wasserstein(true[~inside], true[inside])
            counted += 1
    far, near = found / max(1, counted)
    return Distance(float(far), float(near), float(far / near) if near else (1.0 if not far else np.inf))


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
