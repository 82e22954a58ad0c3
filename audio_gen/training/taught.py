"""Music without labels, and what a teacher says of it."""

from collections import Counter

import numpy as np
import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError
from audio_gen.training.augment import strengthen
from audio_gen.training.images import Images


class Taught:
    """The pictures of `arrays` that a teacher has heard, with its outputs standardised over the training pictures.

    Raises:
        DatasetError: the arrays hold no teacher's outputs, or hardly any in train.
    """

    def __init__(self, arrays: Arrays, columns: int) -> None:
        if arrays.teacher is None:
            raise DatasetError("there is no teacher in these arrays: `audio-gen prepare --teacher OUTPUTS.npz ...`")
        told = np.flatnonzero(np.any(np.all(np.isfinite(arrays.teacher), 2), 1))
        tracks = [arrays.tracks[number] for number in arrays.index]
        self.rows = {s: torch.tensor([n for n in told if tracks[n].split == s]).long() for s in ("train", "valid")}
        if len(self.rows["train"]) < 2:
            raise DatasetError("the teacher has heard too little of split train: less than two pictures")
        self.outputs, self.width = torch.from_numpy(arrays.teacher), arrays.teacher.shape[2]
        known = self.outputs[self.rows["train"]].flatten(0, 1).float()
        self.center = known.nanmean(0)
        self.scale = torch.sqrt(((known - self.center) ** 2).nanmean(0)).clamp_min(1e-3)
        datasets = [tracks[n].dataset for n in self.rows["train"].tolist()]
        sizes = Counter(datasets)
        self.chances = torch.tensor([sizes[name] ** -0.5 for name in datasets])  # by the square root of a set's size
        self.images = Images(arrays, (), columns)

    def draw(self, count: int, stretch: float, strength: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Random windows of training pictures, `[count, n_mels, columns]`, and what the teacher says, `[count, D]`.

        A window that the teacher says nothing of has NaN.
        """
        rows = self.rows["train"][torch.multinomial(self.chances, count, replacement=True)]
        pictures, places = self.images.draw_placed(rows.tolist(), stretch)
        return strengthen(pictures, strength), self.targets(rows, places)

    def targets(self, rows: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """`[B, D]`: the standardised outputs over `places [B, 2]` of pictures; NaN where there are none.

        Slots count by the part of them that a place covers.
        """
        outputs = (self.outputs[rows].float() - self.center) / self.scale
        edges = torch.linspace(0, 1, outputs.shape[1] + 1)
        covered = torch.minimum(places[:, 1:], edges[1:]) - torch.maximum(places[:, :1], edges[:-1])
        weight = covered.clamp_min(0) * outputs.isfinite().all(2)
        total = weight.sum(1, keepdim=True)
        mean = (outputs.nan_to_num() * weight[:, :, None]).sum(1) / total.clamp_min(1e-6)
        return torch.where(total > 1e-3, mean, torch.nan)


def squared_error(told: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean over the rows `[B, D]` that the teacher knows; 0 where it knows none."""
    known = truth.isfinite().all(1)
    error = (told[known] - truth[known]) ** 2
    return error.mean() if known.any() else error.sum()
