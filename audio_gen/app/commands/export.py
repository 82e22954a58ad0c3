"""`audio-gen export`: a classifier as one ONNX file."""

import argparse
import logging
from pathlib import Path

from audio_gen.errors import ParameterError

HELP = "write a classifier as ONNX, front end included, for onnxruntime and the like"

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="a classifier checkpoint by name or path")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="ends in .onnx")
    parser.add_argument("--int8", action="store_true", help="the network in 8 bits: smaller, nearly the same")
    parser.add_argument(
        "--calibrate",
        nargs="+",
        default=[],
        metavar="PATH",
        help="music to set the 8 bits by, files and folders; default the example clips, or chords without them",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file that is there")
    parser.add_argument("--quiet", action="store_true", help="no notes, only warnings and errors")


def run(arguments: argparse.Namespace) -> int:
    """Write the file; the exit code is 0."""
    output: Path = arguments.output
    if arguments.calibrate and not arguments.int8:
        raise ParameterError("--calibrate sets ranges for --int8; add --int8 or leave it out")
    if output.is_file() and not arguments.overwrite:
        raise ParameterError(f"{str(output)!r} exists; --overwrite replaces it")
    from audio_gen.pipelines.export import export

    made = export(arguments.name, output, int8=arguments.int8, calibrate=arguments.calibrate)
    _log.info("%s: %s, %.1f MB, licence %s", output, made.precision, made.size / 1e6, made.licence)
    _log.info(
        "beside the checkpoint on %d windows: probabilities differ by %.2g at most and %.2g in the mean, "
        "%.1f %% keep their label",
        *made.comparison[:3],
        100 * made.comparison.same_label,
    )
    return 0
