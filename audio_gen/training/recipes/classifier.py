"""A classifier over classes: genre, style, or a user's own labels.

Data: arrays of kind "image" with a label a track.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import nn
from torch.optim import AdamW, Optimizer

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import CheckpointError, DatasetError
from audio_gen.features.decibel_image import SPEC
from audio_gen.metrics.calibration import fit_temperature
from audio_gen.metrics.classification import accuracy, macro_f1
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.classifier import FAMILY, ClassifierNet
from audio_gen.training.augment import mix, strengthen
from audio_gen.training.ema import Ema
from audio_gen.training.fit import cosine
from audio_gen.training.images import Images
from audio_gen.training.losses import soft_cross_entropy

KIND = "image"
SPREAD = 0.5  # of the log temperature: a handful of tracks, all right, must not make it certain of everything


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`."""

    steps: int = 3000
    batch: int = 32
    columns: int = 129
    widths: tuple[int, ...] = (48, 96, 128, 192)
    dropout: float = 0.3
    rate: float = 1e-3
    warmup: int = 100
    decay: float = 0.02
    mixup: float = 0.3
    smoothing: float = 0.1
    strength: float = 1.0
    stretch: float = 0.1
    ema: float = 0.998


def window_seconds(columns: int) -> float:
    """Length of the audio that fills `columns` columns: 30 s fill 387."""
    return columns * 30 / 387


class Trainee:
    """The network, its average and its optimiser: what every recipe of this family shares."""

    def __init__(self, arrays: Arrays, settings: Any, heads: dict[str, Any], init: Checkpoint | None) -> None:
        self.settings, self.arrays = settings, arrays
        self.config = {**heads, "widths": list(settings.widths)}
        self.net: Any = ClassifierNet(**self.config, dropout=settings.dropout)
        if init is not None:
            self._start_from(init)
        self.ema = Ema(self.net, settings.ema)
        self.adam: Optimizer = AdamW(self.net.parameters(), settings.rate, weight_decay=settings.decay)

    def _start_from(self, init: Checkpoint) -> None:
        """The trunk of another classifier; the heads stay new."""
        if init.family != FAMILY:
            raise CheckpointError(f"can't start from {init.name!r}: it is of family {init.family!r}, not {FAMILY!r}")
        trunk = {key: value for key, value in init.state.items() if not key.startswith(("classes.", "values."))}
        try:
            self.net.load_state_dict(trunk, strict=False)
        except RuntimeError as error:
            widths = f"{init.config.get('widths')}, not {self.config['widths']}"
            raise CheckpointError(f"can't start from {init.name!r}: its widths are {widths}") from error

    def setup(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.net, self.adam = fabric.setup(self.net, self.adam)
        self.ema.module.to(fabric.device)

    def modules(self) -> dict[str, nn.Module]:
        return {"net": self.net, "ema": self.ema.module}

    def optimizers(self) -> dict[str, Optimizer]:
        return {"net": self.adam}

    def descend(self, loss: torch.Tensor, step: int, progress: float) -> None:
        """One step of AdamW on `loss`, with warm-up and cosine, and of the average."""
        for group in self.adam.param_groups:
            group["lr"] = cosine(self.settings.rate, 0.0, progress) * min(1.0, (step + 1) / self.settings.warmup)
        self.adam.zero_grad()
        self.fabric.backward(loss)
        self.adam.step()
        self.ema.update(self.net, step)

    def calibrate(self, probs: npt.NDArray[np.float32], truth: npt.NDArray[np.int64]) -> None:
        """Fit the average's temperature to what it said of whole tracks, `[N, classes]` at a temperature of 1."""
        temperature = fit_temperature(np.log(probs.clip(1e-12)), truth, spread=SPREAD)
        self.ema.module.temperature.fill_(temperature)

    def export(self, name: str, labels: tuple[str, ...], training: dict[str, Any]) -> Checkpoint:
        """The averaged network as a checkpoint."""
        return Checkpoint(
            name=name,
            family=FAMILY,
            config=self.config,
            spec=SPEC,
            front_end={
                "name": "decibel_image",
                "columns": self.settings.columns,
                "window_s": window_seconds(self.settings.columns),
            },
            labels=labels,
            training={**training, "settings": asdict(self.settings)},
            metrics={},
            licence=self.arrays.licence,
            state=self.ema.module.state_dict(),
        )


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
