"""What a judge's verdicts say of a generator: how often the class that was asked for is heard, beside real music."""

from typing import Any

import numpy as np

from audio_gen.metrics.classification import confusion_matrix
from audio_gen.metrics.generation import inception_score
from audio_gen.metrics.interval import Interval, bootstrap
from audio_gen.pipelines._generator_ears import Floats, Heard, Whole

SHUFFLED = "shuffled_classes"


def judged(
    labels: tuple[str, ...], sets: dict[str, Heard], least: float, seed: int
) -> tuple[dict[str, Any], list[str]]:
    """Figures, and which of them misrank their controls.

    Args:
        labels: the classes, in the order of the probabilities.
        sets: "generated", "real", "other_real", "pink_noise".
        least: the agreement that is wanted, where real music reaches it.
        seed: of the classes' shuffling.
    """
    told = {name: (heard.probs.argmax(1), heard.labels, heard.tracks) for name, heard in sets.items()}
    real = sets["real"]
    told[SHUFFLED] = (told["real"][0], np.random.default_rng(seed).permutation(real.labels), real.tracks)
    del told["pink_noise"]
    overall = {name: _agreement(*one) for name, one in told.items()}
    rows = {label: _row(number, told, least) for number, label in enumerate(labels)}
    scores = {name: inception_score(sets[name].probs) for name in ("generated", "real", "other_real", "pink_noise")}
    marks = {"class_agreement": [SHUFFLED] if overall["real"].value <= overall[SHUFFLED].value else []}
    marks["inception_score"] = ["pink_noise"] if scores["real"] <= scores["pink_noise"] else []
    found: dict[str, Any] = {
        "class_agreement": {**_mark(marks["class_agreement"]), **{k: one.to_dict() for k, one in overall.items()}},
        "class_agreement_by_class": rows,
        "inception_score": {**_mark(marks["inception_score"]), **{k: {"value": v} for k, v in scores.items()}},
    }
    for name in ("generated", "real", "other_real"):
        counts = confusion_matrix(told[name][1], told[name][0], len(labels)).tolist()
        table = {label: dict(zip(labels, row, strict=True)) for label, row in zip(labels, counts, strict=True)}
        found[f"confusion_{name}"] = table
    return found, [f"{metric}: {control}" for metric, controls in marks.items() for control in controls]


def _mark(controls: list[str]) -> dict[str, str]:
    return {"misranked": ", ".join(controls)} if controls else {}


def _row(number: int, told: dict[str, tuple[Whole, Whole, Any]], least: float) -> dict[str, float | None]:
    """Agreement within one class."""
    rates = {
        name: float((answers[labels == number] == number).mean()) if (labels == number).any() else None
        for name, (answers, labels, _) in told.items()
    }
    real = rates["real"]
    return {"generated": rates["generated"], "wanted": least if real is None else min(least, real), **rates}


def _agreement(answers: Whole, labels: Whole, tracks: Any) -> Interval:
    """The share of clips heard as what they are, with its interval over tracks."""
    _, numbers = np.unique(tracks, return_inverse=True)
    right = np.bincount(numbers, answers == labels)
    return bootstrap(_share, right, np.bincount(numbers).astype(float))


def _share(right: Floats, clips: Floats) -> float:
    return float(right.sum() / clips.sum())
