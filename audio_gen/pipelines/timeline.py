"""timeline: the answers of a file's windows → segments with start, end and label."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch

DIGITS = 6  # of numbers in records


def timeline(
    probs: torch.Tensor, names: Sequence[str], hop: float, duration: float, *, min_confidence: float = 0.0
) -> list[dict[str, Any]]:
    """Segments of equal label, in order and without gaps; a window speaks for the time at its middle.

    A window that disagrees with both its neighbours is taken for a slip (a median over three). Where a segment's
    probability is below `min_confidence` its label is None, and such neighbours are one segment.

    Args:
        probs: `[K, classes]`, of windows every `hop` seconds.
        names: of the classes.
        hop: half a window, in seconds.
        duration: of the file, in seconds.
        min_confidence: 0 to 1.
    """
    smooth = probs if len(probs) < 3 else torch.cat([probs[:1], probs.unfold(0, 3, 1).median(-1).values, probs[-1:]])
    edges = [0.0, *((k + 1.5) * hop for k in range(len(probs) - 1)), duration]
    labels: list[str | None] = []
    for first, last, best in _runs(smooth.argmax(1).tolist()):
        sure = float(smooth[first:last, best].mean()) >= min_confidence
        labels += [names[best] if sure else None] * (last - first)
    segments = []
    for first, last, label in _runs(labels):
        prob = float(smooth[first:last].amax(1).mean())
        times = {"start_s": round(edges[first], 3), "end_s": round(edges[last], 3)}
        segments.append({**times, "label": label, "prob": round(prob, DIGITS)})
    return segments


def _runs(items: Sequence[Any]) -> list[tuple[int, int, Any]]:
    """First, one past the last, and value of each run of equal items."""
    edges = [0, *(k for k in range(1, len(items)) if items[k] != items[k - 1]), len(items)]
    return [(first, last, items[first]) for first, last in pairwise(edges)]
