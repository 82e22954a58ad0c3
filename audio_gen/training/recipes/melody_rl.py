"""Fine-tuning the melody network by theory: policy gradient, held near the network that it began as.

Data: arrays of kind "score"; `--init` is a melody network. Of each prompt (chords, key and place of eight real bars)
several melodies are drawn; each is compared with the mean of the others, the leave-one-out baseline of W. Kool et al.,
"Buy 4 REINFORCE samples, get a baseline for free!" (2019), and the divergence from the first network is a loss beside,
whose weight follows a target, as in D. Ziegler et al., "Fine-tuning language models from human preferences" (2019).
Rules are the files of `training/rewards`: how far a statistic is from the median of real music, in median deviations,
beyond the first, within which half of real music lies. N. Jaques et al. ("Tuning recurrent neural networks with
reinforcement learning", 2017) reward theory itself; that is met by drones. Rewarding the median alone made all melodies
alike: they were told from real ones in .92 of cases, where the network's own had been in .62.
"""

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import nn

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import ParameterError
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.checkpoint import build as rebuilt
from audio_gen.models.melody import FAMILY, MelodyNet, Told
from audio_gen.models.melody_pieces import MelodyPiece, batch_of
from audio_gen.models.melody_sampling import Singer, draw
from audio_gen.registry import names, pick
from audio_gen.training.melody_crops import MelodyCrops, melody_pieces
from audio_gen.training.note_trainee import NoteTrainee
from audio_gen.training.rewards._tune import tune_of

