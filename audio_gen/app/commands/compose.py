"""`audio-gen compose`: conditions and a seed → new pieces as MIDI."""

import argparse

from audio_gen.app import options, pieces

HELP = "compose melodies, four voices or drums: one .mid and one .json that tells of it each"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    pieces.add_conditions(parser, model="melody", bars="how many; default 8")
    parser.add_argument(
        "--voices", choices=pieces.VOICES, help="of the composer: a melody with chords (default), or four voices"
    )
    parser.add_argument("--count", type=options.at_least(1), default=1, metavar="N", help="pieces to make; default 1")
    pieces.add_note_output(parser, what="files are named from model, style, seed and index")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    wish = pieces.wish_of(arguments)
    from audio_gen.pipelines.composer import load_maker

    maker = load_maker(arguments.model)
    maker.check(wish)
    wishes = pieces.new_pieces(arguments, maker.checkpoint.name, wish)
    planned = {source: source.path for source in wishes}
    return pieces.run_pieces(
        arguments, planned, maker.checkpoint, wishes, lambda source: (maker.make(wishes[source]), None), kind="compose"
    )
