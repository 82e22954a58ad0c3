"""`audio-gen harmonise`: files with a melody → the same with three more voices, or with chords."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from audio_gen.app import conditions, options, pieces

if TYPE_CHECKING:
    from audio_gen.pipelines.maker import Maker
    from audio_gen.pipelines.piece import Piece, Wish
    from audio_gen.symbolic.score import Score

HELP = "add three voices or chords to a melody, whose notes are kept as they are"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser, what=pieces.NOTE_FILES)
    parser.add_argument(
        "--voices", choices=conditions.VOICES, default="satb", help="alto, tenor and bass (default), or chords"
    )
    parser.add_argument("--track", type=options.at_least(1), metavar="N", help="the melody, where several tracks fit")
    without = ("--bars", "--meter", "--bpm", "--chords", "--density")
    conditions.add_conditions(parser, model="composer", without=without)
    conditions.add_programs(parser, "that of the melody for voices, guitar for chords")
    pieces.add_note_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    if arguments.programs is None and arguments.voices == "chords":
        arguments.programs = "guitar"
    return pieces.run_maker(
        arguments, "harmonise", "harmonised", lambda maker, score, wish: _made(maker, score, wish, arguments.track)
    )


def _made(maker: "Maker", score: "Score", wish: "Wish", track: int | None) -> "Piece":
    """With a remark where chords of the file make way."""
    made = maker.harmonised(score, wish, track)
    if wish.voices != "chords" or not score.chords:
        return made
    remark = f"the file's own chords ({len(score.chords)}) are replaced by new ones"
    return replace(made, more={**made.more, "remark": remark})
