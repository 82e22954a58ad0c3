"""`audio-gen train`: a recipe over a dataset → a checkpoint; an interrupted run goes on where it was."""

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from audio_gen.app import options
from audio_gen.errors import ParameterError
from audio_gen.pipelines.records import write_stdout
from audio_gen.registry import names

if TYPE_CHECKING:
    from audio_gen.datasets._arrays import Arrays

HELP = "train a model on a dataset, a folder of class folders, a CSV, or prepared arrays"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("recipe", metavar="RECIPE", help=f"one of: {', '.join(names('audio_gen.training.recipes'))}")
    parser.add_argument("--name", required=True, help="of the new checkpoint")
    parser.add_argument(
        "--data", required=True, metavar="DATA", help="ARRAYS.npz of `prepare`, a folder, a CSV, or a dataset's name"
    )
    parser.add_argument("--root", type=Path, default=Path("data"), metavar="DIR", help="where a named dataset lies")
    parser.add_argument("--init", metavar="CHECKPOINT", help="start from its weights")
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
    parser.add_argument("--devices", type=options.at_least(1), default=1, metavar="N", help="GPUs; default 1")
    parser.add_argument("--precision", default="32-true", help="32-true (default), bf16-mixed ...")
    parser.add_argument("--validate-every", type=options.at_least(1), default=500, metavar="STEPS", help="default 500")
    parser.add_argument("--overwrite", action="store_true", help="start anew and replace what is there")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no notes")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.models import checkpoint
    from audio_gen.pipelines.device import pick_device
    from audio_gen.training.train import Plan, kind_of, train

    kind = kind_of(arguments.recipe)
    arrays = _arrays(arguments, kind)
    if arguments.licence:
        arrays = replace(arrays, licence=arguments.licence)
    init = checkpoint.load(arguments.init) if arguments.init else None
    if init is not None and init.licence not in arrays.licence:  # what was learnt from it stays under its terms
        arrays = replace(arrays, licence=f"{init.licence} (from {init.name}); {arrays.licence}")
    plan = Plan(
        recipe=arguments.recipe,
        name=arguments.name,
        runs=arguments.runs,
        output=arguments.output,
        assignments=arguments.assignments,
        init=init,
        seed=arguments.seed,
        device=str(pick_device(arguments.device)),
        devices=arguments.devices,
        precision=arguments.precision,
        validate_every=arguments.validate_every,
        quiet=arguments.quiet,
        overwrite=arguments.overwrite,
        facts={"data": Path(arguments.data).name, "command": "audio-gen " + shlex.join(sys.argv[1:])},
    )
    write_stdout(f"{train(plan, arrays)}\n".encode())
    return 0


def _arrays(arguments: argparse.Namespace, kind: str) -> "Arrays":
    data = Path(arguments.data)
    if data.suffix == ".npz" and data.is_file():
        from audio_gen.datasets._arrays import load_arrays

        return load_arrays(data, kind)
    from audio_gen.pipelines.prepare import prepare

    if data.exists():
        return prepare(["folder"], data, kind)
    if arguments.data in names("audio_gen.datasets"):
        return prepare([arguments.data], arguments.root, kind)
    known = ", ".join(names("audio_gen.datasets"))
    raise ParameterError(f"--data {arguments.data!r} is no file, no folder and no dataset; the datasets are: {known}")
