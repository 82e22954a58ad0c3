"""`audio-gen humanise`: give drums a drummer's velocity and timing, or a piano score a pianist's."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from audio_gen.app import options, pieces
from audio_gen.app.touching import add_touch, touch_of
from audio_gen.errors import ParameterError

if TYPE_CHECKING:
    from audio_gen.pipelines.piece import Piece
    from audio_gen.symbolic.score import Score

HELP = (
    "give the drums of MIDI files a drummer's velocity and timing, or, with a model of family performer, a piano score "
    "a pianist's; all else stays as it is"
)
STRENGTH = 0.7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser, what=".mid files with drums, and folders to search to the bottom")
    parser.add_argument(
        "--model", default="humanise", metavar="NAME", help="checkpoint by name or path; default humanise"
    )
    add_touch(parser, strength=STRENGTH)
    parser.add_argument(
        "--keep-accents",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="change velocities by the network's ups and downs, less than the file's own differ, and don't draw them "
        "towards its own; default: where those of the file differ",
    )
    parser.add_argument("--style", metavar="S", help="one that the model knows (a wrong one lists them); default any")
    pieces.add_note_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.models import humaniser
    from audio_gen.pipelines.humaniser import compared
    from audio_gen.pipelines.performer import toucher

    player, touch = toucher(arguments.model), touch_of(arguments, strength=STRENGTH)
    if touch.keep_accents is not None and player.checkpoint.family != humaniser.FAMILY:
        raise ParameterError(f"--keep-accents is for drums, not for {player.checkpoint.name!r}: leave it out")
    player.check(touch)
    style = pieces.whole_style(touch.style, player.checkpoint)

    def change(score: "Score") -> "Piece":
        made = compared(score, player.touched(score, touch, arguments.track), touch)
        return replace(made, more={"style": style, **made.more})

    return pieces.run_note_files(arguments, "humanised", player.checkpoint, touch, change, kind="humanise")
