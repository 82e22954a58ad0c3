"""evaluate: a classifier against a dataset's labels, every figure with its 95 % bootstrap interval over tracks."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.audio.decode import open_audio
from audio_gen.audio.synth import MIDI_EXTENSIONS
from audio_gen.datasets._item import Item
from audio_gen.errors import DatasetError, DecodeError
from audio_gen.features.decibel_image import from_uint8
from audio_gen.metrics.calibration import ece, ece_upper_band
from audio_gen.metrics.classification import accuracy, confusion_matrix, macro_f1, per_class_f1
from audio_gen.metrics.interval import Interval, bootstrap
from audio_gen.metrics.regression import concordance, pearson_r, rmse
from audio_gen.models.classifier import QUADRANTS, Verdict, combine, joined, windows
from audio_gen.pipelines.classify import WORDS, Classifier, batches
from audio_gen.pipelines.prepare import samples_of
from audio_gen.registry import pick

_log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float64]
BATCH = 16


@dataclass(frozen=True, eq=False)
class Heard:
    """One track's labels and what the model says of it."""

    item: Item
    verdict: Verdict


def evaluate_classifier(model: Classifier, dataset: str, root: Path, split: str) -> dict[str, Any]:
    """Figures of `model` on one split: `{"accuracy": {"value", "low", "high"}, ..., "details": {...}}`.

    A track that can't be read is left out, and counted in the details. Works on any split that lies there.

    Raises:
        DatasetError: the dataset or split isn't there, or has no label that the model knows.
    """
    items = pick("audio_gen.datasets", dataset).items(root, split)
    heard, failed = [], []
    for item in items:
        try:
            heard.append(Heard(item, verdict_of(model, item)))
        except DecodeError as error:
            _log.warning("left out: %s", error)
            failed.append(item.id)
    if not heard:
        raise DatasetError(f"none of the {len(items)} tracks of {dataset} {split} can be read; see {failed[0]}")
    emotion = model.labels == QUADRANTS
    figures, details = _emotion(heard) if emotion else _classes(heard, model.labels)
    if not figures:
        known = "valence and arousal, or quadrants" if emotion else ", ".join(model.labels)
        raise DatasetError(f"{dataset} {split} tells nothing that {model.checkpoint.name!r} predicts ({known})")
    about = {
        "model": model.checkpoint.name,
        "sha256": model.checkpoint.sha256,
        "dataset": dataset,
        "split": split,
        "tracks": len(heard),
        "failed": failed,
    }
    return {**{key: figure.to_dict() for key, figure in figures.items()}, "details": {**about, **details}}


@torch.no_grad()
def verdict_of(model: Classifier, item: Item) -> Verdict:
    """What the model says of one item: its picture, its audio, or its MIDI rendered with the default soundfont."""
    if item.image is not None:
        pictures = windows(from_uint8(torch.from_numpy(item.image)), model.picture.columns)
        return combine(model.net(pictures.to(model.device)), model.net)
    if item.path is None:
        raise DatasetError(f"{item.id} has neither audio nor a picture")
    rate = model.checkpoint.spec.sample_rate
    if item.path.suffix.lower() in MIDI_EXTENSIONS:
        return _together(model, [samples_of(item, rate)])
    with open_audio(item.path) as audio:
        return _together(model, audio.mono(rate))


def _together(model: Classifier, blocks: Iterable[torch.Tensor]) -> Verdict:
    predictions = [model.hear(batch) for batch in batches(iter(blocks), model.window, BATCH)]
    return combine(joined(predictions), model.net)


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
    truth = np.array([labels.index(str(one.item.label)) for one in known])
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
        "ece_band_95": ece_upper_band(probs),
        "scored": len(known),
    }
    return figures, details


def _emotion(heard: Sequence[Heard]) -> Figures:
    """Quadrant figures where quadrants are told; correlations where valence and arousal are."""
    figures: dict[str, Interval] = {}
    details: dict[str, Any] = {}
    names = {**{label: label for label in QUADRANTS}, **{word: label for label, word in WORDS.items()}}
    placed = [one for one in heard if one.item.label in names]
    if placed:
        truth = np.array([QUADRANTS.index(names[str(one.item.label)]) for one in placed])
        probs = _probs(placed)
        active, pleasant = ((probs[:, columns].sum(1) > 0.5).astype(int) for columns in ([0, 1], [0, 3]))
        figures["quadrant_accuracy"] = bootstrap(accuracy, truth, probs.argmax(1))
        figures["arousal_accuracy"] = bootstrap(accuracy, np.isin(truth, [0, 1]).astype(int), active)
        figures["valence_accuracy"] = bootstrap(accuracy, np.isin(truth, [0, 3]).astype(int), pleasant)
        figures["macro_f1"] = bootstrap(macro_f1, truth, probs.argmax(1))
        figures["ece"] = bootstrap(ece, probs, truth)
        details["confusion"] = confusion_matrix(truth, probs.argmax(1), len(QUADRANTS)).tolist()
        details["ece_band_95"] = ece_upper_band(probs)
    rated = [one for one in heard if {"valence", "arousal"} <= one.item.targets.keys()]
    if rated:
        values = np.array([one.verdict.values.tolist() for one in rated])
        for axis, name in ((1, "arousal"), (0, "valence")):
            truth = np.array([one.item.targets[name] for one in rated])
            figures[f"{name}_r"] = bootstrap(pearson_r, truth, values[:, axis])
            details[f"{name}_ccc"] = bootstrap(concordance, truth, values[:, axis]).to_dict()
            details[f"{name}_rmse"] = bootstrap(rmse, truth, values[:, axis]).to_dict()
    return figures, details


def _probs(heard: Sequence[Heard]) -> Floats:
    return np.array([one.verdict.probs.tolist() for one in heard])
