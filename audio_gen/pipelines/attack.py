"""How much of a classifier's accuracy is left when its pictures are changed against it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.metrics.classification import accuracy
from audio_gen.metrics.interval import bootstrap
from audio_gen.models.attacks import error, fgsm
from audio_gen.models.classifier import Verdict
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.hearing import verdict_over
from audio_gen.pipelines.listening import CPU_BATCH
from audio_gen.pipelines.windows import Window


def attacked_verdict(model: Classifier, windows: Sequence[Window], label: int, epsilon: float) -> Verdict:
    """What the model says of one track after FGSM against the true label on each of its windows.

    Args:
        model: it is attacked with its own gradient.
        windows: of the track, in relative decibels.
        label: the true class.
        epsilon: the largest change of any point, in decibels.
    """
    moved: list[Window] = []
    for first in range(0, len(windows), CPU_BATCH):
        part = windows[first : first + CPU_BATCH]
        pictures = torch.stack([window.picture for window in part]).to(model.device)
        truth = torch.full((len(part),), label, device=model.device)
        changed = fgsm(pictures, error(model.net, truth), epsilon)
        moved += [window._replace(picture=picture) for window, picture in zip(part, changed, strict=True)]
    return verdict_over(model, moved)


def summary(trials: npt.NDArray[np.int64], epsilon: float) -> dict[str, Any]:
    """Accuracy with intervals over `[N, 3]` rows: a track's true class, the one told, the one told under attack."""
    truth, clean, attacked = trials.T
    told = {"clean_accuracy": clean, "attacked_accuracy": attacked}
    figures = {name: bootstrap(accuracy, truth, answers).to_dict() for name, answers in told.items()}
    return {"method": "fgsm", "epsilon_db": epsilon, "tracks": len(trials), **figures}
