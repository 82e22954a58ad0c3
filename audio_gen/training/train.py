"""train: a recipe over prepared arrays → a checkpoint."""

import inspect
import logging
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
from audio_gen.training.defaults import PATIENCE, are_few, starting
from audio_gen.training.fit import STATE, Recipe, Run, fit
from audio_gen.training.leakage import check_leakage
from audio_gen.training.processes import leads
from audio_gen.training.progress import read_progress
from audio_gen.training.report import class_report, write_report
from audio_gen.training.settings import override

RECIPES = "audio_gen.training.recipes"
CLASSES = "classifier"  # the recipe whose trainings end with a report of classes
_log = logging.getLogger(__name__)


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
        lessons: arrays with a teacher's outputs, learnt beside the labels (classifier, emotion).
        ensemble: checkpoints whose mean answer is learnt beside the labels (classifier, emotion).
        seed, device, devices, nodes, precision, quiet: as in `Run`. Several processes are started by the command line
            that is running being run again.
        validate_every: steps between two validations; None is 500, or a tenth of the steps where that is less.
        patience: as in `Run`; 0 is never. None is never too, but 5 where training tracks are few (`defaults`).
        overwrite: start anew where an unfinished or finished run of this name lies.
        facts: what else the checkpoint's training summary should hold.
    """

    recipe: str
    name: str
    runs: Path
    output: Path
    assignments: Sequence[str] = ()
    init: Checkpoint | None = None
    lessons: Arrays | None = None
    ensemble: Sequence[Checkpoint] = ()
    seed: int = 0
    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: str = "32-true"
    validate_every: int | None = None
    patience: int | None = None
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
        DatasetError: the arrays don't fit the recipe, or two of its splits or classes share something.
    """
    target, folder = check_plan(plan), plan.runs / plan.name
    notes = check_leakage(arrays)
    for note in notes:
        _log.warning("%s", note)
    if plan.overwrite and folder.exists():
        shutil.rmtree(folder)
    best = fitted(plan, arrays, folder)
    if leads():
        publish(plan, arrays, best, notes)
    return target


def check_plan(plan: Plan) -> Path:
    """All that can be told before the data are read; gives the path that the checkpoint will have.

    Raises:
        ParameterError: no such recipe or setting, a name that is a path, or a checkpoint of that name is there.
    """
    target = check_settings(plan)
    if target.exists() and not plan.overwrite:
        raise ParameterError(f"{target} is there already; give --overwrite or another --name")
    return target


def check_settings(plan: Plan) -> Path:
    """As `check_plan`, whether or not a checkpoint of that name is there."""
    override(pick(RECIPES, plan.recipe).Settings(), plan.assignments)
    if not is_plain_name(plan.name):
        raise ParameterError(f"name must be a plain name, not {plan.name!r}")
    return plan.output / f"{plan.name}.safetensors"


def settings_of(plan: Plan, arrays: Arrays) -> Any:
    """The recipe's settings for these data, with what the plan assigns."""
    return override(starting(pick(RECIPES, plan.recipe), arrays, plan.init), plan.assignments)


def fitted(plan: Plan, arrays: Arrays, folder: Path) -> Path:
    """Train in `folder`, or go on with what is there, and return the path of the best checkpoint; publish nothing."""
    check_leakage(arrays)
    settings = settings_of(plan, arrays)
    few = arrays.pictured and are_few(arrays)  # what makes sound doesn't get worse from memorising labels
    patience = PATIENCE if plan.patience is None and few else plan.patience
    recipe = recipe_of(plan, arrays)
    run = Run(
        folder=folder,
        name=plan.name,
        steps=settings.steps,
        seed=plan.seed,
        device=plan.device,
        devices=plan.devices,
        nodes=plan.nodes,
        precision=plan.precision,
        validate_every=plan.validate_every or min(500, max(1, settings.steps // 10)),
        patience=patience or None,
        quiet=plan.quiet,
        facts={"recipe": plan.recipe, **_origin(plan), **_credits(arrays), **(plan.facts or {})},
        settings=repr(settings),
        sources=_sources(plan, arrays),
    )
    return fit(recipe, run)


def recipe_of(plan: Plan, arrays: Arrays) -> Recipe:
    """The recipe over `arrays`, at its start.

    Raises:
        ParameterError: a setting's value isn't allowed, or the recipe can't learn from what the plan puts beside.
        DatasetError: the arrays don't fit the recipe.
    """
    torch.manual_seed(plan.seed)
    module: Any = pick(RECIPES, plan.recipe)
    recipe: Recipe = module.build(arrays, settings_of(plan, arrays), plan.init, **_beside(plan))
    return recipe


def _beside(plan: Plan) -> dict[str, Any]:
    """What is learnt beside the labels, for recipes that can."""
    beside = {"lessons": plan.lessons, "ensemble": plan.ensemble}
    asked = {key: value for key, value in beside.items() if value}
    can = inspect.signature(pick(RECIPES, plan.recipe).build).parameters
    for key in asked.keys() - can.keys():
        raise ParameterError(f"--{key} is nothing that the recipe {plan.recipe!r} can learn from")
    return asked


def publish(plan: Plan, arrays: Arrays, best: Path, notes: Sequence[str]) -> None:
    """Copy a run's best checkpoint to the plan's output, its card beside it; a report of classes goes beside `best`."""
    made, target = load(best), plan.output / f"{plan.name}.safetensors"
    if plan.recipe == CLASSES:
        report = class_report(made, arrays, read_progress(best.with_name(STATE)), notes)
        _log.info("report: %s", " and ".join(map(str, write_report(best.parent, report))))
    with replacing(target) as part:
        shutil.copyfile(best, part)
    with replacing(target.with_suffix(".md")) as part:
        part.write_text(first_card(made), encoding="utf-8")


def _sources(plan: Plan, arrays: Arrays) -> dict[str, str]:
    """Digests of all that a run learns from."""
    started = {} if plan.init is None else {"init": plan.init.sha256[:12]}
    taught = {} if plan.lessons is None else {"lessons": plan.lessons.digest()}
    told = {"ensemble": " ".join(one.sha256[:12] for one in plan.ensemble)} if plan.ensemble else {}
    return {"data": arrays.digest(), **started, **taught, **told}


def _credits(arrays: Arrays) -> dict[str, Any]:
    return {"credits": list(arrays.credits)} if arrays.credits else {}


def _origin(plan: Plan) -> dict[str, Any]:
    def short(one: Checkpoint) -> dict[str, str]:
        return {"name": one.name, "sha256": one.sha256}

    found: dict[str, Any] = {} if plan.init is None else {"init": short(plan.init)}
    return found | ({"ensemble": [short(one) for one in plan.ensemble]} if plan.ensemble else {})
