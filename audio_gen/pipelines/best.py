"""best: several takes of one clip, and which of them is kept."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch

from audio_gen.audio.clip import Clip
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.discriminators import DiscriminatorNet, critic
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.generate import Generated, Generator, Wish, sound
from audio_gen.pipelines.hearing import verdict_of
from audio_gen.pipelines.mix import shares
from audio_gen.pipelines.vocoder import Vocoder

LONGEST = 600.0  # seconds of a clip of which several takes are made
QUIET = 0.001  # root mean square of 50 ms that counts as silent
MOST_SILENT = 0.5  # share of a clip of music


@dataclass(frozen=True)
class Score:
    """What is thought of one take.

    Args:
        take: its number.
        agreement: probability, by a classifier, of what was asked for (of a mixture: weighted by its shares).
        critic: mean logit of the discriminator that the generator was trained with; higher is more like music.
        silent: share of it that is silent.
        sane: whether it is finite, not silent for too long, and not all one sample value.
    """

    take: int
    agreement: float | None
    critic: float | None
    silent: float
    sane: bool


class Jury:
    """Judges takes by a classifier, by the discriminator and by simple checks of the signal.

    Args:
        generator: whose clips are judged.
        vocoder: that makes them sound.
        judge: a classifier over the generator's labels; None leaves that part out.
    """

    def __init__(self, generator: Generator, vocoder: Vocoder, judge: Classifier | None) -> None:
        if judge is not None and not set(generator.labels) <= set(judge.labels):
            raise CheckpointError(f"judge {judge.checkpoint.name!r} knows {judge.labels}, not {generator.labels}")
        self.generator, self.vocoder, self.judge = generator, vocoder, judge
        self.critic: DiscriminatorNet | None = critic(generator.checkpoint)

    def best_of(self, wish: Wish, count: int) -> tuple[Generated, list[Score]]:
        """The take with the best mean rank by classifier and discriminator among the sane ones, and all scores.

        Raises:
            ParameterError: fewer than one take, or a clip of more than ten minutes.
        """
        if count < 1 or (wish.seconds or 0) > LONGEST:
            raise ParameterError(f"takes are 1 or more, of clips of at most {LONGEST:g} s, not {count}, {wish.seconds}")
        takes = [_held(self.generator.make(replace(wish, take=take))) for take in range(count)]
        scores = [self.score(item, take) for take, item in enumerate(takes)]
        return takes[chosen(scores)], scores

    @torch.no_grad()
    def score(self, item: Generated, take: int = 0) -> Score:
        """What is thought of one clip."""
        mel = item.mel
        if not bool(torch.isfinite(mel).all()):
            return Score(take, None, None, 1.0, False)
        samples = sound(item, self.vocoder).samples
        size = max(1, self.vocoder.spec.sample_rate // 20)
        levels = samples[0].unfold(0, min(size, samples.shape[1]), size).square().mean(1).sqrt()
        silent = float((levels < QUIET).float().mean())
        sane = bool(samples.max() > samples.min()) and (silent <= MOST_SILENT or bool(self.generator.net.length))
        return Score(take, self._agreement(item, samples), self._critic(item, mel), silent, sane)

    def _agreement(self, item: Generated, samples: torch.Tensor) -> float | None:
        if self.judge is None:
            return None
        probs = verdict_of(self.judge, Clip(samples, self.vocoder.spec.sample_rate)).probs
        wanted = shares(item.label, self.generator.labels)
        return sum(share * float(probs[self.judge.labels.index(label)]) for label, share in wanted.items())

    def _critic(self, item: Generated, mel: torch.Tensor) -> float | None:
        if self.critic is None:
            return None
        net, frames = self.generator.net, int(self.generator.checkpoint.training.get("settings", {}).get("frames", 128))
        if mel.shape[1] < frames:
            return None
        parts = net.standardise(mel.to(self.generator.device)).cpu().unfold(1, frames, frames).transpose(0, 1)
        asked = self.generator.classes(item.label)[..., 0].expand(len(parts), -1)
        return float(self.critic(parts, asked).mean())


def _held(item: Generated) -> Generated:
    """The same, its log-mel made now and kept: it is judged, made to sound, and delivered."""
    mel = item.mel
    return replace(item, pieces=lambda: iter([mel]))


def chosen(scores: list[Score]) -> int:
    """Which of them is best: the sane one of the best mean rank; of equal ones the first; if none is sane, of all."""
    able = [score for score in scores if score.sane] or scores
    ranks = dict.fromkeys((score.take for score in able), 0.0)
    for name in ("agreement", "critic"):
        told = [score for score in able if getattr(score, name) is not None]
        values: list[Any] = sorted((getattr(score, name) for score in told), reverse=True)
        for score in told:
            ranks[score.take] += values.index(getattr(score, name))
    return min(ranks, key=lambda take: (ranks[take], take))


def judge_for(generator: Generator) -> Classifier | None:
    """A classifier by name whose labels are the generator's; None where there is none."""
    for path in checkpoint.available():
        with suppress(CheckpointError):  # a damaged one judges nothing
            found = checkpoint.load(path)
            if found.family == "classifier" and set(found.labels) == set(generator.labels):
                return Classifier(found)
    return None
