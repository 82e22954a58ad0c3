"""`audio-gen drums`: drums for files of notes, or patterns alone, also played with generated one-shots."""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.app import clips, conditions, note_files, options, pieces
from audio_gen.app.running import plan_files
from audio_gen.errors import ParameterError
from audio_gen.pipelines.inputs import Source

if TYPE_CHECKING:
    from audio_gen.models.checkpoint import Checkpoint
    from audio_gen.pipelines.drum_kit import DrumKit
    from audio_gen.pipelines.drum_maker import DrumMaker, DrumWish
    from audio_gen.pipelines.piece import Piece
    from audio_gen.pipelines.render import Finish

HELP = "add drums to files of notes in their metre and tempo, or make patterns alone"
GENERATED = "generated"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser, what=".mid, .abc or MusicXML files, and folders; without any, patterns alone")
    conditions.add_conditions(
        parser,
        model="drums-rnn",
        without=("--key", "--chords", "--range", "--redraws"),
        bars="of a pattern, 1 to 512; default 8",
        style="default any, but jazz in 3/4 and rock in 6/8, as most real drums there are",
    )
    parser.add_argument(
        "--fill", type=options.at_least(0), default=0, metavar="N", help="every Nth bar is a fill; default none"
    )
    parser.add_argument("--count", type=options.at_least(1), default=1, metavar="N", help="patterns; default 1")
    parser.add_argument("--replace", action="store_true", help="drums that a file has already make way")
    parser.add_argument(
        "--kit",
        metavar="K",
        help="write a WAV too, the drums played by a SoundFont, or by one-shots of a generator: generated (drums), or "
        "generated:NAME",
    )
    parser.add_argument(
        "--kit-seed", type=int, default=0, metavar="K", help="the same seed gives the same one-shots; default 0"
    )
    pieces.add_note_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.pipelines.drum_maker import load_drummer

    named = bool(arguments.paths or arguments.files_from)
    _check(arguments, named)
    maker = load_drummer(arguments.model)
    kit = _kit(arguments)
    wish = _wish(arguments, kit)
    maker.check(wish)
    pieces.whole_style(wish.style, maker.checkpoint)
    if named:
        return _for_files(arguments, maker, wish, kit)
    planned = pieces.new_pieces(arguments, maker.checkpoint.name, wish)
    return _run(arguments, maker, {one: one.path for one in planned}, planned, kit)


def _check(arguments: argparse.Namespace, named: bool) -> None:
    own = [f"--{name}" for name in ("meter", "bpm", "bars") if getattr(arguments, name) is not None]
    if named and (own or arguments.count > 1):
        raise ParameterError(
            f"leave out {', '.join(own or ['--count'])}: a file gets drums in its own metre, tempo and bars, once"
        )
    if not named and arguments.replace:
        raise ParameterError("--replace is for files that have drums; name one")
    if arguments.kit and arguments.soundfont and not _generated(arguments):
        raise ParameterError(f"--kit {arguments.kit} and --soundfont {arguments.soundfont}: one SoundFont plays it all")
    if arguments.kit and not _generated(arguments):
        arguments.render, arguments.soundfont = True, arguments.kit


def _generated(arguments: argparse.Namespace) -> bool:
    return str(arguments.kit).partition(":")[0] == GENERATED


def _kit(arguments: argparse.Namespace) -> "DrumKit | None":
    if not arguments.kit or not _generated(arguments):
        return None
    from audio_gen.pipelines.drum_kit import DrumKit

    arguments.render = False  # by the kit, not by a SoundFont alone
    return DrumKit.load(arguments.kit.partition(":")[2] or "drums", seed=arguments.kit_seed)


def _wish(arguments: argparse.Namespace, kit: "DrumKit | None") -> "DrumWish":
    from audio_gen.pipelines.drum_maker import DrumWish

    told = f"{kit.generator.checkpoint.name} {arguments.kit_seed}" if kit else None
    return DrumWish(**conditions.wish_of(arguments).to_dict(), fill_every=arguments.fill, kit=told)


def _for_files(arguments: argparse.Namespace, maker: "DrumMaker", wish: "DrumWish", kit: "DrumKit | None") -> int:
    from audio_gen.symbolic.files import NOTE_EXTENSIONS

    planned = plan_files(arguments, "_drums.mid", extensions=NOTE_EXTENSIONS)
    return _run(arguments, maker, planned, dict.fromkeys(planned, wish), kit, files=True)


def _run(
    arguments: argparse.Namespace,
    maker: "DrumMaker",
    planned: Mapping[Source, Path],
    wishes: "Mapping[Source, DrumWish]",
    kit: "DrumKit | None",
    *,
    files: bool = False,
) -> int:
    from audio_gen.symbolic.files import read_notes

    finish = clips.finish_of(arguments)

    def make(source: Source) -> "tuple[Piece, Mapping[str, Any] | None]":
        wish, told = wishes[source], None
        if files:
            piece = maker.drummed(read_notes(source.path), wish, replacing=arguments.replace)
            told = note_files.origin(source.path)
        else:
            piece = maker.make(wish)
        if kit is not None:
            more = _played(planned[source], piece, maker.checkpoint, kit, finish, arguments.soundfont)
            piece = replace(piece, more={**piece.more, **more})
        return piece, told

    return pieces.run_pieces(arguments, planned, maker.checkpoint, wishes, make, kind="drums")


def _played(
    path: Path, piece: "Piece", model: "Checkpoint", kit: "DrumKit", finish: "Finish", soundfont: str | None
) -> dict[str, Any]:
    """STEM.wav by a generated kit; gives what is told of it."""
    clip = kit.play(piece.score, soundfont=soundfont)
    said = note_files.said_of(model, piece.wish, None)  # the sound is the kit's, and under its terms
    tags = {**said, "licence": f"{kit.said()['licence']} (one-shots); {said['licence']} (notes)", "kit": kit.said()}
    return {"kit": kit.said(), "rendered": note_files.write_sound(path.with_suffix(".wav"), clip, finish, tags)}
