"""`audio-gen report`: what classify, features and generate gave, as one HTML page."""

import argparse
import logging
from pathlib import Path

from audio_gen.errors import ParameterError

HELP = "make one HTML page of records, pictures, players and new clips"

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("records", metavar="CLASSIFY.jsonl", type=Path, help="the JSON lines that classify wrote")
    parser.add_argument(
        "--features", metavar="DIR", type=Path, help="the folder that features wrote: pictures of whole files"
    )
    parser.add_argument("--generated", metavar="DIR", type=Path, help="the folder that generate wrote")
    parser.add_argument("--title", default="What audio_gen hears and makes", help="heading of the page")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="the page: report.html, say")
    parser.add_argument("--overwrite", action="store_true", help="replace the page that is there")
    parser.add_argument("--quiet", action="store_true", help="no notes, only warnings and errors")


def run(arguments: argparse.Namespace) -> int:
    """Write the page; the exit code is 0."""
    output: Path = arguments.output
    if output.is_dir():
        raise ParameterError(f"{str(output)!r} is a folder; -o wants a file, {str(output / 'report.html')!r} say")
    if output.exists() and not arguments.overwrite:
        raise ParameterError(f"{str(output)!r} exists; --overwrite replaces it")
    from audio_gen.pipelines.report import write_report

    summary = write_report(
        arguments.records,
        output,
        features=arguments.features,
        generated=arguments.generated,
        title=arguments.title,
    )
    _log.info(
        "%s: %d files labelled, %d failed, %d new clips", output, summary.labelled, summary.failed, summary.generated
    )
    return 0
