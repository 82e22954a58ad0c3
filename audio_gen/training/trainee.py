"""What all recipes of the classifier family share: settings, the network, its average, its optimiser."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim import AdamW, Optimizer

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import CheckpointError
from audio_gen.features.decibel_image import IMAGE_COLUMNS, IMAGE_SECONDS, SPEC
from audio_gen.metrics.calibration import fit_temperature
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.classifier import FAMILY, ClassifierNet
from audio_gen.training.ema import Ema
from audio_gen.training.fit import cosine

SPREAD = 0.5  # of the log temperature: a handful of tracks, all right, must not make it certain of everything


@dataclass(frozen=True)
class TraineeSettings:
    """Hyper-parameters of every recipe of this family; change them with `--set key=value`."""

    steps: int = 3000
    batch: int = 32
    columns: int = 129
    widths: tuple[int, ...] = (48, 96, 128, 192)
    dropout: float = 0.3
    rate: float = 1e-3
    warmup: int = 100
    decay: float = 0.02
    strength: float = 1.0
    stretch: float = 0.1
    ema: float = 0.998


def window_seconds(columns: int) -> float:
    """Length of the audio that fills `columns` columns."""
    return columns * IMAGE_SECONDS / IMAGE_COLUMNS


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
