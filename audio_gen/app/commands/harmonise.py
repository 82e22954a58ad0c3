"""`audio-gen harmonise`: files with a melody → the same with three more voices, or with chords."""

import argparse

from audio_gen.app import conditions, options, pieces

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
        arguments, "harmonise", "harmonised", lambda maker, score, wish: maker.harmonised(score, wish, arguments.track)
    )
