"""`audio-gen morph`: one drum pattern becomes another, step by step."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.app import clips, note_files, options, pieces
from audio_gen.pipelines.inputs import Source

if TYPE_CHECKING:
    from audio_gen.pipelines.piece import Piece

HELP = "let one drum pattern become another, step by step, in one MIDI file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("start", type=Path, metavar="A", help="a file with drums in 4/4")
    parser.add_argument("end", type=Path, metavar="B", help="another")
    parser.add_argument(
        "--model", default="drums-vae", metavar="NAME", help="checkpoint by name or path; default drums-vae"
    )
    parser.add_argument(
        "--steps",
        type=options.at_least(2),
        default=8,
        metavar="N",
        help="patterns, A and B included, 2 to 128; default 8",
    )
    parser.add_argument("--style", metavar="S", help="one that the model knows (a wrong one lists them); default any")
    pieces.add_note_output(parser, what="the file is called A_to_B.mid")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.pipelines.morph import Morph, Way
    from audio_gen.symbolic.files import read_notes

    paths = [clips.existing(path) for path in (arguments.start, arguments.end)]
    morph, way = Morph.load(arguments.model), Way(arguments.steps, arguments.style)
    morph.check(way)
    style = pieces.whole_style(way.style, morph.checkpoint)
    told = [note_files.origin(path) for path in paths]
    output = Path(arguments.output, f"{paths[0].stem}_to_{paths[1].stem}.mid")
    source = Source(output, str(output), output)

    def make(source: Source) -> "tuple[Piece, dict[str, Any]]":
        made = morph.made(read_notes(paths[0]), read_notes(paths[1]), way, names=(str(paths[0]), str(paths[1])))
        return replace(made, more={"style": style, **made.more}), {"start": told[0], "end": told[1]}

    return pieces.run_pieces(arguments, {source: output}, morph.checkpoint, {source: way}, make, kind="morph")
