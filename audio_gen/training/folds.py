"""Cross-validation: each fold is measured by a model that learnt from the others, and all of them are told together.

A fold's model is the one after the last step: nothing is chosen on the fold that is measured.
"""

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from audio_gen.atomic import replacing
from audio_gen.datasets._arrays import Arrays
from audio_gen.datasets._folds import VALID, folds_of, parse, without
from audio_gen.errors import ParameterError
from audio_gen.models.checkpoint import Checkpoint, build, load
from audio_gen.models.classifier import ClassifierNet
from audio_gen.registry import names, pick
from audio_gen.training.figures import Heard, apart, measured, prediction
from audio_gen.training.images import Images
from audio_gen.training.leakage import check_leakage
from audio_gen.training.train import RECIPES, Plan, check_settings, fitted, recipe_of, settings_of

REPORT = "folds.json"
_log = logging.getLogger(__name__)


def check(plan: Plan, wish: str) -> None:
    """All that can be told before the data are read.

    Raises:
        ParameterError: a wish that can't be read, a recipe that isn't measured by labels, an ensemble, or as
            `check_settings`.
    """
    check_settings(plan)
    parse(wish)
    if plan.devices > 1:
        raise ParameterError("cross-validation trains on one device; leave out --devices")
    if plan.recipe not in _able():
        raise ParameterError(f"{plan.recipe!r} isn't measured by labels, as --folds needs; give {' or '.join(_able())}")
    if plan.ensemble:
        raise ParameterError("--folds takes no --ensemble: it may have learnt the labels that are to be measured by")


def _able() -> list[str]:
    """Recipes that learn labels, and so can be measured by them."""
    return [name for name in names(RECIPES) if hasattr(pick(RECIPES, name), "knows")]


def cross_validate(plan: Plan, arrays: Arrays, wish: str) -> Path:
    """Train and measure each fold in `runs/name/fold-F`, and write the figures to `runs/name/folds.json`; its path.

    Started again, it goes on where it was; folds that are done aren't trained again. No checkpoint is published.

    Args:
        plan: as for `train`; `validate_every`, `patience` and `output` play no part.
        arrays: tracks with labels; those of "test" take no part.
        wish: "K" folds, or "A-B" of the dataset's own folds (see `folds_of`).

    Raises:
        ParameterError: as `check`, or the data have other folds.
        DatasetError: in one of the folds the arrays don't fit the recipe, a group or an audio is in two folds, or the
            folder holds another run.
    """
    check(plan, wish)
    module = pick(RECIPES, plan.recipe)
    if plan.init is not None and plan.init.training.get("recipe") in _able():
        _log.warning("if %r has learnt labels of these tracks, the figures will flatter", plan.init.name)
    known = [number for number in range(len(arrays.tracks)) if module.knows(arrays, number)]
    folds, chosen = folds_of(arrays, known, wish)
    parts = {name: without(arrays, folds, name) for name in chosen}
    for part in parts.values():  # what can't be trained is told before the first hour of training
        check_leakage(part)
        recipe_of(plan, part)
    home = plan.runs / plan.name
    if plan.overwrite and home.exists():
        shutil.rmtree(home)
    heard: list[Heard] = []
    for name, part in parts.items():
        _log.info("fold %s of %s", name, ", ".join(chosen))
        whole = replace(plan, validate_every=settings_of(plan, part).steps, patience=0)
        made = load(fitted(whole, part, home / f"fold-{name}"))
        heard += _hear(plan, made, part, [number for number in known if part.tracks[number].split == VALID], name)
    return _write(home / REPORT, heard, made, plan.recipe)


def _hear(plan: Plan, made: Checkpoint, part: Arrays, numbers: Sequence[int], fold: str) -> list[Heard]:
    device = torch.device(plan.device if plan.device.startswith("cuda") else "cpu")
    net = build(ClassifierNet, made).to(device)
    images = Images(part, numbers, int(made.front_end["columns"]))
    return [Heard(part.tracks[number], fold, images.verdict(net, number, device)) for number in numbers]


def _write(path: Path, heard: list[Heard], made: Checkpoint, recipe: str) -> Path:
    pooled = {key: figure.to_dict() for key, figure in measured(heard, made.labels).items()}
    told = ("data", "command", "init", "steps", "seed", "settings")
    details: dict[str, Any] = {
        "recipe": recipe,
        **{key: made.training[key] for key in told if key in made.training},
        "tracks": len(heard),
        "folds": apart(heard, made.labels, lambda one: one.fold),
        "datasets": apart(heard, made.labels, lambda one: one.track.dataset),
        "predictions": [prediction(one, made.labels) for one in heard],
    }
    with replacing(path) as part:
        part.write_text(json.dumps({**pooled, "details": details}, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return path
