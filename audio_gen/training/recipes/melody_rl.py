"""Fine-tuning the melody network by theory: policy gradient, held near the network that it began as.

Data: arrays of kind "score"; `--init` is a melody network. Of each prompt (chords, key and place of eight real bars)
several melodies are drawn; each is compared with the mean of the others, the leave-one-out baseline of W. Kool et al.,
"Buy 4 REINFORCE samples, get a baseline for free!" (2019), and the divergence from the first network is a loss beside,
whose weight follows a target, as in D. Ziegler et al., "Fine-tuning language models from human preferences" (2019).
A change of the mean entropy is a loss too: without it the tunes became predictable.

Rules are the files of `training/rewards`. A melody gains log(share among real ones / share among this policy's) of the
bin that it falls in, so that the spread of a statistic is learnt and not its middle: the expected gain is the negative
divergence of the two spreads. (Gains as a share of what the divergence was at first moved less.) N. Jaques et al.
("Tuning recurrent neural networks with reinforcement learning", 2017) reward theory itself; that is met by drones.
Rewarding nearness to the median made all melodies alike: they were told from real ones in .92 of cases, where the
network's own had been in .62.
"""

import copy
from dataclasses import dataclass, replace
from typing import Any

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
from audio_gen.training.rewards._usual import Usual

KIND = "score"
REWARDS = "audio_gen.training.rewards"
MOST = 2.0  # nats of one rule: one odd statistic shall not outweigh all others
SEEN = 1500  # real stretches that spreads are learnt from
MEMORY = 0.95  # of the policy's spreads, from step to step
VALID, TURNS = 96, 4  # prompts, and melodies over each


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`.

    Args:
        prompts, samples: of each step; so many melodies of each prompt.
        length: bars of a melody.
        divergence: nats a sixteenth from the first network that are aimed at.
        entropy: weight of the squared change of the entropy, as a share of the first network's.
    """

    steps: int = 150
    prompts: int = 16
    samples: int = 4
    length: int = 8
    divergence: float = 0.01
    entropy: float = 2.0
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
        self.usual = {name: Usual(values) for name, values in self.judged(seen).items()}
        super().__init__(arrays, settings, net.train(), FAMILY, init.config, None)
        self.weight = nn.Parameter(torch.tensor(0.1), requires_grad=False)  # of the divergence; kept with the run
        shares = [torch.from_numpy(usual.shares.copy()) for usual in self.usual.values()]
        self.shares = nn.ParameterList(nn.Parameter(one, requires_grad=False) for one in shares)  # the policy's; kept

    def setup(self, fabric: Fabric) -> None:
        super().setup(fabric)
        self.base.to(fabric.device)
        tokens, told, there = self.sung(self.base, self.valid)
        self.surprise = float(entropy(F.log_softmax(self.base(tokens, told), -1), there))

    def modules(self) -> dict[str, nn.Module]:
        return {**super().modules(), "weight": nn.ParameterList([self.weight]), "shares": self.shares}

    def step(self, step: int, progress: float) -> dict[str, float]:
        settings, device = self.settings, self.fabric.device
        prompts = [self.crops.phrase(settings.length) for _ in range(settings.prompts)]
        pieces = [piece for piece in prompts for _ in range(settings.samples)]
        net: Any = self.net  # without dropout: what is drawn and what is learnt from are one network
        tokens, told, there = self.sung(net.module, pieces)
        rewards = self.rewards(with_tokens(pieces, tokens))
        grouped = rewards.view(settings.prompts, settings.samples)
        others = (grouped.sum(1, keepdim=True) - grouped) / (settings.samples - 1)
        advantage = (grouped - others).flatten()
        advantage = (advantage / advantage.std().clamp_min(1e-3)).to(device)
        scores = F.log_softmax(net(tokens, told), -1)
        with torch.no_grad():
            first = F.log_softmax(self.base(tokens, told), -1)
        chosen = scores.gather(-1, tokens[..., None])[..., 0]
        apart = ((scores.exp() * (scores - first)).sum(-1) * there).sum() / there.sum()
        change = entropy(scores, there) / self.surprise - 1
        gain = (advantage[:, None] * chosen * there).sum() / there.sum()
        held = self.weight.to(device) * apart + settings.entropy * change.square()
        self.descend(held - gain, step, progress)
        excess = float(apart.detach()) / settings.divergence - 1
        self.weight.mul_(1 + 0.1 * max(-0.2, min(0.2, excess))).clamp_(1e-3, 100)
        found = {"divergence": float(apart.detach()), "entropy": 1 + float(change.detach())}
        return {"reward": float(rewards.mean()), **found, "weight": float(self.weight)}

    def judged(self, pieces: list[MelodyPiece]) -> dict[str, list[float]]:
        """What each rule says of each melody."""
        tunes = [tune_of(piece) for piece in pieces]
        return {name: [rule(tune) for tune in tunes] for name, rule in self.rules.items()}

    def rewards(self, pieces: list[MelodyPiece]) -> torch.Tensor:
        """`[N]`, what all rules give each melody together; the policy's spreads take these in."""
        total = torch.zeros(len(pieces), dtype=torch.float64)
        for shares, (name, values) in zip(self.shares, self.judged(pieces).items(), strict=True):
            usual = self.usual[name]
            shares.lerp_(torch.from_numpy(usual.spread(values)), 1 - MEMORY)
            gain = (torch.from_numpy(usual.shares) / shares).log().clamp(-MOST, MOST)
            total += gain[torch.from_numpy(usual.bins(values))]
        return total.float()

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
        """Nats from real music's spreads over prompts of the valid split, and what lies beyond twice the divergence."""
        net: Any = self.ema.module
        tokens, told, there = self.sung(net, self.valid * TURNS)
        judged = self.judged(with_tokens(self.valid * TURNS, tokens))
        away = {name: self.usual[name].away(values) for name, values in judged.items()}
        scores, first = F.log_softmax(net(tokens, told), -1), F.log_softmax(self.base(tokens, told), -1)
        apart = float((((scores.exp() * (scores - first)).sum(-1)) * there).sum() / there.sum())
        score = -sum(away.values()) - 10 * max(0.0, apart - 2 * self.settings.divergence)
        return {"score": score, "divergence": apart, "entropy": float(entropy(scores, there)) / self.surprise, **away}

    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        usual = {name: round(one.median, 4) for name, one in self.usual.items()}
        return replace(super().checkpoint(name, {**training, "usual": usual}), labels=self.labels)


def entropy(scores: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """Mean nats of the distributions `[B, T, tokens]` (logarithms) where `there` `[B, T]` is 1."""
    return (-(scores.exp() * scores).sum(-1) * there).sum() / there.sum()


def _stretches(pieces: list[MelodyPiece], bars: int) -> list[MelodyPiece]:
    """The pieces cut into so many bars each, what is left over at the end included."""
    return [piece.cut(at, bars * piece.bar) for piece in pieces for at in range(0, len(piece.tokens), bars * piece.bar)]


def with_tokens(pieces: list[MelodyPiece], tokens: torch.Tensor) -> list[MelodyPiece]:
    """The pieces with other tokens."""
    rows = tokens.cpu().numpy()
    return [replace(piece, tokens=row[: len(piece.tokens)]) for piece, row in zip(pieces, rows, strict=True)]


build = MelodyRl
