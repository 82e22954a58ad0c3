"""A linear classifier of styles, and figures with their intervals as text."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from audio_gen.metrics.interval import bootstrap

DECAY, FARTHEST = 0.1, 4.0  # weight of the squared weights; standard deviations

Numbers = npt.NDArray[np.float64]


class LinearJudge:
    """Features `[N, D]`, NaN where one isn't known → shares of styles, of which each weighs the same.

    What isn't known is as it mostly is, so that it says nothing.
    """

    def __init__(self, rows: Numbers, truth: npt.NDArray[np.int64], styles: int) -> None:
        self.mean, self.sd = np.nanmean(rows, 0), np.nanstd(rows, 0) + 1e-6
        self.weights = torch.zeros(rows.shape[1] + 1, styles, dtype=torch.float64, requires_grad=True)
        counts = np.bincount(truth, minlength=styles)
        each, answers = torch.from_numpy(counts.mean() / counts), torch.from_numpy(truth)
        search = torch.optim.LBFGS([self.weights], max_iter=100, line_search_fn="strong_wolfe")

        def cost() -> torch.Tensor:
            search.zero_grad()
            loss = F.cross_entropy(self._scores(rows), answers, weight=each) + DECAY * self.weights[:-1].square().sum()
            loss.backward()
            return loss

        search.step(cost)

    def _scores(self, rows: Numbers) -> torch.Tensor:
        apart = np.nan_to_num((rows - self.mean) / self.sd).clip(-FARTHEST, FARTHEST)
        return torch.from_numpy(np.pad(apart, ((0, 0), (0, 1)), constant_values=1)) @ self.weights

    def shares(self, rows: Numbers) -> Numbers:
        """`[N, styles]`: how much of each style is in them."""
        with torch.no_grad():
            return self._scores(rows).softmax(1).numpy()


def in_words(heads: Sequence[str], values: Numbers) -> dict[str, str]:
    """The mean of each column with its 95 % interval over the rows."""
    told = {}
    for head, column in zip(heads, values.T, strict=True):
        found = bootstrap(np.mean, column)
        told[head] = f"{found.value:.3f} ({found.low:.3f}-{found.high:.3f})"
    return told
