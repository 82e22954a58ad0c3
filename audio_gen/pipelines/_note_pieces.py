"""What all evaluations over notes share: reading a split, and ratios of sums with intervals over pieces."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.datasets._item import Item
from audio_gen.datasets._scores import score_of
from audio_gen.errors import DatasetError, DecodeError
from audio_gen.metrics.interval import bootstrap
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.registry import pick
from audio_gen.symbolic.score import Score

_log = logging.getLogger(__name__)


class Told(NamedTuple):
    """One row of a dataset with its notes."""

    item: Item
    score: Score

    def style(self, labels: Sequence[str]) -> int:
        """The number of its style; the one after the last stands for any."""
        return labels.index(self.item.label) if self.item.label in labels else len(labels)


class Split(NamedTuple):
    """What of a split can be read, and the ids of the rows that can't."""

    told: list[Told]
    failed: list[str]


def read_split(dataset: str, root: Path, split: str) -> Split:
    """The scores of a split; what can't be read is left out with a warning.

    Raises:
        DatasetError: the dataset or the split isn't there, or nothing of it has notes.
    """
    told, failed = [], []
    for item in pick("audio_gen.datasets", dataset).items(root, split):
        try:
            score = score_of(item)
        except (DecodeError, DatasetError) as error:
            _log.warning("left out: %s", error)
            failed.append(item.id)
            continue
        if score.notes:
            told.append(Told(item, score))
    if not told:
        raise DatasetError(f"{dataset} {split} has no piece with notes; groove, openewld, jsb and nottingham have")
    return Split(told, failed)


def training_split(dataset: str, root: Path, split: str) -> list[Told]:
    """The split "train", for floors and copies; empty where it isn't there, or is what is measured."""
    if split == "train":
        return []
    try:
        return read_split(dataset, root, "train").told
    except DatasetError:
        return []


def ratio(parts: npt.ArrayLike, wholes: npt.ArrayLike) -> dict[str, float | None]:
    """Σ parts / Σ wholes, where each piece has one of either, with its interval over pieces."""
    above, below = (np.asarray(numbers, np.float64) for numbers in (parts, wholes))

    def over(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
        return float(one.sum() / other.sum()) if other.sum() else np.nan

    return bootstrap(over, above, below).to_dict()


def about(model: Checkpoint, dataset: str, split: str, pieces: int, failed: list[str]) -> dict[str, Any]:
    """The first lines of all details."""
    return {
        "model": model.name,
        "sha256": model.sha256,
        "dataset": dataset,
        "split": split,
        "pieces": pieces,
        "failed": failed,
    }
