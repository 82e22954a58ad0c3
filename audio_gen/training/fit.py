"""The training loop: device, precision and several processes through Lightning Fabric; exact resume.

Every step draws its random numbers from (seed, step, rank) alone, so a run that was killed and resumed ends bit-equal,
on the CPU, to one that was not. Of several processes, one a GPU or as many on the CPU, each draws a batch of its own,
and gradients are averaged over them (DistributedDataParallel): N processes learn as one would from batches of N times
the size. The first one alone validates, saves and speaks.
"""

import logging
import math
import pickle
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim import Optimizer

from audio_gen.atomic import replacing
from audio_gen.errors import DatasetError
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.training.processes import fabric_for, mean, together
from audio_gen.training.progress import Progress

STATE = "state.pt"
_log = logging.getLogger(__name__)


class NoScoreError(DatasetError):
    """The training diverged, or no validation gave a score: there is nothing to choose a checkpoint by."""


class Recipe(Protocol):
    """What one model family needs to learn."""

    def setup(self, fabric: Fabric) -> None:
        """Put networks and optimisers in Fabric's hands."""

    def modules(self) -> dict[str, nn.Module]:
        """Everything with weights, averages included, by name."""

    def optimizers(self) -> dict[str, Optimizer]:
        """Optimisers by name."""

    def step(self, step: int, progress: float) -> dict[str, float]:
        """One update; `progress` runs from 0 to 1. Returns figures to log."""

    def validate(self) -> dict[str, float]:
        """Figures on the validation split; the higher `score`, the better."""

    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        """The model as it stands, ready to publish."""


@dataclass(frozen=True)
class Run:
    """Where and how long.

    Args:
        folder: state, logs and the best checkpoint go here; an unfinished run in it is resumed.
        name: of the model.
        steps: updates in all.
        seed: of everything random.
        device: "auto", "cpu", "cuda" or "cuda:N".
        devices: number of GPUs, or of processes on the CPU, on each machine.
        nodes: number of machines; each of them runs the same.
        precision: as Fabric names it: "32-true", "bf16-mixed" ...
        validate_every: steps between two validations.
        save_every: seconds between two saves.
        patience: ends early after so many validations in a row without a better score; None never does.
        facts: what else the checkpoint's training summary holds (data, command).
        settings: of the recipe, as text; a run is gone on with only by the same.
        sources: digests of what it learns from, by name; likewise.
    """

    folder: Path
    name: str
    steps: int
    seed: int = 0
    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: str = "32-true"
    validate_every: int = 500
    save_every: float = 120.0
    patience: int | None = None
    quiet: bool = False
    facts: dict[str, Any] | None = None
    settings: str = ""
    sources: dict[str, str] | None = None

    def identity(self) -> dict[str, Any]:
        """What has to be equal for a run to be gone on with."""
        early = None if self.patience is None else [self.patience, self.validate_every]
        same = {"name": self.name, "seed": self.seed, "steps": self.steps, "settings": self.settings}
        several = {"processes": self.processes} if self.processes > 1 else {}
        return {**same, "patience": early, **several, **(self.sources or {})}

    @property
    def processes(self) -> int:
        """How many learn together."""
        return self.devices * self.nodes


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    """One number for each (seed, step, rank)."""
    return ((seed * 1_000_003 + step) * 1_009 + rank) % (1 << 63)


def cosine(start: float, end: float, progress: float) -> float:
    """Half a cosine from `start` to `end` while `progress` goes from 0 to 1."""
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, progress))))


def fit(recipe: Recipe, run: Run) -> Path:
    """Train, from the start or from where `run.folder` was left, and return the path of the best checkpoint.

    Raises:
        DatasetError: the folder holds a run with another name, seed, number of steps, other settings or sources.
        NoScoreError: the training diverged, or the split is too small to measure.
        LostProcessError: another process of this training ended.
    """
    fabric = fabric_for(run.device, run.devices, run.nodes, run.precision)
    fabric.launch()
    best_path = run.folder / "best.safetensors"
    with together(run.name, fabric):
        recipe.setup(fabric)
        progress = _resume(recipe, run, run.folder / STATE, fabric)
        _learn(recipe, run, progress, fabric, best_path)
    if progress.step < run.steps and not run.quiet and fabric.is_global_zero:
        _log.info("%s: no better score since step %d; ended at step %d", run.name, progress.best_step, progress.step)
    if not best_path.is_file():
        raise NoScoreError(
            f"{run.name!r} has no score after {run.steps} steps: it diverged, or the validation tracks are too few;"
            " nothing is published; mend that and start anew with --overwrite"
        )
    return best_path


