"""How well class labels are told: accuracy, confusion, F1. Labels are class indices, 0 and up, one a track."""

from typing import Any

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError


def accuracy(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """Share of tracks whose label is right.

    >>> accuracy([0, 1, 2, 2], [0, 1, 2, 0])
    0.75
    """
    true, told = _pair(reference, estimate)
    return float(np.mean(true == told))


def confusion_matrix(
    reference: npt.ArrayLike, estimate: npt.ArrayLike, classes: int | None = None
) -> npt.NDArray[np.int64]:
    """Counts `[classes, classes]`: row is the true class, column the told one.

    Args:
        reference: true classes `[N]`.
        estimate: told classes `[N]`.
        classes: how many there are; None is one more than the highest index.
    """
    true, told = _pair(reference, estimate)
    highest = int(max(true.max(), told.max()))
    count = highest + 1 if classes is None else classes
    if highest >= count:
        raise ParameterError(f"class {highest} is beyond the {count} classes (0 to {count - 1})")
    return np.bincount(true * count + told, minlength=count * count).reshape(count, count)


def per_class_f1(
    reference: npt.ArrayLike, estimate: npt.ArrayLike, classes: int | None = None
) -> npt.NDArray[np.float64]:
    """F1 of each class `[classes]`: 2 TP / (2 TP + FP + FN); NaN for a class that is neither true nor told anywhere."""
    counts = confusion_matrix(reference, estimate, classes)
    hits, both = np.diag(counts), counts.sum(0) + counts.sum(1)
    return np.where(both > 0, 2 * hits / np.maximum(both, 1), np.nan)


def macro_f1(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """Mean F1 over the classes that are present in the reference."""
    true, _ = _pair(reference, estimate)
    return float(np.mean(per_class_f1(reference, estimate)[np.unique(true)]))


def _pair(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    true, told = np.asarray(reference), np.asarray(estimate)
    whole = np.issubdtype(true.dtype, np.integer) and np.issubdtype(told.dtype, np.integer)
    if not whole or true.ndim != 1 or true.shape != told.shape or true.size == 0 or min(true.min(), told.min()) < 0:
        given = f"{true.dtype} {list(true.shape)} and {told.dtype} {list(told.shape)}"
        raise ParameterError(f"labels must be two arrays [N] of class indices 0 and up, N ≥ 1, not {given}")
    return true.astype(np.int64), told.astype(np.int64)
