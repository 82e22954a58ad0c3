"""Emotion: valence and arousal with their uncertainty, and the quadrant, from several datasets at once.

Data: arrays of kind "tonal_image". A track teaches what it knows: `valence` and `arousal` in its targets (weighted by
1 / (sd² + c) where raters' deviations are known), or a quadrant as its label (Q1 +V +A, Q2 -V +A, Q3 -V -A, Q4 +V -A),
which also tells the two signs. Words that listeners chose (the GEMS terms of Emotify) are learnt as shares.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError
from audio_gen.metrics.classification import accuracy
from audio_gen.metrics.regression import pearson_r
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.classifier import QUADRANTS, Prediction, quadrant_log_probs
from audio_gen.training.augment import strengthen
from audio_gen.training.ensemble import Ensemble
from audio_gen.training.images import Images
from audio_gen.training.losses import correlation_loss, soft_cross_entropy
from audio_gen.training.trainee import Trainee, TraineeSettings

KIND = "tonal_image"
SEARCH = {
    "rate": ("log", 1e-4, 3e-3),
    "decay": ("log", 1e-3, 0.2),
    "dropout": ("linear", 0.0, 0.6),
    "strength": ("linear", 0.2, 1.5),
    "smoothing": ("linear", 0.0, 0.2),
    "agreement": ("log", 0.01, 1.0),
}


@dataclass(frozen=True)
class Settings(TraineeSettings):
    """Hyper-parameters; change them with `--set key=value`."""

    batch: int = 48
    stretch: float = 0.03
    smoothing: float = 0.1
    agreement: float = 0.1  # c in the weight 1 / (sd² + c)
    quadrants: float = 1.0  # weight of the loss where quadrants are told
    words: float = 2.0  # weight of the terms' loss
    ensemble: float = 1.0  # weight of what the checkpoints of `--ensemble` say


# Geneva Emotional Music Scale, as Emotify asks for it; of its ninth, amazement, listeners agree too little
# (split-half reliability .31, the others .59 to .82)
TERMS = ("solemnity", "tenderness", "nostalgia", "calmness", "power", "joyful_activation", "tension", "sadness")

PROFILES = 8  # key profiles of `models.tonality`


class Emotion(Trainee):
    """One trunk; a softmax over quadrants, a Gaussian each for valence and arousal, and the share of each term.

    Args:
        arrays: prepared pictures with labels.
        settings: hyper-parameters.
        init: a checkpoint to start from.
        lessons: other arrays with a teacher's outputs, learnt beside.
        ensemble: checkpoints whose mean answer is learnt beside the labels.
    """

    def __init__(
        self,
        arrays: Arrays,
        settings: Settings,
        init: Checkpoint | None = None,
        lessons: Arrays | None = None,
        ensemble: Sequence[Checkpoint] = (),
    ) -> None:
        train, self.valid = ([n for n in arrays.chosen(split) if knows(arrays, n)] for split in ("train", "valid"))
        if not train or not self.valid:
            raise DatasetError(
                "training emotion needs tracks with valence and arousal, or with a label of Q1, Q2, Q3, Q4, in train "
                f"and valid; there are {len(train)} and {len(self.valid)}"
            )
        self.pools: list[list[list[int]]] = []
        for (_, placed), numbers in _by_set(arrays, train).items():
            strata: dict[str, list[int]] = defaultdict(list)
            for number in numbers:
                strata[arrays.tracks[number].label if placed else ""].append(number)
            self.pools.append(list(strata.values()))
        self.zeros = _zeros(arrays, train)
        heads: dict[str, Any] = {"classes": len(QUADRANTS), "dimensions": 2, "quadrants": True, "tonality": PROFILES}
        self.terms = TERMS if any(_tells_terms(arrays, n) for n in train) else ()
        if self.terms:
            heads["terms"] = list(self.terms)
        self.ensemble = Ensemble(ensemble, QUADRANTS) if ensemble else None
        super().__init__(arrays, settings, heads, QUADRANTS, init, lessons)
        self.images = Images(arrays, train + self.valid, settings.columns)

    def step(self, step: int, progress: float) -> dict[str, float]:
        share = max(2, self.settings.batch // len(self.pools))
        tracks = [track for strata in self.pools for track in _draw(strata, share)]
        clean = self.images.draw(tracks, self.settings.stretch)
        pictures = strengthen(clean, self.settings.strength)
        prediction = self.hear(pictures)
        means, log_variances = prediction.values.chunk(2, -1)
        loss = torch.zeros((), device=self.fabric.device)
        for begin in range(0, len(tracks), share):
            part = slice(begin, begin + share)
            if self.arrays.tracks[tracks[begin]].label in QUADRANTS:
                missed = self._quadrant_loss(tracks[part], prediction.logits[part], prediction.values[part])
                loss = loss + self.settings.quadrants * missed
            else:
                loss = loss + self._value_loss(tracks[part], means[part], log_variances[part])
        worded = [n for n, track in enumerate(tracks) if self.terms and _tells_terms(self.arrays, track)]
        if worded:
            loss = loss + self.settings.words * self._term_loss([tracks[n] for n in worded], prediction.terms[worded])
        loss = loss / len(self.pools)
        if self.ensemble:
            with self.fabric.autocast():
                told = self.ensemble(clean.to(self.fabric.device))  # so that the pupil learns what changes nothing
            loss = loss + self.settings.ensemble * _imitation_loss(prediction, told)
        self.descend(loss, step, progress)
        return {"loss": loss.item()}

    def _quadrant_loss(self, tracks: list[int], logits: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Both roads to a quadrant: the softmax, which helps the trunk, and the Gaussians, which are what is told."""
        numbers = torch.tensor([QUADRANTS.index(self.arrays.tracks[n].label) for n in tracks], device=logits.device)
        means, log_variances = values.chunk(2, -1)
        told = quadrant_log_probs(torch.cat([means, log_variances.detach()], -1))  # ratings alone teach the variance
        both = torch.cat([logits, told])
        return 2 * F.cross_entropy(both, numbers.repeat(2), label_smoothing=self.settings.smoothing)

    def _value_loss(self, tracks: list[int], means: torch.Tensor, log_variances: torch.Tensor) -> torch.Tensor:
        """How far the figures are from the ratings, each dataset's counted from its own zero."""
        targets = [self.arrays.tracks[n].targets for n in tracks]
        loss = torch.zeros((), device=means.device)
        for axis, name in enumerate(("valence", "arousal")):
            truth = torch.tensor([target[name] for target in targets], device=means.device)
            deviation = torch.tensor([target.get(f"{name}_sd", 0.3) for target in targets], device=means.device)
            weight = 1 / (deviation**2 + self.settings.agreement)
            weight = weight / weight.mean()
            mean, log_variance = means[:, axis], log_variances[:, axis].clamp(-6, 2)
            zero = torch.tensor([self.zeros[self.arrays.tracks[n].dataset][axis] for n in tracks], device=means.device)
            error = (mean - (truth - zero)) ** 2
            likelihood = 0.5 * (log_variance + error.detach() / log_variance.exp())
            loss = loss + correlation_loss(mean, truth, weight) + 2 * (weight * error).mean() + 0.2 * likelihood.mean()
        return loss

    def _term_loss(self, tracks: list[int], logits: torch.Tensor) -> torch.Tensor:
        shares = torch.tensor([[self.arrays.tracks[n].targets[term] for term in self.terms] for n in tracks])
        return F.binary_cross_entropy_with_logits(logits, shares.to(logits))

    def validate(self) -> dict[str, float]:
        net, device = self.ema.module, self.fabric.device
        net.temperature.fill_(1.0)  # probabilities as the network has them
        found: dict[str, float] = {}
        placed: list[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]] = []
        for (name, told_quadrants), numbers in _by_set(self.arrays, self.valid).items():
            verdicts = [self.images.verdict(net, n, device) for n in numbers]
            tracks = [self.arrays.tracks[n] for n in numbers]
            if told_quadrants:
                probs = torch.stack([verdict.probs for verdict in verdicts]).cpu().numpy()
                truth = np.array([QUADRANTS.index(track.label) for track in tracks])
                found[f"{name}_quadrant"] = accuracy(truth, probs.argmax(1))
                placed.append((probs, truth))
            else:
                values = torch.stack([verdict.values for verdict in verdicts]).cpu().numpy()
                for axis, target in enumerate(("valence", "arousal")):
                    reference = np.array([track.targets[target] for track in tracks])
                    found[f"{name}_{target}_r"] = pearson_r(reference, values[:, axis])
        if placed:
            self.calibrate(*map(np.concatenate, zip(*placed, strict=True)))
        defined = [value for value in found.values() if np.isfinite(value)]  # one rated track has no correlation
        return {"score": float(np.mean(defined)) if defined else math.nan, **found}

    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        return self.export(name, QUADRANTS, training)


