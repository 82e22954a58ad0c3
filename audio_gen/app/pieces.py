"""What commands that write notes share: their options, and a run over files or new pieces."""

import argparse
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from audio_gen.app import clips, options
from audio_gen.app.conditions import wish_of
from audio_gen.app.note_files import Player, deliver, origin, player_of, said_of
from audio_gen.app.running import finish as finish_batch
from audio_gen.app.running import plan_files, refuse_existing
from audio_gen.pipelines.batch import run_batch, usable_cores
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.journal import read_done
from audio_gen.pipelines.records import Record, RecordWriter

if TYPE_CHECKING:
    from audio_gen.models.checkpoint import Checkpoint
    from audio_gen.pipelines.maker import Maker
    from audio_gen.pipelines.piece import Piece, Wish
    from audio_gen.symbolic.score import Score

_log = logging.getLogger(__name__)

NOTE_FILES = ".mid, .abc or MusicXML files, and folders to search to the bottom"

W = TypeVar("W", bound="Wish")


def add_note_output(parser: argparse.ArgumentParser, *, what: str = "the tree of the inputs is mirrored") -> None:
    """-o, --format, --render with its options, and the batch options."""
    parser.add_argument("--render", action="store_true", help="also play it into a WAV beside")
    parser.add_argument("--soundfont", metavar="F", help="of --render: SF2 or SF3; default: the system's")
    parser.add_argument(
        "--lufs", type=float, default=-16.0, metavar="L", help="of --render: loudness; default -16 (at most -1 dB peak)"
    )
    parser.add_argument("--subtype", metavar="S", help="of --render: PCM_16 (default), PCM_24 or FLOAT")
    options.add_folder_output(parser, what=what)
    options.add_batch(parser)


def whole_style(style: str | None, model: "Checkpoint") -> str | None:
    """The label that a style, or a part of its name, stands for; where it reads otherwise, it is said.

    Raises:
        ParameterError: none, or several; the message lists those there are.
    """
    if style is None:
        return None
    from audio_gen.pipelines.wish_words import style_number

    label = model.labels[style_number(style, model.labels, model.name)]
    if label != style:
        _log.info("style %r is %r", style, label)
    return label


class Asked(Protocol):
    """What is asked for, by whatever a command calls it."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""


Make = Callable[[Source], "tuple[Piece, Mapping[str, Any] | None]"]  # and what is told of the file it was made from


def run_pieces(
    arguments: argparse.Namespace,
    planned: Mapping[Source, Path],
    model: "Checkpoint",
    wishes: Mapping[Source, Asked],
    make: Make,
    *,
    kind: str,
) -> int:
    """Run a command that writes a piece for each source: outputs, records and the exit code.

    Args:
        arguments: from a parser with `add_note_output`.
        planned: the .mid file of each source.
        model: what makes them.
        wishes: what is asked for, to compare with what is there.
        make: the work on one source; errors in it cost that source's record.
        kind: the command.

    Raises:
        ParameterError: outputs that exist and neither --skip-existing nor --overwrite, or others than would be made.
    """
    from audio_gen.pipelines.device import one_thread

    player = player_of(arguments)
    table = Path(arguments.output, "manifest.parquet") if arguments.format == "parquet" else None
    refuse_existing(arguments, [one for one in [*planned.values(), *([table] if table else [])] if one.exists()])
    kept = {one for one, path in planned.items() if arguments.skip_existing and _whole(path, player)}
    for folder in dict.fromkeys(path.parent for path in planned.values()):
        clips.usable(folder)
    for one in kept:
        clips.same_as_before(planned[one], said_of(model, wishes[one].to_dict(), player))
    todo = [one for one in planned if one not in kept]
    again = {one.name for one in todo}
    earlier = [row for row in read_done(table, "parquet") if row["path"] not in again] if table and kept else []

    def work(source: Source) -> Record:
        piece, told = make(source)
        return deliver(planned[source], piece, model, kind=kind, player=player, source=told, name=source.name)

    # in one thread: --jobs doesn't change a piece's bytes
    with one_thread(), RecordWriter(arguments.format, table, keep=earlier, goes_on=True) as writer:
        counts = run_batch(
            todo,
            work,
            jobs=arguments.jobs or usable_cores(),
            fail_fast=arguments.fail_fast,
            on_record=writer.write,
            progress=not arguments.quiet,
        )
    return finish_batch(counts, skipped=len(kept))


def _whole(path: Path, player: Player | None) -> bool:
    suffixes = (".mid", ".json") + ((".wav",) if player is not None else ())
    return all(path.with_suffix(suffix).exists() for suffix in suffixes)


def run_note_files(
    arguments: argparse.Namespace,
    ending: str,
    model: "Checkpoint",
    wish: Asked,
    change: "Callable[[Score], Piece]",
    *,
    kind: str,
) -> int:
    """`run_pieces` for a command that makes `STEM_ending.mid` of each file of notes; `change` makes the piece.

    Raises:
        ParameterError: wrong paths, or as there.
    """
    from audio_gen.symbolic.files import NOTE_EXTENSIONS, read_notes

    planned = plan_files(arguments, f"_{ending}.mid", extensions=NOTE_EXTENSIONS)

    def make(source: Source) -> "tuple[Piece, Mapping[str, Any]]":
        return change(read_notes(source.path)), origin(source.path)

    return run_pieces(arguments, planned, model, dict.fromkeys(planned, wish), make, kind=kind)


def run_maker(
    arguments: argparse.Namespace,
    verb: str,
    ending: str,
    change: "Callable[[Maker, Score, Wish], Piece]",
) -> int:
    """`run_note_files` for a command that a maker of notes has a verb for: what it can't do, it says before any file.

    Raises:
        ParameterError: a model or a condition that isn't for this, or as there.
    """
    wish = wish_of(arguments)
    from audio_gen.pipelines.composer import load_maker

    maker = load_maker(arguments.model)
    maker.check_verb(verb)
    maker.check(wish)
    whole_style(wish.style, maker.checkpoint)
    return run_note_files(
        arguments, ending, maker.checkpoint, wish, lambda score: change(maker, score, wish), kind=verb
    )


def new_pieces(arguments: argparse.Namespace, name: str, wish: W) -> "dict[Source, W]":
    """`arguments.count` new pieces, as sources that stand for no file: `NAME_STYLE_s7_0003.mid` in the folder."""
    from dataclasses import replace

    style = clips.plain((wish.style or "any").lower())
    paths = [Path(arguments.output, f"{name}_{style}_s{wish.seed}_{n:04d}.mid") for n in range(arguments.count)]
    return {Source(path, str(path), path): replace(wish, index=n) for n, path in enumerate(paths)}
