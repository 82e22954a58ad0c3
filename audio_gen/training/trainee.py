"""What all recipes of the classifier family share: settings, the network, its average, its optimiser."""

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
from audio_gen.errors import CheckpointError
from audio_gen.features.decibel_image import IMAGE_COLUMNS, IMAGE_SECONDS, SPEC
from audio_gen.metrics.calibration import fit_temperature
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.classifier import FAMILY, ClassifierNet, Prediction
from audio_gen.training.ema import Ema
from audio_gen.training.fit import cosine
from audio_gen.training.taught import Taught, squared_error

HEADS = ("classes.", "values.", "terms.", "tonality.", "tonal.")  # what is no part of the trunk
SPREAD = 0.5  # of the log temperature: a handful of tracks, all right, must not make it certain of everything


@dataclass(frozen=True)
class TraineeSettings:
    """Hyper-parameters of every recipe of this family; change them with `--set key=value`.

    Args:
        widths: channels of the residual blocks; a run that starts from a checkpoint has the checkpoint's.
        trunk: the share of the rate that all but the heads learn at; 0 keeps them as they are.
        lessons: weight of what is learnt beside, from a teacher's outputs on other music (`--lessons`).
    """

    steps: int = 3000
    batch: int = 32
    columns: int = 129
    widths: tuple[int, ...] = (48, 96, 128, 192)
    dropout: float = 0.3
    rate: float = 1e-3
    trunk: float = 1.0
    warmup: int = 100
    decay: float = 0.02
    strength: float = 1.0
    stretch: float = 0.1
    ema: float = 0.998
    lessons: float = 0.5


def window_seconds(columns: int) -> float:
    """Length of the audio that fills `columns` columns."""
    return columns * IMAGE_SECONDS / IMAGE_COLUMNS


class Trainee:
    """The network, its average and its optimiser: what every recipe of this family shares."""

    def __init__(
        self,
        arrays: Arrays,
        settings: Any,
        heads: dict[str, Any],
        labels: tuple[str, ...],
        init: Checkpoint | None,
        lessons: Arrays | None = None,
    ) -> None:
        self.settings, self.arrays = settings, arrays
        widths = settings.widths if init is None else init.config.get("widths", settings.widths)
        self.config = {**heads, "widths": list(widths)}
        self.net: Any = ClassifierNet(**self.config, dropout=settings.dropout)
        if init is not None:
            self._start_from(init, labels)
        self.taught = None if lessons is None else Taught(lessons, settings.columns)
        self.pupil: Any = None if self.taught is None else nn.Linear(self.net.classes.in_features, self.taught.width)
        self.lesson = torch.zeros(())
        self.ema = Ema(self.net, settings.ema)
        self.adam: Optimizer = AdamW(self._groups(), settings.rate, weight_decay=settings.decay)

    def _start_from(self, init: Checkpoint, labels: tuple[str, ...]) -> None:
        """The trunk of another classifier, and its heads if they are of the same labels; else the heads stay new."""
        if init.family != FAMILY:
            raise CheckpointError(f"can't start from {init.name!r}: it is of family {init.family!r}, not {FAMILY!r}")
        whole = init.labels == labels and {**self.config, **init.config} == self.config
        state = {key: value for key, value in init.state.items() if whole or not key.startswith(HEADS)}
        try:
            self.net.load_state_dict(state, strict=False)
            self.net.temperature.fill_(1.0)
        except RuntimeError as error:
            widths = f"{init.config.get('widths')}, not {self.config['widths']}"
            raise CheckpointError(f"can't start from {init.name!r}: its widths are {widths}") from error

    def _groups(self) -> list[dict[str, Any]]:
        """What learns at one rate, with its share of `rate`."""
        heads: list[nn.Parameter] = [] if self.pupil is None else list(self.pupil.parameters())
        trunk: list[nn.Parameter] = []
        for name, weight in self.net.named_parameters():
            (heads if name.startswith(HEADS) else trunk).append(weight)
        return [{"params": heads, "share": 1.0}, {"params": trunk, "share": self.settings.trunk}]

    def setup(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.net, self.adam = fabric.setup(self.net, self.adam)
        self.ema.module.to(fabric.device)
        if self.pupil is not None:
            self.pupil = fabric.setup_module(self.pupil)
            for method in ("features", "keys", "answer"):  # which are called apart where there are lessons
                self.net.mark_forward_method(method)

    def modules(self) -> dict[str, nn.Module]:
        beside = {} if self.pupil is None else {"pupil": self.pupil}
        return {"net": self.net, "ema": self.ema.module, **beside}

    def optimizers(self) -> dict[str, Optimizer]:
        return {"net": self.adam}

    def hear(self, pictures: torch.Tensor) -> Prediction:
        """What the network says of a batch; where there are lessons, as many pictures of them pass beside it.

        What they teach counts at the next `descend`. They pass together, so that batch normalisation sees both.
        """
        pictures = pictures.to(self.fabric.device)
        if self.taught is None:
            return self.net(pictures)  # type: ignore[no-any-return]
        count = len(pictures)
        others, truth = self.taught.draw(count, self.settings.stretch, self.settings.strength)
        others = F.pad(others.to(pictures), (0, 0, 0, pictures.shape[1] - others.shape[1]))  # the blocks hear no notes
        maps = self.net.features(torch.cat([pictures, others]))
        told = self.pupil(maps[count:].mean((-2, -1)))
        self.lesson = self.settings.lessons * squared_error(told, truth.to(pictures))
        return self.net.answer(maps[:count], self.net.keys(pictures))  # type: ignore[no-any-return]

    def descend(self, loss: torch.Tensor, step: int, progress: float) -> None:
        """One step of AdamW on `loss` (and the lesson heard before it), with warm-up and cosine, and of the average."""
        loss, self.lesson = loss + self.lesson, torch.zeros(())
        for group in self.adam.param_groups:
            rate = cosine(self.settings.rate, 0.0, progress) * group["share"]
            group["lr"] = rate * min(1.0, (step + 1) / self.settings.warmup)
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
                "name": "tonal_image" if self.arrays.kind == "tonal_image" else "decibel_image",
                "columns": self.settings.columns,
                "window_s": window_seconds(self.settings.columns),
            },
            labels=labels,
            training={**training, "settings": asdict(self.settings)},
            metrics={},
            licence=self.arrays.licence,
            state=self.ema.module.state_dict(),
        )
