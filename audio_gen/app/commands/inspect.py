"""`audio-gen inspect`: what a file of ours carries, as JSON."""

import argparse
import json
import logging
from pathlib import Path

HELP = "print what a file carries: tags of a clip, header of a checkpoint, shape of an array, bars and tracks of notes"

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="a WAV, FLAC, OGG, .safetensors, .npy, .mid, .abc, MusicXML or .json file",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.pipelines.inventory import describe
    from audio_gen.pipelines.inventory_notes import describe_json, describe_notes
    from audio_gen.pipelines.records import plain, write_stdout
    from audio_gen.symbolic.files import NOTE_EXTENSIONS

    kinds = dict.fromkeys(NOTE_EXTENSIONS, describe_notes) | {".json": describe_json}
    carried = kinds.get(arguments.file.suffix.lower(), describe)(arguments.file)
    if not carried:
        _log.info("%s carries no tags of ours", repr(str(arguments.file)))
    write_stdout(json.dumps(plain(carried), indent=2, allow_nan=False).encode() + b"\n")
    return 0
