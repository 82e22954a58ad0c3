"""How drums are touched: options that `humanise` and `transfer` share."""

import argparse
from typing import TYPE_CHECKING

from audio_gen.app import options

if TYPE_CHECKING:
    from audio_gen.pipelines.humaniser import Touch


def add_touch(parser: argparse.ArgumentParser, *, strength: float) -> None:
    """--strength, --velocity, --timing, --track and --seed; the first three are None where they aren't given."""
    parser.add_argument(
        "--strength",
        type=options.share,
        metavar="0..1",
        help=f"how far to go, 0 leaves all as it is; default {strength:g}",
    )
    for what in ("velocity", "timing"):
        parser.add_argument(
            f"--{what}",
            action=argparse.BooleanOptionalAction,
            help=f"whether {what} changes; default yes",
        )
    parser.add_argument("--track", type=options.at_least(1), metavar="N", help="the one to change, from 1")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="K", help="the same seed gives the same notes; default 0"
    )


def touch_of(arguments: argparse.Namespace, *, strength: float) -> "Touch":
    """What the options ask for; `strength` is the one that isn't asked for.

    Raises:
        ParameterError: what a `Touch` refuses.
    """
    from audio_gen.pipelines.humaniser import Touch

    keep_accents = getattr(arguments, "keep_accents", False)
    return Touch(
        strength if arguments.strength is None else arguments.strength,
        arguments.velocity is not False,
        arguments.timing is not False,
        arguments.style,
        keep_accents,
        arguments.seed,
    )