KIND = "score"
REWARDS = "audio_gen.training.rewards"
WORST = -4.0  # of one rule: one odd statistic shall not outweigh all others
SEEN = 1500  # real stretches that medians are learnt from
VALID = 96  # prompts


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`.

    Args:
        prompts, samples: of each step; so many melodies of each prompt.
        length: bars of a melody.
        divergence: nats a sixteenth from the first network that are aimed at.
    """

    steps: int = 150
    prompts: int = 16
    samples: int = 4
    length: int = 8
    divergence: float = 0.01
    rate: float = 1e-4
    warmup: int = 10
    decay: float = 0.0
    ema: float = 0.98
    clip: float = 1.0


class MelodyRl(NoteTrainee):
    """A policy, the network it began as, and rules."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        if init is None or init.family != FAMILY:
            raise ParameterError("melody_rl fine-tunes a melody network: give one with --init")
        if settings.samples < 2:
            raise ParameterError(f"samples must be 2 or more, to compare with each other, not {settings.samples}")
        net: MelodyNet = rebuilt(MelodyNet, init)
        self.labels = init.labels
        self.base = copy.deepcopy(net).requires_grad_(False)
        self.crops = MelodyCrops(replace(arrays, labels=init.labels), "train", any_style=0.2)
        self.valid = _stretches(melody_pieces(replace(arrays, labels=init.labels), "valid"), settings.length)[:VALID]
        self.rules = {name: pick(REWARDS, name).statistic for name in names(REWARDS)}
        seen = [self.crops.phrase(settings.length) for _ in range(SEEN)]
        self.usual = {name: _usual([rule(tune_of(one)) for one in seen]) for name, rule in self.rules.items()}
        super().__init__(arrays, settings, net.train(), FAMILY, init.config, None)
        self.weight = nn.Parameter(torch.tensor(0.1), requires_grad=False)  # of the divergence; kept with the run

    def setup(self, fabric: Fabric) -> None:
        super().setup(fabric)
        self.base.to(fabric.device)

    def modules(self) -> dict[str, nn.Module]:
        return {**super().modules(), "weight": nn.ParameterList([self.weight])}

    def step(self, step: int, progress: float) -> dict[str, float]:
        settings, device = self.settings, self.fabric.device
        prompts = [self.crops.phrase(settings.length) for _ in range(settings.prompts)]
        pieces = [piece for piece in prompts for _ in range(settings.samples)]
        net: Any = self.net  # without dropout: what is drawn and what is learnt from are one network
        tokens, told, there = self.sung(net.module, pieces)
        rewards = torch.tensor([sum(self.judged(piece).values()) for piece in with_tokens(pieces, tokens)])
        grouped = rewards.view(settings.prompts, settings.samples)
        others = (grouped.sum(1, keepdim=True) - grouped) / (settings.samples - 1)
        advantage = (grouped - others).flatten()
        advantage = (advantage / advantage.std().clamp_min(1e-3)).to(device)
        scores = F.log_softmax(net(tokens, told), -1)
        with torch.no_grad():
            first = F.log_softmax(self.base(tokens, told), -1)
        chosen = scores.gather(-1, tokens[..., None])[..., 0]
        apart = ((scores.exp() * (scores - first)).sum(-1) * there).sum() / there.sum()
        loss = -(advantage[:, None] * chosen * there).sum() / there.sum() + self.weight.to(device) * apart
        self.descend(loss, step, progress)
        excess = float(apart.detach()) / settings.divergence - 1
        self.weight.mul_(1 + 0.1 * max(-0.2, min(0.2, excess))).clamp_(1e-3, 100)
        return {"reward": float(rewards.mean()), "divergence": float(apart.detach()), "weight": float(self.weight)}

    def judged(self, piece: MelodyPiece) -> dict[str, float]:
        """What each rule gives a melody, 0 at best."""
        tune, found = tune_of(piece), {}
        for name, rule in self.rules.items():
            median, deviation = self.usual[name]
            value = rule(tune)
            away = 0.0 if np.isnan(value) else abs(value - median) / deviation
            found[name] = max(WORST, min(0.0, 1.0 - away))
        return found

    @torch.no_grad()
    def sung(self, net: MelodyNet, pieces: list[MelodyPiece]) -> tuple[torch.Tensor, Told, torch.Tensor]:
        """New tokens over what is told of these pieces."""
        _, told, there = batch_of(pieces)
        told = Told(*(part.to(self.fabric.device) for part in told))
        singer = Singer(net, told)
        for _ in range(told.chord.shape[1]):
            singer.sing(draw(singer.scores(), 1.0, 1.0, None))
        return singer.tokens, told, there.to(self.fabric.device)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean reward over prompts of the valid split, less what lies beyond the divergence that is aimed at."""
        net: Any = self.ema.module
        tokens, told, there = self.sung(net, self.valid)
        judged = [self.judged(piece) for piece in with_tokens(self.valid, tokens)]
        scores, first = F.log_softmax(net(tokens, told), -1), F.log_softmax(self.base(tokens, told), -1)
        apart = float((((scores.exp() * (scores - first)).sum(-1)) * there).sum() / there.sum())
        means = {name: float(np.mean([one[name] for one in judged])) for name in self.rules}
        score = sum(means.values()) - 10 * max(0.0, apart - 2 * self.settings.divergence)
        return {"score": score, "divergence": apart, **means}

    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        usual = {key: [round(number, 4) for number in pair] for key, pair in self.usual.items()}
        return replace(super().checkpoint(name, {**training, "usual": usual}), labels=self.labels)


def _usual(values: list[float]) -> tuple[float, float]:
    """Median, and median absolute deviation (at least a quarter of the mean one, where most are equal)."""
    told = np.array([value for value in values if not np.isnan(value)])
    if not len(told):
        return 0.0, 1.0
    median = float(np.median(told))
    away = np.abs(told - median)
    return median, max(float(np.median(away)), float(away.mean()) / 4, 1e-3)


def _stretches(pieces: list[MelodyPiece], bars: int) -> list[MelodyPiece]:
    """The pieces cut into so many bars each, what is left over at the end included."""
    return [piece.cut(at, bars * piece.bar) for piece in pieces for at in range(0, len(piece.tokens), bars * piece.bar)]


def with_tokens(pieces: list[MelodyPiece], tokens: torch.Tensor) -> list[MelodyPiece]:
    """The pieces with other tokens."""
    rows = tokens.cpu().numpy()
    return [replace(piece, tokens=row[: len(piece.tokens)]) for piece, row in zip(pieces, rows, strict=True)]


build = MelodyRl
