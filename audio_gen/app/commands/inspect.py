"""`audio-gen inspect`: what a file of ours carries, as JSON."""

import argparse
import json
import logging
from pathlib import Path

HELP = "print what a file carries: tags of a generated clip, header of a checkpoint, shape of a .npy array"

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a WAV, FLAC, OGG, .safetensors or .npy file")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.pipelines.inventory import describe
    from audio_gen.pipelines.records import plain, write_stdout

    carried = describe(arguments.file)
    if not carried:
        _log.info("%s carries no tags of ours", repr(str(arguments.file)))
    write_stdout(json.dumps(plain(carried), indent=2, allow_nan=False).encode() + b"\n")
    return 0
