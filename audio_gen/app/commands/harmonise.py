"""`audio-gen harmonise`: files with a melody → the same with three more voices, or with chords."""

import argparse

from audio_gen.app import options, pieces

HELP = "add three voices or chords to a melody, whose notes are kept as they are"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser, what=pieces.NOTE_FILES)
    parser.add_argument(
        "--voices", choices=pieces.VOICES, default="satb", help="alto, tenor and bass (default), or chords"
    )
    parser.add_argument("--track", type=options.at_least(1), metavar="N", help="the melody, where several tracks fit")
    without = ("--bars", "--meter", "--bpm", "--chords", "--density")
    pieces.add_conditions(parser, model="composer", without=without)
    pieces.add_note_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    wish = pieces.wish_of(arguments)
    from audio_gen.pipelines.composer import load_maker

    maker = load_maker(arguments.model)
    maker.check_verb("harmonise")
    maker.check(wish)
    return pieces.run_note_files(
        arguments,
        "harmonised",
        maker.checkpoint,
        wish,
        lambda score: maker.harmonised(score, wish, arguments.track),
        kind="harmonise",
    )
