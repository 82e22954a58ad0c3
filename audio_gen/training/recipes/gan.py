"""The spectrogram GAN: relativistic pairing with exact R1 and R2 penalties (R3GAN, Huang et al., NeurIPS 2024).

Data: arrays of kind "log_mel". The fake is detached once, in `Gan._discriminate`.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import nn
from torch.optim import Adam, Optimizer

from audio_gen.datasets._arrays import Arrays
from audio_gen.metrics.generation import kernel_audio_distance
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.discriminators import CRITIC, DiscriminatorNet
from audio_gen.models.generator import FAMILY, GeneratorNet, Noise
from audio_gen.training.augment import shift_bands
from audio_gen.training.crops import Crops
from audio_gen.training.ema import Ema
from audio_gen.training.fit import cosine
from audio_gen.training.losses import gradient_penalty, relativistic_discriminator, relativistic_generator

KIND = "log_mel"
VALID = 400  # crops of the valid split


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`."""

    steps: int = 5000
    batch: int = 32
    frames: int = 128
    widths: tuple[int, ...] = (256, 192, 128, 128)
    rate: float = 3e-4
    rate_end: float = 1e-4
    gamma: float = 1.0
    gamma_end: float = 0.1
    ema: float = 0.998
    augment: float = 0.3
    one_shot: bool = False  # each track is one sound that begins with the clip (a drum), not a piece of music
    quietest: float = -45.0  # crops below this level against the loudest crops (dB) are passed over


def augment(x: torch.Tensor, chance: float) -> torch.Tensor:
    """Gain ± 0.1 and a shift of up to one band, each with `chance`; for real and generated clips; differentiable."""
    gain = (torch.rand(len(x), 1, 1, device=x.device) - 0.5) * 0.2
    x = x + gain * (torch.rand(len(x), 1, 1, device=x.device) < chance)
    return shift_bands(x, chance, most=1)


class Gan:
    """Two networks, two optimisers, two verbs: discriminate, generate."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        self.settings, self.arrays = settings, arrays
        self.crops = Crops(arrays, settings.frames, settings.quietest, one_shot=settings.one_shot)
        rest = Crops(arrays, settings.frames, settings.quietest, one_shot=settings.one_shot, split="valid")
        self.valid = rest.spread(VALID)
        n_mels, classes = arrays.spec.n_mels, len(arrays.labels)
        length = settings.frames if settings.one_shot else 0
        self.generator: Any = GeneratorNet(classes, n_mels, settings.widths, length=length)
        self.discriminator: Any = DiscriminatorNet(classes, n_mels, settings.widths[::-1], length=length)
        self.generator.mean, self.generator.std = self.crops.statistics()
        if init is not None:
            init.without(CRITIC).fill(self.generator).train()
            if (judged := init.part(CRITIC)).state:
                judged.fill(self.discriminator).train()
        self.ema = Ema(self.generator, settings.ema)
        betas = (0.0, 0.9)
        self.adam_g: Optimizer = Adam(self.generator.parameters(), settings.rate, betas)
        self.adam_d: Optimizer = Adam(self.discriminator.parameters(), settings.rate, betas)

    def setup(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.generator, self.adam_g = fabric.setup(self.generator, self.adam_g)
        self.discriminator, self.adam_d = fabric.setup(self.discriminator, self.adam_d)
        self.ema.module.to(fabric.device)

    def modules(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "discriminator": self.discriminator, "ema": self.ema.module}

    def optimizers(self) -> dict[str, Optimizer]:
        return {"generator": self.adam_g, "discriminator": self.adam_d}

    def step(self, step: int, progress: float) -> dict[str, float]:
        settings = self.settings
        for optimizer in (self.adam_g, self.adam_d):
            for group in optimizer.param_groups:
                group["lr"] = cosine(settings.rate, settings.rate_end, progress)
                group["betas"] = (0.0, cosine(0.9, 0.99, progress))
        real, labels = self.crops.draw(settings.batch)
        device = self.fabric.device
        classes = F.one_hot(labels, len(self.arrays.labels)).float().to(device)
        real = self.ema.module.standardise(real.to(device))
        fake = self.generator(self._noise(len(real)), classes[..., None], settings.frames)
        figures = self._discriminate(real, fake, classes, cosine(settings.gamma, settings.gamma_end, progress))
        figures |= self._generate(real, fake, classes)
        self.ema.update(self.generator, step)
        return figures

    def _noise(self, count: int) -> Noise:
        drawn = self.ema.module.draw(self.settings.frames, count)
        return Noise(*(part.to(self.fabric.device) for part in drawn))

    def _discriminate(
        self, real: torch.Tensor, fake: torch.Tensor, classes: torch.Tensor, gamma: float
    ) -> dict[str, float]:
        chance = self.settings.augment
        x_real = augment(real, chance).detach().requires_grad_(True)
        x_fake = augment(fake, chance).detach().requires_grad_(True)
        on_real, on_fake = self.discriminator(x_real, classes), self.discriminator(x_fake, classes)
        loss = relativistic_discriminator(on_real, on_fake)
        r1, r2 = gradient_penalty(on_real, x_real), gradient_penalty(on_fake, x_fake)
        self.adam_d.zero_grad()
        self.fabric.backward(loss + gamma / 2 * (r1 + r2))
        self.adam_d.step()
        return {"d_loss": loss.item(), "r1": r1.item(), "r2": r2.item()}

    def _generate(self, real: torch.Tensor, fake: torch.Tensor, classes: torch.Tensor) -> dict[str, float]:
        chance = self.settings.augment
        self.discriminator.requires_grad_(False)
        on_fake = self.discriminator(augment(fake, chance), classes)
        with torch.no_grad():
            on_real = self.discriminator(augment(real, chance), classes)
        loss = relativistic_generator(on_real, on_fake)
        self.adam_g.zero_grad()
        self.fabric.backward(loss)
        self.adam_g.step()
        self.discriminator.requires_grad_(True)
        return {"g_loss": loss.item(), "fake_std": float(fake.detach().std(0).mean())}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Kernel audio distance (x 100) between log-mels in patches of 4 bands and 16 frames, generated and valid.

        The generated clips are of the valid ones' classes and always of the same noise.
        """
        net, device = self.ema.module, self.fabric.device
        real, labels = (part.to(device) for part in self.valid)
        classes = F.one_hot(labels, len(self.arrays.labels)).float()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            noise = self._noise(len(labels))
        fake = net(noise, classes[..., None], self.settings.frames).clamp(-1, 1)
        distance = kernel_audio_distance(_patches(net.standardise(real)), _patches(fake))
        return {"score": -distance, "kad": distance}

    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        net = self.ema.module
        config = {"classes": net.classes, "n_mels": self.arrays.spec.n_mels, "widths": list(self.settings.widths)}
        if net.length:
            config["length"] = net.length
        judged = {CRITIC + key: value for key, value in self.discriminator.state_dict().items()}
        return Checkpoint(
            name=name,
            family=FAMILY,
            config=config,
            spec=self.arrays.spec,
            front_end={"name": "log_mel"},
            labels=self.arrays.labels,
            training={**training, "settings": asdict(self.settings)},
            metrics={},
            licence=self.arrays.licence,
            state={**net.state_dict(), **judged},
        )


def _patches(x: torch.Tensor) -> Any:
    return F.avg_pool2d(x[:, None], (4, 16), ceil_mode=True).flatten(1).cpu().numpy()


def build(arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> Gan:
    """The recipe over prepared arrays."""
    return Gan(arrays, settings, init)
