"""How far made music lies from real music in units of how far real pieces lie from other real pieces.

Values within one piece are alike, so pieces are compared with other pieces, never windows with windows: the real ones
are split into halves again and again; one half is compared with the other, and with what was made after the other.
Intervals are bootstraps over the pieces of what was made, in which a piece that is drawn twice weighs twice: all draws
of a split are then one product of matrices, some hundred times as fast as one distance after the other.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.metrics.interval import Interval, percentile_interval

SPLITS, DRAWS = 20, 200  # of the real pieces into halves; of made pieces, for the interval

Figures = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


class Values(NamedTuple):
    """A statistic's values `[N]`, and the number of the real piece `[N]` that each is of, or was made after."""

    values: Figures
    pieces: Numbers


class Tables(NamedTuple):
    """Counts `[N, K]` of N pieces, real or made, and the number of the real piece `[N]` of each."""

    counts: Figures
    pieces: Numbers


class Distance(NamedTuple):
    """1-Wasserstein distances of made and of real pieces from real ones, and their ratio: 1 where made pass as real."""

    ratio: Interval
    made: float
    real: float


def wasserstein_over_real(
    made: Values, real: Values, *, splits: int = SPLITS, draws: int = DRAWS, seed: int = 0
) -> Distance:
    """∫ |F - G| of a statistic's distributions, of made pieces over that of real ones.

    A distance of few pieces is larger by chance: both are of halves. Undefined values (NaN) are left out.

    Args:
        made: what was made after the real pieces; may be the real ones themselves, whose ratio is 1.
        real: two pieces or more.
        splits: of the real pieces.
        draws: of the made ones.
        seed: of both.

    Raises:
        ParameterError: fewer than two real pieces, or no made one, with a value.
    """
    made, real = _finite(made), _finite(real)
    names = _names(made.pieces, real.pieces)
    grid = np.unique(np.concatenate([made.values, real.values]))
    steps = np.diff(grid)
    kinds, below_made, of_made = _below(made, grid)
    known, below_real, of_real = _below(real, grid)
    weights = _weights(len(kinds), draws, seed)
    far, near, counted = np.zeros(len(weights)), np.zeros(len(weights)), np.zeros(len(weights))
    for half in _halves(names, splits, seed):
        inside = np.isin(known, half)
        here, there = (below_real[side].sum(0) / of_real[side].sum() for side in (inside, ~inside))
        after = weights * ~np.isin(kinds, half)
        sizes = after @ of_made
        some = sizes > 0
        distribution = (after[some] @ below_made) / sizes[some, None]
        far[some] += np.abs(distribution - here) @ steps
        near[some] += np.abs(there - here) @ steps
        counted += some
    ratios = np.full(len(weights), np.nan)
    np.divide(far, near, out=ratios, where=near > 0)
    ratios[(near == 0) & (counted > 0)] = np.where(far[(near == 0) & (counted > 0)] > 0, np.inf, 1.0)
    whole = max(1.0, float(counted[0]))
    return Distance(percentile_interval(float(ratios[0]), ratios[1:]), float(far[0] / whole), float(near[0] / whole))


def divergence_from_real(
    made: Tables, real: Tables, *, splits: int = SPLITS, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """The Jensen-Shannon divergence (bits, 0 to 1) of made pieces' counts from those of other real pieces.

    Counts are summed over pieces, one added to each. The figure of real against real, which is above 0 by chance, is
    that of `made` being `real`.

    Raises:
        ParameterError: fewer than two real pieces, or none made.
    """
    names = _names(made.pieces, real.pieces)
    weights = _weights(len(made.pieces), draws, seed)
    total, counted = np.zeros(len(weights)), np.zeros(len(weights))
    for half in _halves(names, splits, seed):
        here = _shares(real.counts[np.isin(real.pieces, half)].sum(0))
        after = weights * ~np.isin(made.pieces, half)
        some = after.sum(1) > 0
        shares = _shares(after[some] @ made.counts)
        middle = (shares + here) / 2
        total[some] += (_relative_entropy(shares, middle) + _relative_entropy(here, middle)) / 2
        counted += some
    means = np.where(counted > 0, total / np.maximum(counted, 1), np.nan)
    return percentile_interval(float(means[0]), means[1:])


def _names(made: Numbers, real: Numbers) -> Numbers:
    names = np.unique(real)
    if len(names) < 2 or not len(made):
        raise ParameterError(
            f"a distance over real-real needs ≥ 2 real pieces and a made one, not {len(names)} and {len(made)}"
        )
    return names


def _halves(names: Numbers, splits: int, seed: int) -> Iterator[Numbers]:
    random = np.random.default_rng(seed)
    for _ in range(splits):
        yield random.permutation(names)[: len(names) // 2]


def _weights(pieces: int, draws: int, seed: int) -> Figures:
    """`[1 + draws, pieces]`: how often each piece counts: once, then as it was drawn."""
    random = np.random.default_rng(seed)
    drawn = [np.bincount(random.integers(0, pieces, pieces), minlength=pieces) for _ in range(draws)]
    return np.stack([np.ones(pieces), *drawn]).astype(np.float64)


def _below(sample: Values, grid: Figures) -> tuple[Numbers, Figures, Figures]:
    """The pieces `[P]`; how many of their values lie at or below each place of the grid but the last; how many all."""
    pieces, rows = np.unique(sample.pieces, return_inverse=True)
    found = np.zeros((len(pieces), len(grid)))
    np.add.at(found, (rows, np.searchsorted(grid, sample.values)), 1.0)
    found = found.cumsum(1)
    return pieces, found[:, :-1], found[:, -1]


def _finite(sample: Values) -> Values:
    there = np.isfinite(sample.values)
    return Values(np.asarray(sample.values, np.float64)[there], np.asarray(sample.pieces)[there])


def _shares(counts: Figures) -> Figures:
    shares: Figures = (counts + 1) / (counts + 1).sum(-1, keepdims=True)
    return shares


def _relative_entropy(p: Figures, q: Figures) -> Figures:
    found: Figures = (p * np.log2(p / q)).sum(-1)
    return found
