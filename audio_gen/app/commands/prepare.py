"""`audio-gen prepare`: datasets → one .npz of arrays, to train from on a machine without audio libraries."""

import argparse
import logging
from collections.abc import Iterable
from pathlib import Path

from audio_gen.app import options
from audio_gen.app.running import refuse_existing
from audio_gen.errors import ParameterError

HELP = "turn datasets into one .npz of arrays (pictures or log-mels, labels, splits) to train from"

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("datasets", nargs="+", metavar="DATASET", help="names of dataset plugs, joined in this order")
    parser.add_argument("--root", type=Path, default=Path("data"), metavar="DIR", help="where they lie; default data")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="ARRAYS.npz", help="the file to write")
    parser.add_argument(
        "--as",
        dest="kind",
        choices=("image", "tonal_image", "log_mel", "waveform", "score"),
        default="image",
        help="image: uint8 pictures of 30 s for classifiers (default); tonal_image: with rows of notes, for emotion; "
        "log_mel: float16 frames for generators; waveform: int16 samples for vocoders; "
        "score: rows of notes for composers",
    )
    parser.add_argument(
        "--soundfont", action="append", type=Path, metavar="SF2", help="for MIDI; once with each if repeated"
    )
    parser.add_argument(
        "--transpose",
        nargs="+",
        type=int,
        default=[],
        metavar="SEMITONES",
        help="MIDI of the train split also so many semitones higher (or lower), once with each",
    )
    parser.add_argument(
        "--teacher",
        action="append",
        nargs="+",
        type=Path,
        metavar="OUT.npz",
        help="outputs of a teacher over these tracks, to distil from; repeat it for a second teacher",
    )
    parser.add_argument("--group-by", metavar="COLUMN", help="for the dataset 'folder', as in `train`")
    parser.add_argument(
        "--without-licence", nargs="+", default=[], metavar="LICENCE", help="leave out tracks under these, e.g. GPL-2"
    )
    parser.add_argument(
        "--without", nargs="+", default=[], metavar="ID", help="leave out these tracks, or groups (kits, artists)"
    )
    parser.add_argument(
        "--for-judge",
        action="store_true",
        help="for a judge of a generator: trains on what --without names and on valid, is measured on the rest",
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="at most so much of each track")
    parser.add_argument("--jobs", type=options.at_least(1), default=2, metavar="N", help="tracks at a time; default 2")
    options.add_existing(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from tqdm import tqdm

    from audio_gen.datasets._arrays import Arrays
    from audio_gen.pipelines.prepare import prepare
    from audio_gen.pipelines.teacher import Teacher

    if arguments.output.suffix != ".npz":
        raise ParameterError(f"-o {str(arguments.output)!r}: the file has to end in .npz")
    if arguments.output.exists() and arguments.skip_existing:
        return 0
    refuse_existing(arguments, [arguments.output] if arguments.output.exists() else [])

    def progress(parts: Iterable[Arrays | None], total: int) -> Iterable[Arrays | None]:
        bar: Iterable[Arrays | None] = tqdm(parts, total=total, unit="track", disable=arguments.quiet or None)
        return bar

    arrays = prepare(
        arguments.datasets,
        arguments.root,
        arguments.kind,
        soundfonts=arguments.soundfont or (None,),
        transpositions=arguments.transpose,
        teacher=Teacher(arguments.teacher) if arguments.teacher else None,
        seconds=arguments.seconds,
        group_by=arguments.group_by,
        without=arguments.without,
        without_licence=arguments.without_licence,
        for_judge=arguments.for_judge,
        jobs=arguments.jobs,
        progress=progress,
    )
    arrays.save(arguments.output)
    _log.info("%s: %d tracks, %s %s", arguments.output, len(arrays.tracks), arrays.kind, list(arrays.mel.shape))
    return 0
