"""What is usual: how a statistic spreads over stretches of real music, and how far others are from that."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

QUANTILES = 8  # of real music, between which bins lie

Floats = npt.NDArray[np.float64]


class Usual:
    """The spread of one statistic over real music.

    Args:
        values: of real stretches; NaN where a stretch can't tell, which is a bin of its own.
    """

    def __init__(self, values: Sequence[float]) -> None:
        told = np.array([value for value in values if not np.isnan(value)])
        inner = np.arange(1, QUANTILES) / QUANTILES
        self.edges: Floats = np.unique(np.quantile(told, inner)) if len(told) else np.zeros(0)
        self.median = float(np.median(told)) if len(told) else 0.0
        self.shares = self.spread(values)

    def bins(self, values: Sequence[float]) -> npt.NDArray[np.int64]:
        """The bin of each value; a value that is an edge lies below it."""
        found = np.searchsorted(self.edges, values, side="left")
        return np.where(np.isnan(values), len(self.edges) + 1, found)

    def spread(self, values: Sequence[float]) -> Floats:
        """The share of each bin, with half a value more in each, so that none is 0."""
        counts = np.bincount(self.bins(values), minlength=len(self.edges) + 2) + 0.5
        shares: Floats = counts / counts.sum()
        return shares

    def away(self, values: Sequence[float]) -> float:
        """Nats by which the spread of other values diverges from the usual one (Kullback and Leibler, 1951)."""
        other = self.spread(values)
        return float((other * np.log(other / self.shares)).sum())
