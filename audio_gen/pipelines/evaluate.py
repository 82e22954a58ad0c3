"""evaluate: a classifier against a dataset's labels, every figure with its 95 % bootstrap interval over tracks."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audio_gen.datasets._item import Item
from audio_gen.errors import DatasetError, DecodeError
from audio_gen.metrics.calibration import brier, coverage, ece, ece_upper_band, selective_accuracy
from audio_gen.metrics.classification import accuracy, confusion_matrix, macro_f1, per_class_f1
from audio_gen.metrics.interval import Interval, bootstrap
from audio_gen.metrics.regression import concordance, pearson_r, rmse
from audio_gen.models.classifier import QUADRANTS, Verdict
from audio_gen.pipelines import attack, robustness
from audio_gen.pipelines.classify import WORDS, Classifier
from audio_gen.pipelines.hearing import pictured, verdict_over, windows_of
from audio_gen.registry import pick

_log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float64]
CONFIDENT = 0.45  # where `classify --min-confidence` trades tracks for accuracy; the details tell how


@dataclass(frozen=True, eq=False)
class Heard:
    """One track's labels and what the model says of it: as it is, after changes by name, and when it is attacked."""

    item: Item
    verdict: Verdict
    changed: dict[str, Verdict] = field(default_factory=dict)
    attacked: Verdict | None = None


def evaluate_classifier(
    model: Classifier,
    dataset: str,
    root: Path,
    split: str,
    *,
    robust: bool = False,
    epsilon: float | None = None,
) -> dict[str, Any]:
    """Figures of `model` on one split: `{"accuracy": {"value", "low", "high"}, ..., "details": {...}}`.

    A track that can't be read is left out, and counted in the details. Works on any split that lies there.

    Args:
        model: what to measure.
        dataset: name of a dataset plug.
        root: where it lies.
        split: which part of it.
        robust: whether each track is also heard after each of `robustness.changes`: "robustness" in the details. No
            label is needed then.
        epsilon: also attack each track that has a label with FGSM, by so many decibels: "attacked" in the details.

    Raises:
        DatasetError: the dataset or split isn't there, or has no label that the model knows.
    """
    items = pick("audio_gen.datasets", dataset).items(root, split)
    heard, failed = [], []
    for item in items:
        try:
            heard.append(_hear(model, item, robust, epsilon))
        except DecodeError as error:
            _log.warning("left out: %s", error)
            failed.append(item.id)
    if not heard:
        raise DatasetError(f"none of the {len(items)} tracks of {dataset} {split} can be read; see {failed[0]}")
    emotion = model.labels == QUADRANTS
    figures, details = _emotion(heard, model.net.term_names) if emotion else _classes(heard, model.labels)
    if not figures and not robust:
        known = "valence and arousal, or quadrants" if emotion else ", ".join(model.labels)
        raise DatasetError(f"{dataset} {split} tells nothing that {model.checkpoint.name!r} predicts ({known})")
    if robust:
        changed = [one.changed for one in heard]
        details["robustness"] = robustness.summary([one.verdict for one in heard], changed, model.labels)
    if epsilon is not None:
        details["attacked"] = _attacked(heard, model.labels, epsilon)
    about = {
        "model": model.checkpoint.name,
        "sha256": model.checkpoint.sha256,
        "dataset": dataset,
        "split": split,
        "tracks": len(heard),
        "failed": failed,
    }
    return {**{key: figure.to_dict() for key, figure in figures.items()}, "details": {**about, **details}}


def _hear(model: Classifier, item: Item, robust: bool, epsilon: float | None) -> Heard:
    """One track, decoded once."""
    rate = model.checkpoint.spec.sample_rate
    clip = robustness.clip_of(item, rate) if robust else None
    windows = windows_of(model, item) if clip is None else pictured(model, [clip.to(rate).samples])
    label = class_of(item, model.labels)
    return Heard(
        item,
        verdict_over(model, windows),
        {} if clip is None else robustness.verdicts(model, clip),
        None if epsilon is None or label is None else attack.attacked_verdict(model, windows, label, epsilon),
    )


def class_of(item: Item, labels: tuple[str, ...]) -> int | None:
    """The true class, where the item tells one that is among `labels`; quadrants are known by their words too."""
    numbers = {label: number for number, label in enumerate(labels)}
    if labels == QUADRANTS:
        numbers |= {WORDS[label]: number for label, number in numbers.items()}
    return numbers.get(item.label or "")


