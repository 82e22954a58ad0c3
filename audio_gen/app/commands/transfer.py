"""`audio-gen transfer`: the hits of a file with another feel, or its tune in another style."""

import argparse
from dataclasses import dataclass, replace
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
STRENGTH = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser, what="files of notes, and folders to search to the bottom")
    parser.add_argument(
        "--model",
        default="humanise",
        metavar="NAME",
        help="humanise (default) keeps all hits of drums, and goes as far as --strength, --velocity and --timing say; "
        "drums-vae moves some; a model that harmonises (composer) is for tunes",
    )
    parser.add_argument("--style", metavar="S", help="one that the model knows (a wrong one lists them)")
    parser.add_argument(
        "--guidance",
        type=float,
        metavar="G",
        help="how many times as far as learnt it leans to the style: 1 is as learnt, 0 is any style; default 3, with "
        "drums-vae 6",
    )
    parser.add_argument("--like", type=Path, metavar="FILE", help="of drums: a file with the feel, not a style's")
    add_touch(parser, strength=STRENGTH)
    pieces.add_note_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.models import checkpoint, drum_vae, humaniser

    if (arguments.style is None) == (arguments.like is None):
        both = ", not both" if arguments.like else ""
        raise ParameterError(f"name a style with --style S, or a file of drums with --like FILE{both}")
    model = checkpoint.load(arguments.model)
    if model.family == humaniser.FAMILY:
        return _feel(arguments, model)
    if arguments.like is not None:
        raise ParameterError("--like takes the feel of drums: leave it out, or leave out --model")
    given = [f"--{name}" for name in ("strength", "velocity", "timing") if getattr(arguments, name) is not None]
    if given:
        raise ParameterError(
            f"{', '.join(given)}: no say with {model.name!r}, which makes notes anew; leave that out, or, for drums, "
            "take --model humanise"
        )
    return _drums(arguments, model) if model.family == drum_vae.FAMILY else _tune(arguments)


@dataclass(frozen=True)
class _Guided:
    """What is asked for, and how far it leans to its style."""

    asked: pieces.Asked
    guidance: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**self.asked.to_dict(), "guidance": self.guidance}


def _feel(arguments: argparse.Namespace, model: "Checkpoint") -> int:
    from audio_gen.pipelines.groove_transfer import GUIDANCE, like, styled
    from audio_gen.pipelines.humaniser import Humaniser, compared
    from audio_gen.pipelines.provenance import digest
    from audio_gen.symbolic.files import drum_track, read_notes

    humaniser, touch = Humaniser(model), touch_of(arguments, strength=STRENGTH)
    style, guidance = pieces.whole_style(touch.style, model), _guidance(arguments, GUIDANCE)
    asked: pieces.Asked = _Guided(touch, guidance)
    other: Score | None = None
    if arguments.like is not None:
        if arguments.guidance is not None:
            raise ParameterError("--guidance leans to a style: leave it out, or --like")
        other = read_notes(clips.existing(arguments.like))
        asked = touch = replace(touch, like=digest(arguments.like))
        drum_track(other)

    def change(score: "Score") -> "Piece":
        if other is None:
            made = styled(humaniser, score, touch, track=arguments.track, guidance=guidance)
        else:
            made = like(humaniser, score, other, touch, track=arguments.track)
        return replace(compared(score, made, touch), wish=asked.to_dict(), more={"style": style})

    return pieces.run_note_files(arguments, "transferred", model, asked, change, kind="transfer")


def _drums(arguments: argparse.Namespace, model: "Checkpoint") -> int:
    from audio_gen.pipelines.groove_remade import GUIDANCE, remade
    from audio_gen.pipelines.piece import Wish

    wish, guidance = Wish(style=arguments.style, seed=arguments.seed), _guidance(arguments, GUIDANCE)
    style = pieces.whole_style(wish.style, model)

    def change(score: "Score") -> "Piece":
        return replace(remade(model, score, wish, track=arguments.track, guidance=guidance), more={"style": style})

    asked = _Guided(wish, guidance)
    return pieces.run_note_files(arguments, "transferred", model, asked, change, kind="transfer")


def _tune(arguments: argparse.Namespace) -> int:
    from audio_gen.pipelines.composer import load_maker
    from audio_gen.pipelines.piece import Wish
    from audio_gen.pipelines.tune_transfer import GUIDANCE, retuned

    maker, guidance = load_maker(arguments.model), _guidance(arguments, GUIDANCE)
    wish = Wish(style=arguments.style, seed=arguments.seed, top_p=0.95, voices="chords")
    pieces.whole_style(wish.style, maker.checkpoint)

    def change(score: "Score") -> "Piece":
        return retuned(maker, score, wish, track=arguments.track, guidance=guidance)

    asked = _Guided(wish, guidance)
    return pieces.run_note_files(arguments, "transferred", maker.checkpoint, asked, change, kind="transfer")


def _guidance(arguments: argparse.Namespace, default: float) -> float:
    from audio_gen.pipelines.leaning import check_guidance

    guidance = default if arguments.guidance is None else float(arguments.guidance)
    check_guidance(guidance)
    return guidance
