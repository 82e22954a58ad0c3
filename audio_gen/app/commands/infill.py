"""`audio-gen infill`: files of notes → the same with some bars of some tracks made anew."""

import argparse
import re

from audio_gen.app import conditions, options, pieces
from audio_gen.errors import ParameterError

HELP = "make some bars of a piece anew, all other notes kept as they are"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser, what=pieces.NOTE_FILES)
    parser.add_argument("--bars", dest="gap", required=True, metavar="A-B", help="what is made anew, counted from 1")
    parser.add_argument(
        "--track",
        dest="tracks",
        type=options.at_least(1),
        nargs="+",
        default=[],
        metavar="N",
        help="the tracks that are made anew; default all voices",
    )
    conditions.add_conditions(parser, model="composer", without=("--bars", "--meter", "--bpm", "--chords"))
    pieces.add_note_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.pipelines.maker import Gap

    gap = Gap(*_bars(arguments.gap), tuple(arguments.tracks))
    return pieces.run_maker(
        arguments, "infill", "infilled", lambda maker, score, wish: maker.infilled(score, wish, gap)
    )


def _bars(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?", text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last:
        raise ParameterError(f"--bars is a bar or a range of bars, counted from 1, such as 5 or 5-8, not {text!r}")
    return first, last
