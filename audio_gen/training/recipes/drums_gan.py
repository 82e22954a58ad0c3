"""The drum network taught further by a critic: a GAN of notes.

Generator: the LSTM of `drums_rnn`, which it has to begin as (`--init`): recurrent generators of notes don't learn from
a critic alone. It plays two bars on from two real ones, drawing straight through (`models/drum_rollout`). Critic: a
convolutional network, `critics` steps for each of the generator's, Wasserstein loss with gradient penalty (I. Gulrajani
et al., NeurIPS 2017). A share of the likelihood stays in the loss. Data: arrays of kind "score", in 4/4.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim import Adam, Optimizer

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import ParameterError
from audio_gen.metrics.generation import kernel_audio_distance
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.checkpoint import build as rebuilt
from audio_gen.models.drum_critic import DrumCritic
from audio_gen.models.drum_pieces import DrumBatch, batch_of
from audio_gen.models.drum_rnn import FAMILY, DrumRnnNet, nats
from audio_gen.models.drum_rollout import play_on
from audio_gen.training.drum_crops import DrumCrops
from audio_gen.training.note_trainee import NoteTrainee

KIND = "score"
KNOWN, STEPS = 32, 64  # sixteenths: two bars that are given, and two that are played
VALID = 512  # stretches


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`.

    Args:
        critics: steps of the critic for each of the generator.
        critic_rate: its learning rate.
        penalty: weight of its gradient penalty.
        likelihood: weight of a nat a sixteenth in the generator's loss.
        first: steps in which the critic learns alone.
    """

    steps: int = 600
    batch: int = 32
    critics: int = 5
    rate: float = 5e-5
    critic_rate: float = 3e-4
    penalty: float = 10.0
    likelihood: float = 0.5
    first: int = 60
    warmup: int = 20
    decay: float = 0.0
    ema: float = 0.99
    clip: float = 1.0


class DrumsGan(NoteTrainee):
    """Generator, its average, and critic."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        if init is None or init.family != FAMILY:
            raise ParameterError("drums_gan teaches a drum network further: give one of drums_rnn with --init")
        self.labels = init.labels
        arrays = replace(arrays, labels=init.labels)
        self.crops, self.valid = (DrumCrops(arrays, split, any_style=0.1) for split in ("train", "valid"))
        for crops in (self.crops, self.valid):
            crops.keep(lambda piece: piece.bar == KNOWN // 2 and len(piece.grid) >= STEPS)
        net: DrumRnnNet = rebuilt(DrumRnnNet, init)
        super().__init__(arrays, settings, net.train(), FAMILY, init.config, None)
        self.critic: Any = DrumCritic()
        self.critic_adam: Optimizer = Adam(self.critic.parameters(), settings.critic_rate, (0.5, 0.9))

    def setup(self, fabric: Fabric) -> None:
        super().setup(fabric)
        self.critic, self.critic_adam = fabric.setup(self.critic, self.critic_adam)

    def modules(self) -> dict[str, nn.Module]:
        return {**super().modules(), "critic": self.critic}

    def optimizers(self) -> dict[str, Optimizer]:
        return {**super().optimizers(), "critic": self.critic_adam}

    def step(self, step: int, progress: float) -> dict[str, float]:
        apart = [self._criticise() for _ in range(self.settings.critics)][-1]
        if step < self.settings.first:
            return {"apart": apart}
        real = self._draw(self.crops)
        net = self.net.module
        made = play_on(net, real, KNOWN)
        likely = nats(net(real), real.grid)
        cost = ((likely.hits + 0.3 * likely.velocity + 0.15 * likely.offset) * real.there).sum() / real.there.sum()
        loss = self.settings.likelihood * cost - self.critic(made, real.position).mean()
        self.descend(loss, step, progress)
        return {"loss": loss.item(), "apart": apart}

    def _draw(self, crops: DrumCrops) -> DrumBatch:
        batch = batch_of(crops.cuts(self.settings.batch, STEPS, on_bars=True), STEPS)
        return crops.hide_styles(batch).to(self.fabric.device)

    def _criticise(self) -> float:
        """One step of the critic; gives how far it holds real and made apart."""
        real = self._draw(self.crops)
        with torch.no_grad():
            made = play_on(self.net.module, real, KNOWN)
        share = torch.rand(len(made), 1, 1, 1, device=made.device)
        between = torch.lerp(real.grid, made, share).requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(between, real.position).sum(), between, create_graph=True)
        penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
        apart = self.critic(real.grid, real.position).mean() - self.critic(made, real.position).mean()
        self.critic_adam.zero_grad()
        self.fabric.backward(self.settings.penalty * penalty - apart)
        self.critic_adam.step()
        return float(apart.detach())

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Kernel distance between what is played on from valid stretches and how they go on."""
        batches = [self._draw(self.valid) for _ in range(VALID // self.settings.batch)]
        net: Any = self.ema.module
        made = torch.cat([play_on(net, batch, KNOWN)[:, KNOWN:] for batch in batches])
        real = torch.cat([batch.grid[:, KNOWN:] for batch in batches])
        distance = kernel_audio_distance(real.flatten(1).cpu().numpy(), made.flatten(1).cpu().numpy())
        return {"score": -distance, "distance": distance}

    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        return replace(super().checkpoint(name, training), labels=self.labels)


build = DrumsGan
