"""The neural vocoder: spectra at many resolutions, and discriminators of waveforms for the last part.

Data: arrays of kind "waveform"; log-mels are computed from them on the way. Losses: multi-resolution STFT (R. Yamamoto
et al., ICASSP 2020), hinge and feature matching (HiFi-GAN, J. Kong et al., NeurIPS 2020).
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import nn
from torch.optim import AdamW, Optimizer

from audio_gen.datasets._arrays import Arrays
from audio_gen.features.log_mel import LogMel
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.vocoder import FAMILY, VocoderNet
from audio_gen.models.wave_discriminators import Judged, WaveDiscriminators
from audio_gen.training.ema import Ema
from audio_gen.training.fit import cosine
from audio_gen.training.losses import feature_matching, hinge_discriminator, hinge_generator, stft_distance
from audio_gen.training.waves import Waves

KIND = "waveform"
MARGIN = 8  # frames at either end of a piece that don't count: their surroundings are cut off
PIECES = 48  # of the validation split


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`.

    Args:
        frames: of a piece, its margins included.
        adversary: the share of the training after which the discriminators come in; 1 is never.
        corrupt: share of the pieces whose log-mel is disturbed, as a generator's is not quite a real one.
    """

    steps: int = 20000
    batch: int = 8
    frames: int = 48
    widths: tuple[int, ...] = (192, 576)
    blocks: int = 6
    prior: int = 16
    rate: float = 5e-4
    warmup: int = 300
    ema: float = 0.999
    adversary: float = 0.3
    channels: int = 12
    matching: float = 2.0
    spectra: float = 4.0
    corrupt: float = 0.3
    clip: float = 10.0


class Vocoder:
    """A generator from log-mel to waveform, and its discriminators."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        self.settings, self.arrays, spec = settings, arrays, arrays.spec
        self.log_mel = LogMel(spec)
        length = spec.hop_length * (settings.frames - 1)
        self.waves, valid = Waves(arrays, "train", length), Waves(arrays, "valid", length)
        places = [(k % len(valid.bounds), (k * 0.6180339) % 1) for k in range(PIECES)]
        self.valid = torch.stack([valid.piece(track, place) for track, place in places])
        self.config: dict[str, Any] = {
            "widths": list(settings.widths),
            "blocks": settings.blocks,
            "prior": settings.prior,
        }
        self.net: Any = VocoderNet(spec, **self.config)
        self._standardise()
        if init is not None:
            init.fill(self.net).train()
        self.judges: Any = WaveDiscriminators(width=settings.channels)
        self.ema = Ema(self.net, settings.ema)
        self.judged = 0  # the step that the discriminators last took part in
        betas = (0.8, 0.9)
        self.adam: Optimizer = AdamW(self.net.parameters(), settings.rate, betas)
        self.adam_judges: Optimizer = AdamW(self.judges.parameters(), settings.rate, betas)

    def _standardise(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            mel = self.log_mel(self.waves.draw(256))
        self.net.mean.copy_(mel.mean((0, 2))[:, None])
        self.net.std.copy_(mel.std((0, 2))[:, None].clamp_min(1e-3))

    def setup(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.net, self.adam = fabric.setup(self.net, self.adam)
        self.judges, self.adam_judges = fabric.setup(self.judges, self.adam_judges)
        self.ema.module.to(fabric.device)
        self.log_mel.to(fabric.device)

    def modules(self) -> dict[str, nn.Module]:
        return {"net": self.net, "judges": self.judges, "ema": self.ema.module}

    def optimizers(self) -> dict[str, Optimizer]:
        return {"net": self.adam, "judges": self.adam_judges}

    def step(self, step: int, progress: float) -> dict[str, float]:
        settings = self.settings
        for optimizer in (self.adam, self.adam_judges):
            for group in optimizer.param_groups:
                group["lr"] = cosine(settings.rate, 0.0, progress) * min(1.0, (step + 1) / settings.warmup)
        gain = torch.exp(-torch.rand(settings.batch, 1) * math.log(4))
        real = (self.waves.draw(settings.batch) * gain).to(self.fabric.device)
        with torch.no_grad():
            mel = corrupted(self.log_mel(real), settings.corrupt)
        fake = self._inside(self.net(mel))
        real = self._inside(real)
        judged = progress >= settings.adversary
        self.judged = step + 1 if judged else 0
        figures, wanted = self._judge(real, fake.detach()) if judged else ({}, [])
        loss = settings.spectra * stft_distance(fake, real)
        figures["spectra"] = loss.item()
        if judged:
            self.judges.requires_grad_(False)
            told = self.judges(fake)
            self.judges.requires_grad_(True)
            loss = loss + hinge_generator(told) + settings.matching * feature_matching(told, wanted)
        self.adam.zero_grad()
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.net, self.adam, max_norm=settings.clip)
        self.adam.step()
        self.ema.update(self.net, step)
        return {"loss": loss.item(), **figures}

    def _inside(self, samples: torch.Tensor) -> torch.Tensor:
        margin = MARGIN * self.arrays.spec.hop_length
        return samples[:, margin:-margin]

    def _judge(self, real: torch.Tensor, fake: torch.Tensor) -> tuple[dict[str, float], list[Judged]]:
        """One step of the discriminators; gives what they said of the real pieces before it."""
        wanted = self.judges(real)
        loss = hinge_discriminator(wanted, self.judges(fake))
        self.adam_judges.zero_grad()
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.judges, self.adam_judges, max_norm=self.settings.clip)
        self.adam_judges.step()
        return {"judges": loss.item()}, wanted

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Distance of spectra on fixed pieces of the valid split.

        Discriminators make sound better and this distance worse; so once they are there, the last average is kept.
        """
        net, device = self.ema.module, self.fabric.device
        real = self.valid.to(device)
        fake = torch.cat([net(self.log_mel(part)) for part in torch.split(real, 8)])
        distance = float(stft_distance(self._inside(fake), self._inside(real)))
        return {"score": float(self.judged) if self.judged else -distance, "distance": distance}

    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        return Checkpoint(
            name=name,
            family=FAMILY,
            config=self.config,
            spec=self.arrays.spec,
            front_end={"name": "log_mel"},
            labels=(),
            training={**training, "settings": asdict(self.settings)},
            metrics={},
            licence=self.arrays.licence,
            state=self.ema.module.state_dict(),
        )


def corrupted(mel: torch.Tensor, share: float) -> torch.Tensor:
    """`[B, n_mels, N]`: some with noise of up to 0.15 (natural logarithm) on them, or blurred over bands."""
    chosen = torch.rand(len(mel), 1, 1, device=mel.device)
    noise = 0.15 * torch.rand(len(mel), 1, 1, device=mel.device) * torch.randn_like(mel)
    blurred = F.avg_pool1d(mel.transpose(1, 2), 3, 1, 1, count_include_pad=False).transpose(1, 2)
    return torch.where(chosen < share / 2, mel + noise, torch.where(chosen < share, blurred, mel))


build = Vocoder
