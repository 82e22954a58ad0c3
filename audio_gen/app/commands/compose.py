"""`audio-gen compose`: conditions and a seed → new pieces as MIDI."""

import argparse
from dataclasses import replace

from audio_gen.app import conditions, options, pieces

HELP = "compose melodies, four voices or drums: one .mid and one .json that tells of it each"

PIANO_AND_GUITAR, CHOIR = (0, 24), (52,)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    conditions.add_conditions(parser, model="melody", bars="how many, 1 to 512; default 8")
    parser.add_argument(
        "--voices", choices=conditions.VOICES, help="of the composer: a melody with chords (default), or four voices"
    )
    parser.add_argument("--count", type=options.at_least(1), default=1, metavar="N", help="pieces to make; default 1")
    conditions.add_programs(parser, "piano and, for chords, guitar; four voices are a choir")
    pieces.add_note_output(parser, what="files are named from model, style, seed and index")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    wish = conditions.wish_of(arguments)
    from audio_gen.pipelines.composer import DRUMS, load_maker

    maker = load_maker(arguments.model)
    maker.check(wish)
    pieces.whole_style(wish.style, maker.checkpoint)
    if wish.programs is None and maker.checkpoint.family not in DRUMS:
        wish = replace(wish, programs=CHOIR if wish.voices == "satb" else PIANO_AND_GUITAR)
    wishes = pieces.new_pieces(arguments, maker.checkpoint.name, wish)
    planned = {source: source.path for source in wishes}
    return pieces.run_pieces(
        arguments, planned, maker.checkpoint, wishes, lambda source: (maker.make(wishes[source]), None), kind="compose"
    )