def _learn(recipe: Recipe, run: Run, progress: Progress, fabric: Fabric, best_path: Path) -> None:
    last_save = time.monotonic()
    with _logger(run, fabric) as log:
        while not progress.over(run.steps, run.patience):
            torch.manual_seed(step_seed(run.seed, progress.step, fabric.global_rank))
            figures = mean(recipe.step(progress.step, progress.step / run.steps), fabric)
            progress.trained(figures)
            step = progress.step
            log(step, figures)
            _check_losses(run, step, figures)
            validated = step % run.validate_every == 0 or step == run.steps
            if validated and fabric.is_global_zero:
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(run.seed)
                    found = recipe.validate()
                log(step, {f"valid_{key}": value for key, value in found.items()}, note=True)
                if progress.validated(found):
                    facts = {**(run.facts or {}), "steps": run.steps, "best_step": step, "seed": run.seed}
                    facts["valid"] = found
                    recipe.checkpoint(run.name, facts).save(best_path)
            if fabric.is_global_zero and (validated or time.monotonic() - last_save > run.save_every):
                _save(recipe, run, run.folder / STATE, progress)
                last_save = time.monotonic()
            if validated:  # only the first process has measured, and saved; the others wait for it here
                progress.waited = fabric.broadcast(progress.waited)


def _check_losses(run: Run, step: int, figures: dict[str, float]) -> None:
    lost = [key for key, value in figures.items() if key.endswith("loss") and not math.isfinite(value)]
    if lost:
        raise NoScoreError(f"{run.name!r} diverged: {lost[0]} is {figures[lost[0]]} at step {step}; lower the rate")


def _save(recipe: Recipe, run: Run, path: Path, progress: Progress) -> None:
    state = {
        "run": run.identity(),
        "progress": asdict(progress),
        "modules": {key: module.state_dict() for key, module in recipe.modules().items()},
        "optimizers": {key: optimizer.state_dict() for key, optimizer in recipe.optimizers().items()},
    }
    with replacing(path) as part:
        torch.save(state, part)


_BROKEN = (
    OSError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
)  # what torch.load raises


def _resume(recipe: Recipe, run: Run, path: Path, fabric: Fabric) -> Progress:
    if not path.is_file():
        return Progress()
    try:
        state = torch.load(path, map_location=fabric.device, weights_only=True)
        asked, there = run.identity(), state["run"]
        for key in there | asked:
            if asked.get(key) != there.get(key):
                raise DatasetError(
                    f"{path.parent} holds another run, of {key} {there.get(key)}, not {asked.get(key)}; give "
                    "--overwrite or another --name"
                )
        for key, module in recipe.modules().items():
            module.load_state_dict(state["modules"][key])
        for key, optimizer in recipe.optimizers().items():
            optimizer.load_state_dict(state["optimizers"][key])
        return Progress(**state["progress"])
    except (*_BROKEN, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DatasetError(f"{path} can't be gone on with ({reason}); start anew with --overwrite") from error


class _Log(Protocol):
    def __call__(self, step: int, figures: dict[str, float], note: bool = False) -> None: ...


@contextmanager
def _logger(run: Run, fabric: Fabric) -> Iterator[_Log]:
    """Progress bar with ETA on a terminal, a line a validation elsewhere, TensorBoard where it is installed."""
    from tqdm import tqdm

    main = fabric.is_global_zero
    writer = _tensorboard(run.folder / "tensorboard") if main else None
    bar = tqdm(total=run.steps, desc=run.name, disable=run.quiet or not main or not sys.stderr.isatty(), smoothing=0.05)

    def log(step: int, figures: dict[str, float], note: bool = False) -> None:
        if not main:
            return
        bar.update(step - bar.n)
        if writer is not None and (note or step % 10 == 0):
            for key, value in figures.items():
                writer.add_scalar(key, value, step)
        if note and not run.quiet:
            text = "  ".join(f"{key.removeprefix('valid_')} {value:.4g}" for key, value in figures.items())
            tqdm.write(f"{run.name} step {step}/{run.steps}: {text}", file=sys.stderr)

    try:
        yield log
    finally:
        bar.close()
        if writer is not None:
            writer.close()


def _tensorboard(folder: Path) -> Any:
    """A writer for TensorBoard, or None where it isn't installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder))
