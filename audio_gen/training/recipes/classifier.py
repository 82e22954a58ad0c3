"""A classifier over classes: genre, style, or a user's own labels.

Data: arrays of kind "image" with a label a track.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError
from audio_gen.metrics.classification import accuracy, macro_f1
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.training.augment import mix, strengthen
from audio_gen.training.images import Images
from audio_gen.training.losses import soft_cross_entropy
from audio_gen.training.trainee import Trainee, TraineeSettings

KIND = "image"


@dataclass(frozen=True)
class Settings(TraineeSettings):
    """Hyper-parameters; change them with `--set key=value`."""

    mixup: float = 0.3
    smoothing: float = 0.1


class Classifier(Trainee):
    """Cross-entropy with class balance, mixup and label smoothing."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        self.labels = arrays.labels
        named = {split: [n for n in arrays.chosen(split) if arrays.tracks[n].label] for split in ("train", "valid")}
        self.valid = named["valid"]
        self.by_class = [[n for n in named["train"] if arrays.tracks[n].label == label] for label in self.labels]
        empty = [label for label, found in zip(self.labels, self.by_class, strict=True) if not found]
        if empty or len(self.labels) < 2 or not self.valid:
            raise DatasetError(
                f"training needs two classes or more with tracks in both splits; there are {len(self.labels)} classes, "
                f"without a training track: {', '.join(empty) or 'none'}; validation tracks: {len(self.valid)}"
            )
        super().__init__(arrays, settings, {"classes": len(self.labels)}, init)
        self.images = Images(arrays, named["train"] + named["valid"], settings.columns)

    def step(self, step: int, progress: float) -> dict[str, float]:
        settings = self.settings
        labels = torch.randint(len(self.labels), (settings.batch,))
        tracks = [self.by_class[label][int(torch.randint(len(self.by_class[label]), ()))] for label in labels.tolist()]
        pictures = strengthen(self.images.draw(tracks, settings.stretch), settings.strength)
        targets = F.one_hot(labels, len(self.labels)).float()
        targets = targets * (1 - settings.smoothing) + settings.smoothing / len(self.labels)
        pictures, partner, share = mix(pictures, settings.mixup)
        targets = targets * share[:, None] + targets[partner] * (1 - share[:, None])
        device = self.fabric.device
        loss = soft_cross_entropy(self.net(pictures.to(device)).logits, targets.to(device))
        self.descend(loss, step, progress)
        return {"loss": loss.item()}

    def validate(self) -> dict[str, float]:
        net, device = self.ema.module, self.fabric.device
        net.temperature.fill_(1.0)  # probabilities as the network has them
        probs = torch.stack([self.images.verdict(net, n, device).probs for n in self.valid]).cpu().numpy()
        truth = torch.tensor([self.labels.index(self.arrays.tracks[n].label) for n in self.valid]).numpy()
        self.calibrate(probs, truth)
        found = {"accuracy": accuracy(truth, probs.argmax(1)), "macro_f1": macro_f1(truth, probs.argmax(1))}
        return {"score": found["macro_f1"], **found, "temperature": net.temperature.item()}

    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        return self.export(name, self.labels, training)


def build(arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> Classifier:
    """The recipe over prepared arrays."""
    return Classifier(arrays, settings, init)
