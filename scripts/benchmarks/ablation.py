"""What each part of the genre recipe is worth: the recipe without it, several seeds, the last step's network.

    scripts/bench ablation --init runs/new/trunk.safetensors --data runs/genre.npz    # both made by scripts/retrain

Accuracy on valid, the mean over seeds, and with attacks on the training also under attack (FGSM, 1 dB). A run that is
done is kept in `runs/ablation` and not done again.
"""

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import torch
from _measure import publish

from audio_gen.datasets._arrays import Arrays, load_arrays
from audio_gen.features.decibel_image import from_uint8
from audio_gen.metrics.classification import accuracy
from audio_gen.models import checkpoint
from audio_gen.models.classifier import ClassifierNet, Prediction, combine, windows
from audio_gen.pipelines.attack import attacked_verdict
from audio_gen.pipelines.classify import Classifier
from audio_gen.training.images import Images
from audio_gen.training.train import Plan, fitted

RUNS = Path("runs/ablation")
EPSILON = 1.0  # dB
BASE = ("steps=400", "batch=24", "trunk=0.3")


@dataclass(frozen=True)
class Way:
    """The recipe with something changed: its settings, or a function of `audio_gen` that does nothing."""

    settings: tuple[str, ...] = ()
    idle: str = ""
    trunk: bool = True
    attacked: bool = False


WAYS = {
    "all of it": Way(attacked=True),
    "no trunk": Way(trunk=False),
    "trunk frozen": Way(("trunk=0",)),
    "no augmentation": Way(("strength=0", "mixup=0", "stretch=0")),
    "no SpecAugment": Way(idle="mask"),
    "no EQ": Way(idle="equalise"),
    "no low-pass": Way(idle="low_pass"),
    "no noise": Way(idle="noise_floor"),
    "no rooms": Way(idle="room"),
    "no combs": Way(idle="comb"),
    "no shift of bands": Way(idle="shift_bands"),
    "no change of speed": Way(("stretch=0",)),
    "no mixup": Way(("mixup=0",)),
    "no smoothing": Way(("smoothing=0",)),
    "no EMA": Way(("ema=0",)),
    "no outliers": Way(("outliers=0",)),
    "no dropout": Way(("dropout=0",)),
    "windows of 20 s": Way(("columns=258",)),
    "whole clips, no crops": Way(("columns=387",)),
    "FGSM beside": Way(("adversarial=fgsm",), attacked=True),
    "VAT beside": Way(("adversarial=vat",), attacked=True),
}


def idle(pictures: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
    """An augmentation that does nothing."""
    return pictures


def trained(name: str, seed: int, arrays: Arrays, trunk: checkpoint.Checkpoint) -> dict[str, Any]:
    """One run: accuracy on valid, over all windows of a clip and from its middle one alone."""
    way, folder = WAYS[name], RUNS / f"{name}-{seed}".replace(" ", "_")
    done = folder / "accuracy.json"
    if not done.is_file():
        steps = next(part for part in BASE if part.startswith("steps=")).removeprefix("steps=")
        plan = Plan(
            recipe="classifier",
            name="ablated",
            runs=RUNS,
            output=RUNS,
            assignments=(*BASE, *way.settings),
            init=trunk if way.trunk else None,
            seed=seed,
            precision="bf16-mixed",
            validate_every=int(steps),
            patience=0,
            quiet=True,
        )
        # without an augmentation the others draw other numbers: seeds tell how much of a difference is chance
        with patch(f"audio_gen.training.augment.{way.idle}", idle) if way.idle else patch.dict({}):
            best = fitted(plan, arrays, folder)
        found = measured(checkpoint.load(best), arrays, attacked=way.attacked)
        done.write_text(json.dumps(found), encoding="utf-8")
    return {"way": name, "seed": seed, **json.loads(done.read_text(encoding="utf-8"))}


@torch.no_grad()
def measured(made: checkpoint.Checkpoint, arrays: Arrays, *, attacked: bool) -> dict[str, float]:
    """Accuracy on valid."""
    net = checkpoint.build(ClassifierNet, made).eval()
    valid = arrays.chosen("valid")
    images = Images(arrays, valid, int(str(made.front_end["columns"])))
    heard = [images.predict(net, track, torch.device("cpu")) for track in valid]
    truth = torch.tensor([arrays.labels.index(arrays.tracks[track].label) for track in valid]).numpy()

    def right(choose: Callable[[Prediction], Prediction]) -> float:
        return accuracy(truth, torch.stack([combine(choose(one), net).probs for one in heard]).argmax(1).numpy())

    found = {"accuracy": right(lambda one: one), "middle_window": right(middle)}
    return found | ({"attacked": under_attack(Classifier(made), images, truth)} if attacked else {})


def under_attack(model: Classifier, images: Images, truth: npt.NDArray[np.int64]) -> float:
    """Accuracy on the tracks of `images` after FGSM."""
    told = []
    for rows, label in zip(images.rows.values(), truth.tolist(), strict=True):
        pictures = torch.cat([windows(from_uint8(images.mel[row]), images.columns) for row in rows.tolist()])
        told.append(int(attacked_verdict(model, pictures, label, EPSILON).probs.argmax()))
    return accuracy(truth, np.array(told))


def middle(one: Prediction) -> Prediction:
    """The middle window's part."""
    place = len(one.logits) // 2
    return Prediction(*(part[place : place + 1] for part in one))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--init", default="runs/new/trunk.safetensors", help="the trunk to start from")
    parser.add_argument("--data", type=Path, default=Path("runs/genre.npz"), help="GTZAN's prepared pictures")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    pictures, start = load_arrays(given.data, "image"), checkpoint.load(given.init)
    rows = [trained(name, seed, pictures, start) for seed in range(given.seeds) for name in WAYS]
    parts = {name: [row for row in rows if row["way"] == name] for name in WAYS}
    table = [
        {"way": name, "seed": "mean", **{key: mean(row[key] for row in own) for key in own[0].keys() - {"way", "seed"}}}
        for name, own in parts.items()
    ]
    publish("ablation", [*rows, *table])
