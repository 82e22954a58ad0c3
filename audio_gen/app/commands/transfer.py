"""`audio-gen transfer`: the hits of a file with another feel, or its tune in another style."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.app import clips, options, pieces
from audio_gen.app.touching import add_touch, touch_of
from audio_gen.errors import ParameterError

if TYPE_CHECKING:
    from audio_gen.models.checkpoint import Checkpoint
    from audio_gen.pipelines.piece import Piece
    from audio_gen.symbolic.score import Score

HELP = "keep the hits of drums and take the feel of a style or file; keep a tune and accompany it in another style"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser, what="files of notes, and folders to search to the bottom")
    parser.add_argument(
        "--model",
        default="humanise",
        metavar="NAME",
        help="humanise (default) for drums, a model that harmonises (composer) for tunes",
    )
    parser.add_argument("--style", metavar="S", help="one that the model knows (a wrong one lists them)")
    parser.add_argument("--like", type=Path, metavar="FILE", help="of drums: a file with the feel")
    add_touch(parser, strength=1.0)
    pieces.add_note_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.models import checkpoint
    from audio_gen.models.humaniser import FAMILY

    if arguments.style is None and arguments.like is None:
        raise ParameterError("name a style with --style S, or a file of drums with --like FILE")
    model = checkpoint.load(arguments.model)
    return _groove(arguments, model) if model.family == FAMILY else _tune(arguments)


def _groove(arguments: argparse.Namespace, model: "Checkpoint") -> int:
    from audio_gen.pipelines.groove_transfer import like
    from audio_gen.pipelines.humaniser import Humaniser, compared
    from audio_gen.pipelines.provenance import digest
    from audio_gen.symbolic.files import drum_track, read_notes

    humaniser, touch = Humaniser(model), touch_of(arguments)
    humaniser.check(touch)
    other: Score | None = None
    if arguments.like is not None:
        other = read_notes(clips.existing(arguments.like))
        touch = replace(touch, like=digest(arguments.like))
        drum_track(other)

    def change(score: "Score") -> "Piece":
        if other is None:
            return compared(score, humaniser.touched(score, touch, arguments.track), touch)
        return compared(score, like(humaniser, score, other, touch, track=arguments.track), touch)

    asked: Any = touch
    return pieces.run_note_files(arguments, "transferred", model, asked, change, kind="transfer")


def _tune(arguments: argparse.Namespace) -> int:
    from audio_gen.pipelines.composer import load_maker
    from audio_gen.pipelines.groove_transfer import retuned
    from audio_gen.pipelines.piece import Wish

    if arguments.like is not None:
        raise ParameterError("--like takes the feel of drums: leave it out, or leave out --model")
    maker = load_maker(arguments.model)
    wish = Wish(style=arguments.style, seed=arguments.seed, top_p=0.95, voices="chords")
    wish.label(maker.labels, maker.checkpoint.name)

    def change(score: "Score") -> "Piece":
        return retuned(maker, score, wish, track=arguments.track)

    return pieces.run_note_files(arguments, "transferred", maker.checkpoint, wish, change, kind="transfer")
