"""`audio-gen continue`: files of notes → the same with more bars after them."""
# ruff: noqa: N999  (a command is called as its file is)

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from audio_gen.app import conditions, options, pieces

if TYPE_CHECKING:
    from audio_gen.pipelines.maker import Maker
    from audio_gen.pipelines.piece import Piece, Wish
    from audio_gen.symbolic.score import Score

HELP = "go on with a tune or four voices, the given notes kept as they are"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser, what=pieces.NOTE_FILES)
    conditions.add_conditions(
        parser, model="melody", without=("--meter", "--bpm"), bars="new bars, 1 to 512; default 8"
    )
    parser.add_argument(
        "--track",
        type=options.at_least(1),
        metavar="N",
        help="the one to go on with, where several fit; composer goes on with all of four voices",
    )
    pieces.add_note_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    return pieces.run_maker(
        arguments, "continue", "continued", lambda maker, score, wish: _made(maker, score, wish, arguments.track)
    )


def _made(maker: "Maker", score: "Score", wish: "Wish", track: int | None) -> "Piece":
    """With a remark where more voices go on than the one that was asked for."""
    from audio_gen.pipelines.accompaniment import NAME

    made = maker.continued(score, wish, track)
    both = zip(score.tracks, made.score.tracks, strict=False)  # a track of block chords may be new
    grown = [n for n, (old, new) in enumerate(both, 1) if len(new.notes) > len(old.notes) and old.name != NAME]
    if track is None or set(grown) <= {track}:
        return made
    remark = f"all {len(grown)} voices go on (tracks {', '.join(map(str, grown))}), not track {track} alone"
    return replace(made, more={**made.more, "remark": remark})
