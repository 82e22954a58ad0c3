"""`audio-gen train`: a recipe over a dataset → a checkpoint; an interrupted run goes on where it was."""

import argparse
import json
import logging
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from audio_gen.app import options
from audio_gen.app.figures import lines
from audio_gen.errors import DatasetError, ParameterError
from audio_gen.pipelines.records import write_stdout
from audio_gen.registry import names

if TYPE_CHECKING:
    from audio_gen.datasets._arrays import Arrays
    from audio_gen.training.train import Plan

_log = logging.getLogger(__name__)
HELP = "train a model on a dataset, a folder of class folders, a CSV, or prepared arrays"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("recipe", metavar="RECIPE", help=f"one of: {', '.join(names('audio_gen.training.recipes'))}")
    parser.add_argument("--name", required=True, help="of the new checkpoint")
    parser.add_argument(
        "--data",
        required=True,
        nargs="+",
        metavar="DATA",
        help="ARRAYS.npz of `prepare`, a folder, a CSV, or a dataset's name; several are joined",
    )
    parser.add_argument("--root", type=Path, default=Path("data"), metavar="DIR", help="where a named dataset lies")
    parser.add_argument(
        "--group-by",
        metavar="COLUMN",
        help="of the CSV: rows of one value stay in one split (default: group, artist or album); in class folders "
        "'folder': the folder below the class; 'none': each file alone",
    )
    parser.add_argument("--init", metavar="CHECKPOINT", help="start from its weights")
    parser.add_argument(
        "--lessons", type=Path, metavar="ARRAYS.npz", help="learn beside it what a teacher says of this music"
    )
    parser.add_argument(
        "--ensemble",
        nargs="+",
        default=[],
        metavar="CHECKPOINT",
        help="learn beside the labels what these say together (same labels)",
    )
    parser.add_argument(
        "--set",
        action="extend",
        nargs="+",
        default=[],
        dest="assignments",
        metavar="KEY=VALUE",
        help="change a setting",
    )
    parser.add_argument("--licence", metavar="TEXT", help="terms of your data; --init adds its own")
    parser.add_argument("--seed", type=int, default=0, metavar="K", help="default 0")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("checkpoints"), metavar="DIR", help="default checkpoints"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="states and logs; default runs")
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda[:N]", help="default auto")
    parser.add_argument(
        "--devices", type=options.at_least(1), default=1, metavar="N", help="GPUs, or processes on the CPU; default 1"
    )
    parser.add_argument(
        "--nodes",
        type=options.at_least(1),
        default=1,
        metavar="N",
        help="machines; run the same on each, with MASTER_ADDR, MASTER_PORT and NODE_RANK (from 0 on) in the "
        "environment, over shared files; default 1",
    )
    parser.add_argument("--precision", default="32-true", help="32-true (default), bf16-mixed ...")
    parser.add_argument(
        "--validate-every",
        type=options.at_least(1),
        metavar="STEPS",
        help="default 500, or a tenth of the steps where that is less",
    )
    parser.add_argument(
        "--patience",
        type=options.at_least(0),
        metavar="N",
        help="end after N validations without a better score; 0 never does; default 5 where data are few, else never",
    )
    task = parser.add_mutually_exclusive_group()
    task.add_argument(
        "--trials",
        type=options.at_least(1),
        metavar="N",
        help="search the settings that aren't set, with N trainings in all, and keep the best on valid (needs Optuna)",
    )
    task.add_argument(
        "--folds",
        metavar="K|A-B",
        help="cross-validate over K folds (the dataset's own where it has them), or over its own from A to B: figures "
        "as JSON, no checkpoint",
    )
    parser.add_argument("--overwrite", action="store_true", help="start anew and replace what is there")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no notes")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    # at each start of several processes torch warns of what is meant; it reads this when it is imported
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    if int(os.environ.get("LOCAL_RANK", "0")):  # a process that the first one has started, which speaks for all
        logging.getLogger("audio_gen").setLevel(logging.ERROR)

    from audio_gen.datasets._arrays import load_arrays
    from audio_gen.models import checkpoint
    from audio_gen.pipelines.device import pick_device
    from audio_gen.training.processes import leads
    from audio_gen.training.train import Plan, kind_of

    kind = kind_of(arguments.recipe)
    init = checkpoint.load(arguments.init) if arguments.init else None
    plan = Plan(
        recipe=arguments.recipe,
        name=arguments.name,
        runs=arguments.runs,
        output=arguments.output,
        assignments=arguments.assignments,
        init=init,
        lessons=load_arrays(arguments.lessons, "image") if arguments.lessons else None,
        ensemble=[checkpoint.load(name) for name in arguments.ensemble],
        seed=arguments.seed,
        device=str(pick_device(arguments.device)),
        devices=arguments.devices,
        nodes=arguments.nodes,
        precision=arguments.precision,
        validate_every=arguments.validate_every,
        patience=arguments.patience,
        quiet=arguments.quiet,
        overwrite=arguments.overwrite,
        facts={
            "data": ", ".join(Path(data).name for data in arguments.data),
            "command": "audio-gen " + shlex.join(sys.argv[1:]),
        },
    )
    _check(arguments, plan)
    arrays = _arrays(arguments, kind)
    if arguments.licence:
        arrays = replace(arrays, licence=arguments.licence)
    for source in (*([init] if init else []), *plan.ensemble):  # what was learnt from it stays under its terms
        if source.licence not in arrays.licence:
            arrays = replace(arrays, licence=f"{source.licence} (from {source.name}); {arrays.licence}")
    try:
        path = _train(arguments, plan, arrays)
    except DatasetError:
        if leads():
            raise
        return 2  # the first process says it
    if leads():
        write_stdout(f"{path}\n".encode())
    return 0


