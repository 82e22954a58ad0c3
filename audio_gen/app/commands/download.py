"""`audio-gen download`: a dataset onto this disk where it may be fetched, else how to get it; then checked."""

import argparse
import logging
from collections import Counter
from pathlib import Path
from typing import Any

from audio_gen.errors import DatasetError
from audio_gen.registry import names, pick

HELP = "fetch a dataset where it may be fetched, else say how to get it; then check that it is there"

_DATASETS = "audio_gen.datasets"
_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("dataset", metavar="DATASET", help=f"one of: {', '.join(names(_DATASETS))}")
    parser.add_argument(
        "--root", type=Path, default=Path("data"), metavar="DIR", help="the set goes to DIR/DATASET; default data"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no notes, only warnings and errors")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    name, root = arguments.dataset, arguments.root
    plug: Any = pick(_DATASETS, name)
    try:
        items = plug.items(root)
    except DatasetError as error:
        if not hasattr(plug, "download"):
            raise DatasetError(f"{name} can't be fetched by this program: {error}") from error
        plug.download(root if root.name == name else root / name)
        items = plug.items(root)
    splits = Counter(item.split for item in items)
    told = ", ".join(f"{split} {count}" for split, count in splits.items())
    _log.info("%s is there: %d items (%s)", name, len(items), told)
    return 0
