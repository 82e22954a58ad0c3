"""How much of a classifier's accuracy is left when its pictures are changed against it."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.metrics.classification import accuracy
from audio_gen.metrics.interval import bootstrap
from audio_gen.models.attacks import error, fgsm
from audio_gen.models.classifier import Verdict
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.hearing import BATCH, verdict_over


def attacked_verdict(model: Classifier, pictures: torch.Tensor, label: int, epsilon: float) -> Verdict:
    """What the model says of `[K, rows, columns]` after FGSM against the true label on each of them.

    Args:
        model: it is attacked with its own gradient.
        pictures: of one track, relative decibels.
        label: the true class.
        epsilon: the largest change of any point, in decibels.
    """
    moved = []
    for part in torch.split(pictures.to(model.device), BATCH):
        truth = torch.full((len(part),), label, device=part.device)
        moved.append(fgsm(part, error(model.net, truth), epsilon))
    return verdict_over(model, torch.cat(moved))


def summary(trials: npt.NDArray[np.int64], epsilon: float) -> dict[str, Any]:
    """Accuracy with intervals over `[N, 3]` rows: a track's true class, the one told, the one told under attack."""
    truth, clean, attacked = trials.T
    told = {"clean_accuracy": clean, "attacked_accuracy": attacked}
    figures = {name: bootstrap(accuracy, truth, answers).to_dict() for name, answers in told.items()}
    return {"method": "fgsm", "epsilon_db": epsilon, "tracks": len(trials), **figures}
