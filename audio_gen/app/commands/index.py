"""`audio-gen index`: the training music of a generator → an index, by which clips that copy it are found out."""

import argparse
import logging
from pathlib import Path

from audio_gen.app import options
from audio_gen.app.running import refuse_existing

HELP = "index the music that a generator was trained on, for generate --check-copies"

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="of the generator")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="ARRAYS.npz", help="what it was trained on, as log_mel arrays"
    )
    parser.add_argument(
        "--others", type=Path, nargs="+", default=[], metavar="ARRAYS.npz", help="other real music, to compare with"
    )
    parser.add_argument("--one-shot", action="store_true", help="each track is one sound, not a piece of music")
    parser.add_argument("--hop", type=options.at_least(1), default=64, metavar="N", help="frames apart; default 64")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("checkpoints"),
        metavar="DIR",
        help="of checkpoints; default checkpoints",
    )
    options.add_existing(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.datasets._arrays import load_arrays
    from audio_gen.models.copy_index import FOLDER
    from audio_gen.pipelines.copies import build_index

    path = arguments.output / FOLDER / f"{arguments.name}.safetensors"
    if path.exists() and arguments.skip_existing:
        return 0
    refuse_existing(arguments, [path] if path.exists() else [])
    index = build_index(
        load_arrays(arguments.data, "log_mel"),
        others=[load_arrays(other, "log_mel") for other in arguments.others],
        one_shot=arguments.one_shot,
        hop=arguments.hop,
    )
    index.save(path)
    _log.info("%s: %d windows of %d tracks, %d bytes", path, len(index.rows), len(index.tracks), path.stat().st_size)
    return 0
