"""`audio-gen continue`: files of notes → the same with more bars after them."""
# ruff: noqa: N999  (a command is called as its file is)

import argparse

from audio_gen.app import conditions, options, pieces

HELP = "go on with a tune or four voices, the given notes kept as they are"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser, what=pieces.NOTE_FILES)
    conditions.add_conditions(
        parser, model="melody", without=("--meter", "--bpm"), bars="new bars, 1 to 512; default 8"
    )
    parser.add_argument(
        "--track", type=options.at_least(1), metavar="N", help="the one to go on with, where several fit"
    )
    pieces.add_note_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    return pieces.run_maker(
        arguments, "continue", "continued", lambda maker, score, wish: maker.continued(score, wish, arguments.track)
    )
