"""The variational autoencoder of log-mels (Kingma & Welling, ICLR 2014).

Data: arrays of kind "log_mel"; tracks without a label count too. Loss: mean absolute difference of the standardised
log-mels, which is what a Laplace distribution's likelihood asks for, and the divergence of the latent numbers.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim import AdamW, Optimizer

from audio_gen.datasets._arrays import Arrays
from audio_gen.models.autoencoder import FAMILY, AutoencoderNet
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.training.augment import shift_bands
from audio_gen.training.crops import Stretches
from audio_gen.training.ema import Ema
from audio_gen.training.fit import cosine

KIND = "log_mel"
VALID = 200  # stretches of the valid split
MOST = 400  # stretches of a class that its sequences are learnt from


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`.

    Args:
        divergence: its weight; 0.08 · latent / (8 · n_mels) is what a Laplace of width 0.08 asks for.
    """

    steps: int = 6000
    batch: int = 32
    frames: int = 128
    widths: tuple[int, ...] = (256, 192, 128, 128)
    latent: int = 32
    rate: float = 1e-3
    warmup: int = 200
    ema: float = 0.998
    divergence: float = 0.0025
    augment: float = 0.3
    clip: float = 1.0


class Vae:
    """An autoencoder and its average."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        self.settings, self.arrays = settings, arrays
        self.stretches = Stretches(arrays, settings.frames, "train")
        self.classes = [Stretches(arrays, 4 * settings.frames, "train", label) for label in arrays.labels]
        self.valid = Stretches(arrays, settings.frames, "valid").spread(VALID)
        self.config: dict[str, Any] = {
            "classes": max(1, len(arrays.labels)),
            "n_mels": arrays.spec.n_mels,
            "widths": list(settings.widths),
            "latent": settings.latent,
        }
        self.net: Any = AutoencoderNet(**self.config)
        self.net.decoder.mean, self.net.decoder.std = self.stretches.statistics()
        if init is not None:
            init.fill(self.net).train()
        self.ema = Ema(self.net, settings.ema)
        self.adam: Optimizer = AdamW(self.net.parameters(), settings.rate, (0.9, 0.98))

    def setup(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.net, self.adam = fabric.setup(self.net, self.adam)
        self.net.mark_forward_method("encode")
        self.net.mark_forward_method("decode")
        self.ema.module.to(fabric.device)

    def modules(self) -> dict[str, nn.Module]:
        return {"net": self.net, "ema": self.ema.module}

    def optimizers(self) -> dict[str, Optimizer]:
        return {"net": self.adam}

    def step(self, step: int, progress: float) -> dict[str, float]:
        settings = self.settings
        for group in self.adam.param_groups:
            group["lr"] = cosine(settings.rate, 0.0, progress) * min(1.0, (step + 1) / settings.warmup)
        mel = self.ema.module.decoder.standardise(self.stretches.draw(settings.batch).to(self.fabric.device))
        mel = shift_bands(mel, settings.augment, most=1)
        posterior = self.net.encode(mel)
        difference = (self.net.decode(posterior.draw())[..., : mel.shape[-1]] - mel).abs().mean()
        divergence = posterior.divergence()
        loss = difference + settings.divergence * divergence
        self.adam.zero_grad()
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.net, self.adam, max_norm=settings.clip)
        self.adam.step()
        self.ema.update(self.net, step)
        return {"loss": loss.item(), "difference": difference.item()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Loss over stretches of the valid split, without noise in the latent numbers."""
        net = self.ema.module
        mel = net.decoder.standardise(self.valid.to(self.fabric.device))
        posterior = net.encode(mel)
        difference = float((net.decode(posterior.mean)[..., : mel.shape[-1]] - mel).abs().mean())
        divergence = float(posterior.divergence())
        score = -(difference + self.settings.divergence * divergence)
        return {"score": score, "difference": difference, "divergence": divergence}

    @torch.no_grad()
    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        net, device = self.ema.module, self.fabric.device
        for number, stretches in enumerate(self.classes):
            mels = net.decoder.standardise(stretches.spread(MOST).to(device))
            latents = [net.encode(part).mean.cpu() for part in torch.split(mels, 16)]
            net.learn_sequence(number, list(torch.cat(latents)))
        return Checkpoint(
            name=name,
            family=FAMILY,
            config=self.config,
            spec=self.arrays.spec,
            front_end={"name": "log_mel"},
            labels=self.arrays.labels,
            training={**training, "settings": asdict(self.settings)},
            metrics={},
            licence=self.arrays.licence,
            state=net.state_dict(),
        )


build = Vae