def knows(arrays: Arrays, number: int) -> bool:
    """Whether a track tells anything about emotion."""
    track = arrays.tracks[number]
    return track.label in QUADRANTS or {"valence", "arousal"} <= track.targets.keys()


def _imitation_loss(prediction: Prediction, told: Prediction) -> torch.Tensor:
    """What an ensemble says of the pictures as they were: its figures, and where it puts the quadrant."""
    means, truth = prediction.values.chunk(2, -1)[0], told.values.chunk(2, -1)[0]
    return soft_cross_entropy(quadrant_log_probs(prediction.values), told.logits.exp()) + 4 * F.mse_loss(means, truth)


def _zeros(arrays: Arrays, train: list[int]) -> dict[str, tuple[float, float]]:
    """Valence and arousal that count as 0 in each rated dataset: its mean where quadrants beside it tell what 0 is.

    Raters' zeros differ: of game music the mean valence is .17, of Emotify's sums of shares .26, of quadrants 0.
    """
    sets = {name: numbers for (name, placed), numbers in _by_set(arrays, train).items() if not placed}
    if not any(arrays.tracks[n].label in QUADRANTS for n in train):
        return dict.fromkeys(sets, (0.0, 0.0))
    rated = {name: [arrays.tracks[n].targets for n in numbers] for name, numbers in sets.items()}
    return {
        name: (float(np.mean([t["valence"] for t in told])), float(np.mean([t["arousal"] for t in told])))
        for name, told in rated.items()
    }


def _tells_terms(arrays: Arrays, number: int) -> bool:
    return set(TERMS) <= arrays.tracks[number].targets.keys()


def _by_set(arrays: Arrays, numbers: list[int]) -> dict[tuple[str, bool], list[int]]:
    """Tracks by dataset and by whether they tell a quadrant."""
    found: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for number in numbers:
        track = arrays.tracks[number]
        found[track.dataset, track.label in QUADRANTS].append(number)
    return found


def _draw(strata: list[list[int]], count: int) -> list[int]:
    """`count` tracks, each stratum as often as the others."""
    chosen = (strata[int(torch.randint(len(strata), ()))] for _ in range(count))
    return [stratum[int(torch.randint(len(stratum), ()))] for stratum in chosen]


build = Emotion