def _check(arguments: argparse.Namespace, plan: "Plan") -> None:
    """What can be told before the data are read, which may take a while."""
    from audio_gen.training import folds, search, train

    if arguments.nodes > 1 and (arguments.trials or arguments.folds):
        raise ParameterError("--nodes is for one training; leave it out beside --trials and --folds")
    if arguments.trials:
        search.check(plan)
    elif arguments.folds:
        folds.check(plan, arguments.folds)
    else:
        train.check_plan(plan)


def _train(arguments: argparse.Namespace, plan: "Plan", arrays: "Arrays") -> Path:
    from audio_gen.training import folds, search, train

    if arguments.trials:
        return search.search(plan, arrays, arguments.trials)
    if not arguments.folds:
        return train.train(plan, arrays)
    path = folds.cross_validate(plan, arrays, arguments.folds)
    for line in lines(json.loads(path.read_text(encoding="utf-8"))):
        _log.info("%s", line)
    return path


def _arrays(arguments: argparse.Namespace, kind: str) -> "Arrays":
    from audio_gen.datasets._arrays import joined

    parts = [_part(arguments, data, kind) for data in arguments.data]
    return joined(parts) if len(parts) > 1 else parts[0]


def _part(arguments: argparse.Namespace, named: str, kind: str) -> "Arrays":
    data, group_by = Path(named), arguments.group_by
    if group_by is not None and (data.suffix == ".npz" or not data.exists()):
        raise ParameterError(
            f"--group-by {group_by!r} is for a folder of classes or a CSV; other data tell their groups"
        )
    if data.suffix == ".npz" and data.is_file():
        from audio_gen.datasets._arrays import load_arrays

        return load_arrays(data, kind)
    from audio_gen.pipelines.prepare import prepare

    if data.exists():
        return prepare(["folder"], data, kind, group_by=group_by)
    if named in names("audio_gen.datasets"):
        return prepare([named], arguments.root, kind)
    known = ", ".join(names("audio_gen.datasets"))
    raise ParameterError(f"--data {named!r} is no file, no folder and no dataset; the datasets are: {known}")
