"""Distillation: the classifier's trunk learns what a teacher says of music without labels (Hinton et al., 2015).

Data: arrays of kind "image" with a teacher's outputs; datasets are drawn by the square root of their size. The result
is a start for other recipes, through `--init`.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.training.taught import Taught, squared_error
from audio_gen.training.trainee import Trainee, TraineeSettings

KIND = "image"
SEARCH = {
    "rate": ("log", 1e-4, 3e-3),
    "decay": ("log", 1e-3, 0.2),
    "dropout": ("linear", 0.0, 0.4),
    "strength": ("linear", 0.0, 1.2),
}


@dataclass(frozen=True)
class Settings(TraineeSettings):
    """Hyper-parameters; change them with `--set key=value`."""

    dropout: float = 0.1
    strength: float = 0.7
    stretch: float = 0.05


class Distil(Trainee):
    """Mean squared error to the teacher's outputs, each standardised over the training pictures."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        self.music = Taught(arrays, settings.columns)
        if len(self.music.rows["valid"]) < 2:
            raise DatasetError("distillation needs pictures that the teacher has heard in valid too")
        self.labels = tuple(f"teacher{number}" for number in range(self.music.width))
        super().__init__(arrays, settings, {"classes": self.music.width}, self.labels, init)

    def step(self, step: int, progress: float) -> dict[str, float]:
        settings, device = self.settings, self.fabric.device
        pictures, truth = self.music.draw(settings.batch, settings.stretch, settings.strength)
        loss = squared_error(self.net(pictures.to(device)).logits, truth.to(device))
        self.descend(loss, step, progress)
        return {"loss": loss.item()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Share of the variance of the teacher's outputs that the student explains, over whole pictures."""
        net, device = self.ema.module, self.fabric.device
        rows = self.music.rows["valid"]
        told = torch.stack([self.music.images.picture(net, row, device).logits.mean(0) for row in rows.tolist()])
        truth = self.music.targets(rows, torch.tensor([[0.0, 1.0]]).expand(len(rows), 2)).to(device)
        left = ((told - truth) ** 2).mean() / ((truth - truth.mean(0)) ** 2).mean()
        return {"score": 1 - float(left), "loss": float(F.mse_loss(told, truth))}

    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        return self.export(name, self.labels, training)


build = Distil
