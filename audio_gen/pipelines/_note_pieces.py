"""What all evaluations over notes share: reading a split, and ratios of sums with intervals over pieces."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from audio_gen.datasets._item import Item
from audio_gen.datasets._scores import score_of
from audio_gen.errors import DatasetError, DecodeError
from audio_gen.metrics.interval import Interval, ratio_interval
from audio_gen.registry import pick
from audio_gen.symbolic.score import Score

Music = TypeVar("Music")
# by name, what makes something of a real piece (a tune, drums) that made music must be better than
Controls = Mapping[str, Callable[[Music, np.random.Generator], Music]]

_log = logging.getLogger(__name__)


class Told(NamedTuple):
    """One row of a dataset with its notes."""

    item: Item
    score: Score

    def style(self, labels: Sequence[str]) -> int:
        """The number of its style; the one after the last stands for any."""
        return labels.index(self.item.label) if self.item.label in labels else len(labels)


def four_four(one: Told) -> bool:
    """Whether its metre is 4/4 throughout."""
    return all((meter.beats, meter.unit) == (4, 4) for meter in one.score.meters)


class Split(NamedTuple):
    """What of a split can be read, and the ids of what can't; the split "train", for floors, or nothing."""

    told: list[Told]
    failed: list[str]
    train: list[Told]


def read_split(dataset: str, root: Path, split: str) -> Split:
    """The scores of a split, and of "train" where that lies there and is another; what can't be read is left out.

    Raises:
        DatasetError: the dataset or the split isn't there, or nothing of it has notes.
    """
    told, failed = _read(dataset, root, split)
    if not told:
        raise DatasetError(f"{dataset} {split} has no piece with notes; groove, openewld, jsb and nottingham have")
    try:
        train = _read(dataset, root, "train")[0] if split != "train" else []
    except DatasetError:
        train = []
    return Split(told, failed, train)


def _read(dataset: str, root: Path, split: str) -> tuple[list[Told], list[str]]:
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
    return told, failed


def controls_of(
    real: Sequence[Music], controls: Controls[Music], random: np.random.Generator
) -> dict[str, list[Music]]:
    """What each of the controls makes of all real pieces."""
    return {name: [make(one, random) for one in real] for name, make in controls.items()}


def ratio(parts: npt.ArrayLike, wholes: npt.ArrayLike) -> dict[str, float | None]:
    """Σ parts / Σ wholes, where each piece has one of either, with its interval over pieces."""
    return ratio_interval(parts, wholes).to_dict()


def mean(values: npt.ArrayLike) -> dict[str, float | None]:
    """Mean of one value a piece, those that are undefined left out, with its interval over pieces."""
    figures = np.asarray(values, np.float64).reshape(-1)
    figures = figures[np.isfinite(figures)]
    found = ratio_interval(figures, np.ones(len(figures))) if len(figures) else Interval(np.nan, np.nan, np.nan)
    return found.to_dict()
