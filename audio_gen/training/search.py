"""Hyper-parameter search with Optuna: a recipe's `SEARCH` space, tried by whole trainings, the best one published.

`SEARCH` maps fields of the recipe's settings to ("log", low, high), ("linear", low, high) or ("choice", value, ...).

The n-th finished trial depends on the seed and on the trials before it alone, so a search that was killed and started
again goes the way of one that was not. Trials aren't pruned by how they do half-way: strong augmentation and dropout
start slower and end better under a cosine, and these are what is searched.
"""

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.models.checkpoint import load
from audio_gen.registry import pick
from audio_gen.training.fit import STATE, NoScoreError, step_seed
from audio_gen.training.leakage import check_leakage
from audio_gen.training.study import REASON, STORE, best_of, finished, give_up_killed, opened
from audio_gen.training.train import RECIPES, Plan, check_plan, check_settings, fitted, publish, recipe_of, settings_of

if TYPE_CHECKING:
    from optuna import Study, Trial

Space = dict[str, tuple[Any, ...]]
_log = logging.getLogger(__name__)


def check(plan: Plan) -> Path:
    """All that can be told before the data are read; gives the path that the checkpoint will have.

    Raises:
        ParameterError: Optuna is missing, the recipe has no search space or `assignments` fix all of it, or as
            `check_plan`; a search that lies in `runs/name` may replace its own checkpoint.
    """
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise ParameterError('--trials needs Optuna: pip install "audio-gen[search]"') from error
    if plan.devices > 1:
        raise ParameterError("a search trains on one device; leave out --devices")
    target = check_settings(plan)
    _space(plan)
    if not (plan.runs / plan.name / STORE).exists():
        check_plan(plan)
    return target


def search(plan: Plan, arrays: Arrays, trials: int) -> Path:
    """Search until `trials` trials are finished in all, and publish the best one's checkpoint; gives its path.

    All lies in `runs/name`: the trials' figures in `search.sqlite`, the best one's files and the running one's in
    `trial-N`. Started again, it goes on where it was; with more trials it searches on and publishes the best again.

    Raises:
        ParameterError: as `check`, or a checkpoint of that name is there that this search didn't make.
        DatasetError: the arrays don't fit the recipe, or the folder holds another search.
        NoScoreError: no trial gave a score.
    """
    target, home = check(plan), plan.runs / plan.name
    notes = check_leakage(arrays)
    recipe_of(plan, arrays)  # what can't be trained is told before any trial
    if plan.overwrite and home.exists():
        shutil.rmtree(home)
    same = {
        "recipe": plan.recipe,
        "data": (plan.facts or {}).get("data"),
        "from": [one.sha256 for one in (*([plan.init] if plan.init else []), *plan.ensemble)],
        "seed": plan.seed,
        "settings": repr(settings_of(plan, arrays)),
        "space": _space(plan),
    }
    with opened(home, same) as study:
        if target.exists() and not plan.overwrite and load(target).sha256 not in study.user_attrs.get("published", []):
            check_plan(plan)
        give_up_killed(study)
        while (number := len(finished(study)) + 1) <= trials:
            _log.info("trial %d of %d", number, trials)
            _try(study, plan, arrays, number)
            _tidy(study, home)
        best = _crowned(study, home, plan)
    publish(plan, arrays, best, notes)
    return target


def _crowned(study: "Study", home: Path, plan: Plan) -> Path:
    """The best trial's checkpoint, which now tells how it was found; the study knows it for its own."""
    best = best_of(study)
    path: Path = home / best.user_attrs["folder"] / "best.safetensors"
    made = load(path)
    facts = {
        "trial": best.user_attrs["number"],
        "trials": len(finished(study)),
        "score": best.value,
        "settings": best.params,
        "space": _space(plan),
        "chosen_by": "score on valid",
    }
    replace(made, training={**made.training, "search": facts}).save(path)
    study.set_user_attr("published", [*study.user_attrs.get("published", []), load(path).sha256])
    return path


def _space(plan: Plan) -> Space:
    """What is searched: the recipe's space without what the plan assigns."""
    declared: Space = getattr(pick(RECIPES, plan.recipe), "SEARCH", {})
    fixed = {assignment.partition("=")[0] for assignment in plan.assignments}
    space = {key: how for key, how in declared.items() if key not in fixed}
    if not space:
        told = f"; it searches {', '.join(declared)}, and --set fixes them all" if declared else ""
        raise ParameterError(f"--trials: nothing to search in {plan.recipe!r}{told}")
    return space


def _try(study: "Study", plan: Plan, arrays: Arrays, number: int) -> None:
    """One trial, from the start or from where its folder was left."""
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    study.sampler = TPESampler(seed=step_seed(plan.seed, number) % (1 << 32), constant_liar=False)
    trial = study.ask()
    folder = plan.runs / plan.name / f"trial-{number}"
    trial.set_user_attr("number", number)
    trial.set_user_attr("folder", folder.name)
    chosen = [f"{key}={_suggest(trial, key, how)}" for key, how in _space(plan).items()]
    try:
        found = load(fitted(replace(plan, assignments=[*plan.assignments, *chosen]), arrays, folder)).training["valid"]
    except (NoScoreError, CheckpointError) as error:  # diverged: a finished trial without a score
        _log.warning("trial %d failed: %s", number, error)
        trial.set_user_attr(REASON, str(error))
        study.tell(trial, state=TrialState.FAIL)
    else:
        told = (
            f"{key} {format(value, '.4g') if isinstance(value, float) else value}"
            for key, value in trial.params.items()
        )
        _log.info("trial %d: score %.4g with %s", number, found["score"], ", ".join(told))
        trial.set_user_attr("valid", found)
        study.tell(trial, found["score"])


def _suggest(trial: "Trial", key: str, how: tuple[Any, ...]) -> Any:
    kind, *values = how
    if kind == "choice":
        return trial.suggest_categorical(key, values)
    if all(isinstance(value, int) for value in values):
        return trial.suggest_int(key, *values, log=kind == "log")
    return trial.suggest_float(key, *values, log=kind == "log")


def _tidy(study: "Study", home: Path) -> None:
    """Of trials that lost, only figures stay."""
    ended = finished(study)
    kept = best_of(study).number if any(trial.value is not None for trial in ended) else None
    for trial in ended:
        if trial.number != kept:
            for name in (STATE, "best.safetensors"):
                (home / trial.user_attrs["folder"] / name).unlink(missing_ok=True)
