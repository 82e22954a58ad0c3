"""Options that commands share, each spelled and explained in one place."""

import argparse
import math
import re
from collections.abc import Callable

from audio_gen.pipelines.tables import FORMATS


def add_inputs(
    parser: argparse.ArgumentParser, *, what: str = "audio files, and folders to search to the bottom"
) -> None:
    """PATH... and --files-from."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help=what)
    parser.add_argument("--files-from", metavar="LIST", help="a file with one more path a line; - is standard input")


def add_record_output(parser: argparse.ArgumentParser) -> None:
    """--format and -o for a command whose records are its output."""
    _add_format(parser, "parquet needs -o")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the records to FILE, not to standard output")


def add_folder_output(
    parser: argparse.ArgumentParser,
    *,
    table: str = "manifest.parquet",
    what: str = "the tree of the inputs is mirrored",
) -> None:
    """--format and -o for a command that writes a folder of files and says so in records."""
    _add_format(parser, f"parquet goes to DIR/{table}")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help=f"folder to write to; {what}")


def add_device(parser: argparse.ArgumentParser, *, batch_size: int | None = None, unit: str = "items") -> None:
    """--device and, where things are computed in batches, --batch-size."""
    parser.add_argument(
        "--device", type=_device, default="auto", metavar="auto|cpu|cuda[:N]", help="where to compute; default auto"
    )
    if batch_size is not None:
        parser.add_argument(
            "--batch-size",
            type=at_least(1),
            default=batch_size,
            metavar="N",
            help=f"{unit} at once; default {batch_size}",
        )


def add_vocoder(parser: argparse.ArgumentParser) -> None:
    """--vocoder and --subtype."""
    parser.add_argument(
        "--vocoder",
        default="mel-griffin-lim",
        metavar="V",
        help="mel-griffin-lim (default), griffin-lim, or a vocoder checkpoint (neural) by name or path",
    )
    parser.add_argument("--subtype", metavar="S", help="PCM_16 (default), PCM_24 or FLOAT")


def add_batch(parser: argparse.ArgumentParser) -> None:
    """--jobs, --skip-existing or --overwrite, --fail-fast, --quiet."""
    parser.add_argument("--jobs", type=at_least(1), metavar="N", help="files in work at a time; default one a core")
    parser.add_argument("--fail-fast", action="store_true", help="end at the first file that fails")
    add_existing(parser)


def add_engine(parser: argparse.ArgumentParser) -> None:
    """--engine and --ray-address."""
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="what does the work: this process (default), or workers of a Ray cluster, one a core or GPU, which all "
        "see the same files under the same paths",
    )
    parser.add_argument(
        "--ray-address", metavar="ADDRESS", help="HOST:PORT of a running cluster, or auto; default: one on this machine"
    )


def add_existing(parser: argparse.ArgumentParser) -> None:
    """--skip-existing or --overwrite, --quiet."""
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--skip-existing", action="store_true", help="leave alone what an earlier run has done")
    existing.add_argument("--overwrite", action="store_true", help="do it again and replace what is there")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no notes, only warnings and errors")


def at_least(smallest: int) -> Callable[[str], int]:
    """A type for argparse: a whole number from `smallest` on."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = smallest - 1
        if value < smallest:
            raise argparse.ArgumentTypeError(f"must be a whole number from {smallest} on, not {text!r}")
        return value

    return number


def _decimal(text: str) -> float:
    """The number that a text tells; not a number where it tells none, which is in no range."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def share(text: str) -> float:
    """A type for argparse: a number from 0 to 1."""
    value = _decimal(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, not {text!r}")
    return value


def above_zero(text: str) -> float:
    """A type for argparse: a finite number above 0."""
    value = _decimal(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return value


def _device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"must be auto, cpu, cuda or cuda:N, not {text!r}")
    return text


def _add_format(parser: argparse.ArgumentParser, parquet: str) -> None:
    parser.add_argument(
        "--format", choices=FORMATS, default="jsonl", help=f"how records are written; default jsonl; {parquet}"
    )
