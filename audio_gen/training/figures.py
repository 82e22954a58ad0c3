"""Figures of a cross-validation: what models say of tracks that they never heard, against the tracks' labels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audio_gen.datasets._arrays import Track
from audio_gen.metrics.classification import accuracy, macro_f1
from audio_gen.metrics.interval import Interval, bootstrap
from audio_gen.metrics.regression import pearson_r
from audio_gen.models.classifier import QUADRANTS, Verdict

AXES = ("valence", "arousal")
Figure = dict[str, float | None]  # value, low, high


@dataclass(frozen=True, eq=False)
class Heard:
    """A track, the fold it lies in, and what a model that never heard this fold says of it."""

    track: Track
    fold: str
    verdict: Verdict


def measured(heard: Sequence[Heard], labels: tuple[str, ...]) -> dict[str, Interval]:
    """Figures by name with 95 % bootstrap intervals over tracks: those of emotion for quadrants, else of classes."""
    return {**_quadrants(heard), **_values(heard)} if labels == QUADRANTS else _classes(heard, labels)


def apart(
    heard: Sequence[Heard], labels: tuple[str, ...], key: Callable[[Heard], str]
) -> dict[str, dict[str, Figure | int]]:
    """`measured` and the number of tracks for each value of `key`, ready for JSON."""
    found: dict[str, dict[str, Figure | int]] = {}
    for name in dict.fromkeys(map(key, heard)):
        part = [one for one in heard if key(one) == name]
        figures = {figure: interval.to_dict() for figure, interval in measured(part, labels).items()}
        found[name] = {"tracks": len(part), **figures}
    return found


def prediction(one: Heard, labels: tuple[str, ...]) -> dict[str, Any]:
    """What is said of one track, ready for JSON."""
    told = {"id": one.track.id, "dataset": one.track.dataset, "fold": one.fold, "label": _label(one, labels)}
    return {**told, **dict(zip(AXES, one.verdict.values.tolist(), strict=False))}


def _label(one: Heard, labels: tuple[str, ...]) -> str:
    return labels[int(one.verdict.probs.argmax())]


def _classes(heard: Sequence[Heard], labels: tuple[str, ...]) -> dict[str, Interval]:
    truth = np.array([labels.index(one.track.label) for one in heard])
    told = np.array([labels.index(_label(one, labels)) for one in heard])
    return {"accuracy": bootstrap(accuracy, truth, told), "macro_f1": bootstrap(macro_f1, truth, told)}


def _quadrants(heard: Sequence[Heard]) -> dict[str, Interval]:
    placed = [one for one in heard if one.track.label in QUADRANTS]
    if not placed:
        return {}
    truth = np.array([QUADRANTS.index(one.track.label) for one in placed])
    probs = np.array([one.verdict.probs.tolist() for one in placed])
    figures = {"quadrant_accuracy": bootstrap(accuracy, truth, probs.argmax(1))}
    for axis, columns in (("arousal", [0, 1]), ("valence", [0, 3])):  # the quadrants above 0
        told = (probs[:, columns].sum(1) > 0.5).astype(int)
        figures[f"{axis}_accuracy"] = bootstrap(accuracy, np.isin(truth, columns).astype(int), told)
    return {**figures, "macro_f1": bootstrap(macro_f1, truth, probs.argmax(1))}


def _values(heard: Sequence[Heard]) -> dict[str, Interval]:
    rated = [one for one in heard if set(AXES) <= one.track.targets.keys()]
    if not rated:
        return {}
    truth = np.array([[one.track.targets[axis] for axis in AXES] for one in rated])
    told = np.array([one.verdict.values.tolist() for one in rated])
    figures = {f"{name}_r": bootstrap(pearson_r, truth[:, axis], told[:, axis]) for axis, name in enumerate(AXES)}
    return dict(reversed(figures.items()))
