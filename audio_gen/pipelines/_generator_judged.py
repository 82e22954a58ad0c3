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
    scores = {name: inception_score(heard.probs) for name, heard in sets.items()}
    table: dict[str, Any] = {}
    for name in (*sets, SHUFFLED):
        table[name] = {"class_agreement": overall[name].to_dict()} if name in overall else {}
        table[name] |= {"inception_score": scores[name]} if name in scores else {}
    notes = [f"class_agreement: {SHUFFLED}"] if overall["real"].value <= overall[SHUFFLED].value else []
    notes += ["inception_score: pink_noise"] if scores["real"] <= scores["pink_noise"] else []
    rows = {label: _row(number, told, least) for number, label in enumerate(labels)}
    found = {"judged": {"misranked": ", ".join(notes), **table} if notes else table, "class_agreement_by_class": rows}
    for name in ("generated", "real", "other_real"):
        counts = confusion_matrix(told[name][1], told[name][0], len(labels)).tolist()
        found[f"confusion_{name}"] = {
            label: dict(zip(labels, row, strict=True)) for label, row in zip(labels, counts, strict=True)
        }
    return found, notes


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
