"""What all recipes over notes share: one network, its average, AdamW with warm-up and cosine, and the checkpoint."""

from dataclasses import asdict
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim import AdamW, Optimizer

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import CheckpointError
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.training.ema import Ema
from audio_gen.training.fit import cosine


class NoteTrainee:
    """A network that learns by descending one loss.

    Args:
        arrays: of kind "score".
        settings: a dataclass with `rate`, `warmup`, `decay`, `ema` and `clip`.
        net: the network.
        family: its name in checkpoints.
        config: what makes the network again.
        init: a checkpoint of the same family to start from.

    Raises:
        CheckpointError: `init` is of another family or shape.
    """

    def __init__(
        self,
        arrays: Arrays,
        settings: Any,
        net: nn.Module,
        family: str,
        config: dict[str, Any],
        init: Checkpoint | None,
    ) -> None:
        self.arrays, self.settings, self.family, self.config = arrays, settings, family, config
        self.net: Any = net
        if init is not None:
            if init.family != family:
                raise CheckpointError(
                    f"can't start from {init.name!r}: it is of family {init.family!r}, not {family!r}"
                )
            init.fill(net).train()
        self.ema = Ema(net, settings.ema)
        self.adam: Optimizer = AdamW(net.parameters(), settings.rate, (0.9, 0.99), weight_decay=settings.decay)

    def setup(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.net, self.adam = fabric.setup(self.net, self.adam)
        self.ema.module.to(fabric.device)

    def modules(self) -> dict[str, nn.Module]:
        return {"net": self.net, "ema": self.ema.module}

    def optimizers(self) -> dict[str, Optimizer]:
        return {"net": self.adam}

    def descend(self, loss: torch.Tensor, step: int, progress: float) -> None:
        """One step of AdamW on `loss`, and of the average."""
        for group in self.adam.param_groups:
            group["lr"] = cosine(self.settings.rate, 0.0, progress) * min(1.0, (step + 1) / self.settings.warmup)
        self.adam.zero_grad()
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.net, self.adam, max_norm=self.settings.clip)
        self.adam.step()
        self.ema.update(self.net, step)

    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        return Checkpoint(
            name=name,
            family=self.family,
            config=self.config,
            spec=self.arrays.spec,
            front_end={"name": "notes"},
            labels=self.arrays.labels,
            training={**training, "settings": asdict(self.settings)},
            metrics={},
            licence=self.arrays.licence,
            state=self.ema.module.state_dict(),
        )