def _attacked(heard: Sequence[Heard], labels: tuple[str, ...], epsilon: float) -> dict[str, Any]:
    trials = [
        (class_of(one.item, labels), int(one.verdict.probs.argmax()), int(one.attacked.probs.argmax()))
        for one in heard
        if one.attacked is not None
    ]
    if not trials:
        raise DatasetError(f"--attacked needs tracks whose label is one of {', '.join(labels)}; there is none")
    return attack.summary(np.array(trials), epsilon)


def _calibration(probs: Floats, truth: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Details of both kinds of model: whether the probabilities of `[N, K]` mean what they say."""
    return {
        "ece_band_95": ece_upper_band(probs),
        "brier": bootstrap(brier, probs, truth).to_dict(),
        f"coverage_{CONFIDENT}": bootstrap(partial(coverage, threshold=CONFIDENT), probs).to_dict(),
        f"accuracy_{CONFIDENT}": bootstrap(partial(selective_accuracy, threshold=CONFIDENT), probs, truth).to_dict(),
    }


Figures = tuple[dict[str, Interval], dict[str, Any]]


def _classes(heard: Sequence[Heard], labels: tuple[str, ...]) -> Figures:
    """Accuracy, macro F1 and ECE over tracks whose label the model knows; a table of all labels there are."""
    named = [one for one in heard if one.item.label]
    truths = tuple(dict.fromkeys(one.item.label for one in named if one.item.label))
    table = {truth: dict.fromkeys(labels, 0) for truth in truths}
    for one in named:
        table[str(one.item.label)][labels[int(one.verdict.probs.argmax())]] += 1
    known = [one for one in named if one.item.label in labels]
    if not known:
        return {}, {"confusion": table}
    truth = np.array([class_of(one.item, labels) for one in known])
    probs = _probs(known)
    figures = {
        "accuracy": bootstrap(accuracy, truth, probs.argmax(1)),
        "macro_f1": bootstrap(macro_f1, truth, probs.argmax(1)),
        "ece": bootstrap(ece, probs, truth),
    }
    f1 = per_class_f1(truth, probs.argmax(1), len(labels))
    details = {
        "confusion": table,
        "f1": {label: None if np.isnan(value) else float(value) for label, value in zip(labels, f1, strict=True)},
        **_calibration(probs, truth),
        "scored": len(known),
    }
    return figures, details


def _emotion(heard: Sequence[Heard], terms: Sequence[str]) -> Figures:
    """Quadrant figures where quadrants are told; correlations where valence and arousal are, and shares of terms."""
    figures: dict[str, Interval] = {}
    details: dict[str, Any] = {}
    placed = [one for one in heard if class_of(one.item, QUADRANTS) is not None]
    if placed:
        truth = np.array([class_of(one.item, QUADRANTS) for one in placed])
        probs = _probs(placed)
        active, pleasant = ((probs[:, columns].sum(1) > 0.5).astype(int) for columns in ([0, 1], [0, 3]))
        figures["quadrant_accuracy"] = bootstrap(accuracy, truth, probs.argmax(1))
        figures["arousal_accuracy"] = bootstrap(accuracy, np.isin(truth, [0, 1]).astype(int), active)
        figures["valence_accuracy"] = bootstrap(accuracy, np.isin(truth, [0, 3]).astype(int), pleasant)
        figures["macro_f1"] = bootstrap(macro_f1, truth, probs.argmax(1))
        figures["ece"] = bootstrap(ece, probs, truth)
        counts = confusion_matrix(truth, probs.argmax(1), len(QUADRANTS)).tolist()
        details["confusion"] = {
            label: dict(zip(QUADRANTS, row, strict=True)) for label, row in zip(QUADRANTS, counts, strict=True)
        }
        details |= _calibration(probs, truth)
    rated = [one for one in heard if {"valence", "arousal"} <= one.item.targets.keys()]
    if rated:
        values = np.array([one.verdict.values.tolist() for one in rated])
        for axis, name in ((1, "arousal"), (0, "valence")):
            truth = np.array([one.item.targets[name] for one in rated])
            figures[f"{name}_r"] = bootstrap(pearson_r, truth, values[:, axis])
            details[f"{name}_ccc"] = bootstrap(concordance, truth, values[:, axis]).to_dict()
            details[f"{name}_rmse"] = bootstrap(rmse, truth, values[:, axis]).to_dict()
        for number, term in enumerate(terms):
            pairs = [
                (one.item.targets[term], float(one.verdict.terms[number])) for one in rated if term in one.item.targets
            ]
            if pairs:
                details[f"{term}_r"] = bootstrap(pearson_r, *np.array(pairs).T).to_dict()
    return figures, details


def _probs(heard: Sequence[Heard]) -> Floats:
    return np.array([one.verdict.probs.tolist() for one in heard])
