"""Distillation: the classifier's trunk learns what a teacher says of music without labels (Hinton et al., 2015).

Data: arrays of kind "image" with a teacher's outputs. The result is a start for other recipes, through `--init`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.training.augment import strengthen
from audio_gen.training.images import Images
from audio_gen.training.trainee import Trainee, TraineeSettings

KIND = "image"


@dataclass(frozen=True)
class Settings(TraineeSettings):
    """Hyper-parameters; change them with `--set key=value`."""

    dropout: float = 0.1
    strength: float = 0.7
    stretch: float = 0.05


class Distil(Trainee):
    """Mean squared error to the teacher's outputs, each standardised over the training pictures."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        if arrays.teacher is None:
            raise DatasetError(
                "distillation needs arrays with a teacher: `audio-gen prepare --teacher OUTPUTS.npz ...`"
            )
        told = np.isfinite(arrays.teacher).all(1)
        self.rows = {
            split: torch.tensor([n for n in np.flatnonzero(told) if arrays.tracks[arrays.index[n]].split == split])
            for split in ("train", "valid")
        }
        if min(map(len, self.rows.values())) < 2:
            raise DatasetError("distillation needs pictures that the teacher has heard in train and valid")
        outputs = torch.from_numpy(arrays.teacher.astype(np.float32))
        known = outputs[self.rows["train"]]
        self.targets = (outputs - known.mean(0)) / known.std(0).clamp_min(1e-3)
        super().__init__(arrays, settings, {"classes": outputs.shape[1]}, init)
        self.images = Images(arrays, (), settings.columns)

    def step(self, step: int, progress: float) -> dict[str, float]:
        rows = self.rows["train"][torch.randint(len(self.rows["train"]), (self.settings.batch,))]
        pictures = strengthen(self.images.draw_rows(rows.tolist(), self.settings.stretch), self.settings.strength)
        device = self.fabric.device
        loss = F.mse_loss(self.net(pictures.to(device)).logits, self.targets[rows].to(device))
        self.descend(loss, step, progress)
        return {"loss": loss.item()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Share of the variance of the teacher's outputs that the student explains, over whole pictures."""
        net, device = self.ema.module, self.fabric.device
        told = torch.stack(
            [self.images.picture(net, row, device).logits.mean(0) for row in self.rows["valid"].tolist()]
        )
        truth = self.targets[self.rows["valid"]].to(device)
        left = ((told - truth) ** 2).mean() / ((truth - truth.mean(0)) ** 2).mean()
        return {"score": 1 - float(left), "loss": float(F.mse_loss(told, truth))}

    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        return self.export(name, tuple(f"teacher{n}" for n in range(self.targets.shape[1])), training)


def build(arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> Distil:
    """The recipe over prepared arrays."""
    return Distil(arrays, settings, init)
