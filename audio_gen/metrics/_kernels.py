"""Gaussian kernels between two sets of embeddings, added up over groups of rows that belong together (a track's)."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Kernels:
    """Sums of kernels between groups: of the reference `[G, G]`, of the estimate `[H, H]`, of both `[G, H]`.

    Args:
        reference: a row's kernel with itself is left out.
        estimate: likewise.
        between: of one set and the other.
        n: rows of each group of the reference, `[G]`.
        m: rows of each group of the estimate, `[H]`.
        joint: whether the groups of both sets are the same and so drawn together.
        apart: whether pairs of a group of one set with the same group of the other don't count.
    """

    reference: Floats
    estimate: Floats
    between: Floats
    n: Floats
    m: Floats
    joint: bool
    apart: bool = False

    def distance(self, n_counts: Whole | None = None, m_counts: Whole | None = None) -> float:
        """MMD² of sets that hold the groups as often as the counts say (None: once each).

        Copies of one group are strangers that never meet: only pairs within one copy count, as in the sets themselves.
        """
        a = np.ones(len(self.n)) if n_counts is None else n_counts.astype(float)
        b = np.ones(len(self.m)) if m_counts is None else m_counts.astype(float)
        within = _mean(self.reference, self.n * (self.n - 1), a, a, self.n, self.n, shared=True)
        within += _mean(self.estimate, self.m * (self.m - 1), b, b, self.m, self.m, shared=True)
        paired = self.n * self.m * (not self.apart) if self.joint else self.n
        return within - 2 * _mean(self.between, paired, a, b, self.n, self.m, shared=self.joint)

    def draw(self, random: np.random.Generator) -> float:
        """The distance of sets whose groups are drawn with replacement."""
        counts = [random.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes))) for sizes in self._drawn]
        return self.distance(counts[0], counts[-1])

    @property
    def _drawn(self) -> tuple[Floats, ...]:
        return (self.n,) if self.joint else (self.n, self.m)


def _mean(sums: Floats, own_pairs: Floats, a: Floats, b: Floats, n: Floats, m: Floats, *, shared: bool) -> float:
    """Mean kernel over all pairs; where both sides share their groups, of a group's pairs only those of one copy."""
    total, pairs = a @ sums @ b, (a @ n) * (b @ m)
    if shared:
        extra = a - a**2  # a copies have a times their own pairs, not a² times
        total, pairs = total + extra @ sums.diagonal(), pairs - a**2 @ (n * m) + a @ own_pairs
    return float(total / pairs) if pairs > 0 else math.nan


def kernels(
    x: Floats,
    y: Floats,
    groups: npt.ArrayLike | None = None,
    others: npt.ArrayLike | None = None,
    *,
    apart: bool = False,
) -> Kernels:
    """Kernels of the reference `[N, D]` and the estimate `[M, D]`, as wide as the median distance in the reference.

    Args:
        x: the reference.
        y: the estimate.
        groups: `[N]`, what each row of the reference belongs to; None is each to itself.
        others: `[M]`, likewise of the estimate.
        apart: leave out what lies between a group of the reference and the same group of the estimate.

    Raises:
        ParameterError: the reference has no width, there are not as many groups as rows, or groups that should be kept
            apart are not the same in both sets.
    """
    within = squared_distances(x, x)
    squared_sigma = _width(within)
    squares = (within, squared_distances(y, y), squared_distances(x, y))
    reference, estimate, between = (np.exp(-square / (2 * squared_sigma)) for square in squares)
    np.fill_diagonal(reference, 0)
    np.fill_diagonal(estimate, 0)
    (names, rows, n), (more, columns, m) = _numbered(groups, len(x)), _numbered(others, len(y))
    joint = groups is not None and others is not None and np.array_equal(names, more)
    sums = (_added(reference, rows, rows), _added(estimate, columns, columns), _added(between, rows, columns))
    if apart:
        if not joint or len(n) < 2:
            raise ParameterError("to keep groups apart both sets need the same groups, two or more")
        np.fill_diagonal(sums[2], 0)
    return Kernels(*sums, n, m, joint, apart)


def kernel(rows: Floats) -> Floats:
    """`[N, D]` → `[N, N]`, as wide as the median distance of two rows.

    Raises:
        ParameterError: most rows are the same.
    """
    squares = squared_distances(rows, rows)
    found: Floats = np.exp(-squares / (2 * _width(squares)))
    return found


def _width(squares: Floats) -> float:
    """The squared median distance."""
    squared_sigma = float(np.median(np.sqrt(squares[np.triu_indices(len(squares), 1)]))) ** 2
    if squared_sigma == 0:
        raise ParameterError("more than half of the reference embeddings are the same; the kernel has no width")
    return squared_sigma


def _numbered(groups: npt.ArrayLike | None, rows: int) -> tuple[npt.NDArray[np.generic], Whole, Floats]:
    """Names of the groups in order, the group of each row, the rows of each group."""
    found = np.arange(rows) if groups is None else np.asarray(groups)
    if found.shape != (rows,):
        raise ParameterError(f"{rows} rows need {rows} groups, not {list(found.shape)}")
    names, numbers, sizes = np.unique(found, return_inverse=True, return_counts=True)
    return names, numbers, sizes.astype(float)


def _added(kernel: Floats, rows: Whole, columns: Whole) -> Floats:
    """`[N, M]` → the sums over groups `[G, H]`."""
    for axis, numbers in enumerate((rows, columns)):
        order = np.argsort(numbers, kind="stable")
        starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
        kernel = np.add.reduceat(np.take(kernel, order, axis), starts, axis)
    return kernel


def squared_distances(x: Floats, y: Floats) -> Floats:
    """|x_i - y_j|² `[N, M]` as |x|² + |y|² - 2 xy, around the mean of x so that little cancels."""
    x, y = x - x.mean(0), y - x.mean(0)
    squares: Floats = (x**2).sum(1)[:, None] + (y**2).sum(1)[None] - 2 * (x @ y.T)
    return np.maximum(squares, 0)
