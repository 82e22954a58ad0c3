"""`audio-gen index`: the training music of a generator → an index, by which clips that copy it are found out."""

import argparse
import logging
from pathlib import Path

from audio_gen.app import options
from audio_gen.app.running import refuse_existing

HELP = "index the music that a generator or a model of notes was trained on, to tell copies by"

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="of the checkpoint")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="ARRAYS.npz", help="what it was trained on: log_mel or score arrays"
    )
    parser.add_argument(
        "--others", type=Path, nargs="+", default=[], metavar="ARRAYS.npz", help="other real music, to compare with"
    )
    parser.add_argument("--one-shot", action="store_true", help="each track is one sound, not a piece of music")
    parser.add_argument("--notes", action="store_true", help="the arrays are scores, of a model that writes notes")
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
    from audio_gen.models.copy_index import FOLDER

    path = arguments.output / FOLDER / f"{arguments.name}.safetensors"
    if path.exists() and arguments.skip_existing:
        return 0
    refuse_existing(arguments, [path] if path.exists() else [])
    if arguments.notes:
        _index_notes(arguments, path)
    else:
        _index_sound(arguments, path)
    return 0


def _index_notes(arguments: argparse.Namespace, path: Path) -> None:
    from audio_gen.datasets._arrays import load_arrays
    from audio_gen.pipelines.note_copies import build

    index = build(load_arrays(arguments.data, "score"))
    index.save(path)
    told = ", ".join(f"{name} {len(rows)}" for name, rows in index.tensors.items())
    _log.info("%s: %s, %d bytes", path, told, path.stat().st_size)


def _index_sound(arguments: argparse.Namespace, path: Path) -> None:
    from audio_gen.datasets._arrays import load_arrays
    from audio_gen.pipelines.copies import build_index

    index = build_index(
        load_arrays(arguments.data, "log_mel"),
        others=[load_arrays(other, "log_mel") for other in arguments.others],
        one_shot=arguments.one_shot,
        hop=arguments.hop,
    )
    index.save(path)
    _log.info("%s: %d windows of %d tracks, %d bytes", path, len(index.rows), len(index.tracks), path.stat().st_size)
