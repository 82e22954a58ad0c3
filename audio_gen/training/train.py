"""train: a recipe over prepared arrays → a checkpoint."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from audio_gen.atomic import replacing
from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import ParameterError
from audio_gen.models.checkpoint import Checkpoint, is_plain_name, load
from audio_gen.registry import pick
from audio_gen.training.card import first_card
from audio_gen.training.fit import Run, fit
from audio_gen.training.settings import override

RECIPES = "audio_gen.training.recipes"


@dataclass(frozen=True)
class Plan:
    """What to train and where to put it.

    Args:
        recipe: name of a training recipe.
        name: of the new checkpoint.
        runs: folder for the states of runs; this one's is `runs/name`.
        output: folder that gets `name.safetensors` at the end.
        assignments: `key=value` texts that change the recipe's settings.
        init: a checkpoint to start from.
        seed, device, devices, precision, quiet: as in `Run`.
        overwrite: start anew where an unfinished or finished run of this name lies.
        facts: what else the checkpoint's training summary should hold.
    """

    recipe: str
    name: str
    runs: Path
    output: Path
    assignments: Sequence[str] = ()
    init: Checkpoint | None = None
    seed: int = 0
    device: str = "auto"
    devices: int = 1
    precision: str = "32-true"
    validate_every: int = 500
    quiet: bool = False
    overwrite: bool = False
    facts: dict[str, Any] | None = None


def kind_of(recipe: str) -> str:
    """The kind of arrays that a recipe trains on.

    Raises:
        ParameterError: no such recipe.
    """
    return str(pick(RECIPES, recipe).KIND)


def train(plan: Plan, arrays: Arrays) -> Path:
    """Train (or go on with a run that was interrupted) and return the path of the checkpoint.

    Raises:
        ParameterError: no such recipe or setting, a name that is a path, or a checkpoint of that name is there.
        DatasetError: the arrays don't fit the recipe.
    """
    module = pick(RECIPES, plan.recipe)
    settings = override(module.Settings(), plan.assignments)
    target, folder = plan.output / f"{plan.name}.safetensors", plan.runs / plan.name
    if not is_plain_name(plan.name):
        raise ParameterError(f"name must be a plain name, not {plan.name!r}")
    if target.exists() and not plan.overwrite:
        raise ParameterError(f"{target} is there already; give --overwrite or another --name")
    if plan.overwrite and folder.exists():
        shutil.rmtree(folder)
    torch.manual_seed(plan.seed)
    recipe = module.build(arrays, settings, plan.init)
    run = Run(
        folder=folder,
        name=plan.name,
        steps=settings.steps,
        seed=plan.seed,
        device=plan.device,
        devices=plan.devices,
        precision=plan.precision,
        validate_every=plan.validate_every,
        quiet=plan.quiet,
        facts={"recipe": plan.recipe, **_origin(plan.init), **(plan.facts or {})},
        settings=repr(settings),
    )
    best = fit(recipe, run)
    with replacing(target) as part:
        shutil.copyfile(best, part)
    with replacing(target.with_suffix(".md")) as part:
        part.write_text(first_card(load(target)), encoding="utf-8")
    return target


def _origin(init: Checkpoint | None) -> dict[str, Any]:
    return {} if init is None else {"init": {"name": init.name, "sha256": init.sha256}}
