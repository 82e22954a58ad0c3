"""Conditions that new notes can be asked for: their options, and the wish that these make."""

import argparse
from typing import TYPE_CHECKING, Any

from audio_gen.app import options

if TYPE_CHECKING:
    from audio_gen.pipelines.piece import Wish

DENSITIES, VOICES = ("low", "mid", "high"), ("satb", "chords")  # as `piece` has them, which --help can't wait for


def add_conditions(
    parser: argparse.ArgumentParser,
    *,
    model: str,
    without: tuple[str, ...] = (),
    bars: str = "how many, 1 to 512",
    style: str = "default any",
) -> None:
    """--model, --style ... --redraws and --seed, but for those of `without`; `bars` and `style` tell what those are."""
    parser.add_argument("--model", default=model, metavar="NAME", help=f"checkpoint by name or path; default {model}")
    add, takes = parser.add_argument, "1" if "--density" in without else "8 with --density, else 1"
    table: dict[str, dict[str, Any]] = {
        "--style": {"metavar": "S", "help": f"one that the model knows (a wrong one lists them); {style}"},
        "--key": {"metavar": "K", "help": 'such as "D minor", F# or Bbm; what is made keeps to it'},
        "--meter": {"metavar": "M", "help": "such as 3/4; default 4/4"},
        "--bpm": {"type": options.above_zero, "metavar": "B", "help": "quarters a minute, 10 to 400; default 120"},
        "--bars": {"type": options.at_least(1), "metavar": "N", "help": bars},
        "--chords": {"metavar": "C", "help": 'bar by bar, such as "Dm7 G7 | Cmaj7"; too few begin anew'},
        "--density": {"choices": DENSITIES, "help": "which third of real music its notes a quarter shall lie in"},
        "--range": {"dest": "pitches", "metavar": "R", "help": "low and high pitch, an octave or more apart: C3-C6"},
        "--temperature": {
            "type": options.above_zero,
            "default": 1.0,
            "metavar": "T",
            "help": "bolder above 1, at most 10",
        },
        "--top-p": {
            "type": options.share,
            "default": 0.95,
            "metavar": "P",
            "help": "choose among the likeliest that have this chance together; default 0.95",
        },
        "--best-of": {
            "type": options.at_least(1),
            "metavar": "K",
            "help": f"make K takes, at most 64, keep the one that fits best; default {takes}",
        },
        "--redraws": {
            "type": options.at_least(0),
            "default": 7,
            "metavar": "K",
            "help": "up to K more takes while notes, pitches or tones of the chords are fewer than in 99 of 100 "
            "real tunes; default 7",
        },
        "--seed": {"type": int, "default": 0, "metavar": "K", "help": "the same seed gives the same notes; default 0"},
    }
    for name, settings in table.items():
        if name not in without:
            add(name, **settings)


def add_programs(parser: argparse.ArgumentParser, usual: str) -> None:
    """--program; `usual` tells what new tracks are without it."""
    parser.add_argument(
        "--program",
        dest="programs",
        metavar="P[,P...]",
        help="General MIDI instruments of the new tracks in turn, 0 to 127 or by name: flute,strings (a wrong one "
        f"lists them); default {usual}",
    )


def wish_of(arguments: argparse.Namespace, **changes: Any) -> "Wish":
    """What the options of `add_conditions` ask for; without --best-of eight takes where --density is soft, else one.

    Raises:
        ParameterError: a condition that is none.
    """
    from dataclasses import fields

    from audio_gen.pipelines.piece import Wish
    from audio_gen.pipelines.wish_words import parse_program

    given: dict[str, Any] = {
        one.name: getattr(arguments, one.name) for one in fields(Wish) if hasattr(arguments, one.name)
    }
    if given.get("best_of") is None:
        given["best_of"] = 8 if given.get("density") else 1
    if given.get("programs") is not None:
        given["programs"] = tuple(map(parse_program, given["programs"].split(",")))
    return Wish(**{**given, **changes})
