"""The report of a classifier over classes: how well it tells them, on what data, and how it came to be."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.atomic import replacing
from audio_gen.datasets._arrays import Arrays
from audio_gen.metrics.calibration import ece
from audio_gen.metrics.classification import accuracy, confusion_matrix, macro_f1, per_class_f1
from audio_gen.metrics.interval import bootstrap
from audio_gen.models.checkpoint import Checkpoint, build
from audio_gen.models.classifier import ClassifierNet
from audio_gen.training._report_page import page
from audio_gen.training.images import Images
from audio_gen.training.progress import Progress

MEASURED = ("valid", "test")
Labels = npt.NDArray[np.int64]
Probs = npt.NDArray[np.float32]


def class_report(made: Checkpoint, arrays: Arrays, progress: Progress, notes: Sequence[str] = ()) -> dict[str, Any]:
    """All figures of the report, ready for JSON; intervals are 95 %, by bootstrap over tracks.

    Args:
        made: a checkpoint of family "classifier".
        arrays: what it was trained on; tracks of "valid", and of "test" where there are any, are measured.
        progress: of its run, for the learning curve.
        notes: what is to be said of the data.
    """
    named = [track for track in arrays.tracks if track.label in made.labels]
    net = build(ClassifierNet, made)
    figures = {}
    for split in MEASURED:
        numbers = [n for n, t in enumerate(arrays.tracks) if t.split == split and t.label in made.labels]
        if numbers:
            figures[split] = _figures(net, made, arrays, numbers)
    sizes = Counter((track.split, track.label) for track in named)
    splits = sorted({track.split for track in named}, key=lambda name: ("train", *MEASURED, name).index(name))
    return {
        "schema": 1,
        "name": made.name,
        "labels": list(made.labels),
        "licence": made.licence,
        "tracks": {split: {label: sizes[split, label] for label in made.labels} for split in splits},
        "groups": {split: len({track.group for track in named if track.split == split}) for split in splits},
        "figures": figures,
        "training": made.training,
        "ended": progress.step,
        "curve": [{key: _finite(value) for key, value in point.items()} for point in progress.curve],
        "notes": list(notes),
    }


def write_report(folder: Path, report: dict[str, Any]) -> list[Path]:
    """Write `NAME.report.json` and `NAME.report.html`, each whole or not at all; gives their paths."""
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    paths = []
    for suffix, content in (("json", text), ("html", page(report))):
        paths.append(folder / f"{report['name']}.report.{suffix}")
        with replacing(paths[-1]) as part:
            part.write_bytes(content.encode("utf-8", "backslashreplace"))  # names may hold bytes that are no text
    return paths


def _figures(net: Any, made: Checkpoint, arrays: Arrays, numbers: Sequence[int]) -> dict[str, Any]:
    probs = _probs(net, made, arrays, numbers)
    truth = np.array([made.labels.index(arrays.tracks[n].label) for n in numbers])
    told = probs.argmax(1)
    classes = len(made.labels)
    return {
        "tracks": len(numbers),
        "accuracy": bootstrap(accuracy, truth, told).to_dict(),
        "macro_f1": bootstrap(macro_f1, truth, told).to_dict(),
        "ece": bootstrap(ece, probs, truth).to_dict(),
        "f1": {
            label: bootstrap(partial(_f1, number, classes), truth, told).to_dict()
            for number, label in enumerate(made.labels)
        },
        "confusion": confusion_matrix(truth, told, classes).tolist(),
        "predictions": [
            {
                "id": arrays.tracks[n].id,
                "true": made.labels[true],
                "told": made.labels[said],
                "prob": round(float(row[said]), 4),
            }
            for n, true, said, row in zip(numbers, truth.tolist(), told.tolist(), probs, strict=True)
        ],
    }


def _f1(number: int, classes: int, truth: Labels, told: Labels) -> float:
    return float(per_class_f1(truth, told, classes)[number])


def _probs(net: Any, made: Checkpoint, arrays: Arrays, numbers: Sequence[int]) -> Probs:
    images = Images(arrays, numbers, int(made.front_end["columns"]))
    return torch.stack([images.verdict(net, n, torch.device("cpu")).probs for n in numbers]).numpy()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
