"""A classifier over classes: genre, style, or a user's own labels.

Data: arrays of kind "image" with a label a track.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError
from audio_gen.metrics.classification import accuracy, macro_f1
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.training.adversarial import LATE, check, hardened_loss
from audio_gen.training.augment import mix, strengthen
from audio_gen.training.ensemble import Ensemble
from audio_gen.training.images import Images
from audio_gen.training.negatives import negatives
from audio_gen.training.trainee import Trainee, TraineeSettings

KIND = "image"
SEARCH = {
    "rate": ("log", 1e-4, 1e-2),
    "decay": ("log", 1e-3, 0.2),
    "dropout": ("linear", 0.0, 0.6),
    "strength": ("linear", 0.2, 1.5),
    "mixup": ("linear", 0.0, 0.6),
    "smoothing": ("linear", 0.0, 0.2),
}
# where labelled tracks are few (`training.defaults`): settings that stand unless told otherwise
FEW_TRACKS = {"steps": 400, "batch": 16, "warmup": 20, "ema": 0.98}
FINE_TUNING = {"steps": 200, "batch": 16, "warmup": 10, "ema": 0.98, "rate": 3e-3, "trunk": 0.1}


@dataclass(frozen=True)
class Settings(TraineeSettings):
    """Hyper-parameters; change them with `--set key=value`.

    Args:
        adversarial: "none", "fgsm" or "vat", in the last third of the training.
        epsilon: how far these attacks move a picture, in decibels.
        ensemble: share of the target that the checkpoints of `--ensemble` have; the labels have the rest.
        outliers: share of each batch that is no music (noise, tones, speech-like) and shown with no class.
    """

    mixup: float = 0.3
    smoothing: float = 0.1
    outliers: float = 0.08
    ensemble: float = 0.7
    adversarial: str = "none"
    epsilon: float = 1.0

    def __post_init__(self) -> None:
        check(self.adversarial, self.epsilon)


class Classifier(Trainee):
    """Cross-entropy with class balance, mixup and label smoothing.

    Args:
        arrays: prepared pictures with labels.
        settings: hyper-parameters.
        init: a checkpoint to start from.
        lessons: other arrays with a teacher's outputs, learnt beside.
        ensemble: checkpoints whose mean answer is learnt beside the labels.
    """

    def __init__(
        self,
        arrays: Arrays,
        settings: Settings,
        init: Checkpoint | None = None,
        lessons: Arrays | None = None,
        ensemble: Sequence[Checkpoint] = (),
    ) -> None:
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
        self.ensemble = Ensemble(ensemble, self.labels) if ensemble else None
        super().__init__(arrays, settings, {"classes": len(self.labels)}, self.labels, init, lessons)
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
        if self.ensemble:
            with self.fabric.autocast():
                told = torch.softmax(self.ensemble(pictures.to(self.fabric.device)).logits.float(), -1).cpu()
            targets = targets + settings.ensemble * (told - targets)
        outliers = round(len(pictures) * settings.outliers)
        if outliers:
            pictures[:outliers] = strengthen(negatives(outliers, *pictures.shape[1:]), settings.strength)
            targets[:outliers] = 1 / len(self.labels)
        device = self.fabric.device
        kind = settings.adversarial if progress >= LATE else "none"
        net = self.hear if kind == "none" else self.net  # no lessons while under attack
        loss = hardened_loss(kind, net, pictures.to(device), targets.to(device), settings.epsilon)
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


def knows(arrays: Arrays, number: int) -> bool:
    """Whether a track has a class."""
    return bool(arrays.tracks[number].label)


build = Classifier
