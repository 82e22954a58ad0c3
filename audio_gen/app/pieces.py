"""What commands that write notes share: their options, and writing a piece with what it says of itself."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.app import clips, options
from audio_gen.app.running import finish as finish_batch
from audio_gen.app.running import plan_files, refuse_existing
from audio_gen.pipelines.batch import run_batch, usable_cores
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.journal import read_done
from audio_gen.pipelines.records import Record, RecordWriter, plain, success

if TYPE_CHECKING:
    from audio_gen.audio.clip import Clip
    from audio_gen.models.checkpoint import Checkpoint
    from audio_gen.pipelines.maker import Maker
    from audio_gen.pipelines.piece import Piece, Wish
    from audio_gen.pipelines.render import Finish
    from audio_gen.pipelines.render_notes import Instruments
    from audio_gen.symbolic.score import Score

DENSITIES, VOICES = ("low", "mid", "high"), ("satb", "chords")
NOTE_FILES = ".mid, .abc or MusicXML files, and folders to search to the bottom"


def add_conditions(
    parser: argparse.ArgumentParser, *, model: str, without: tuple[str, ...] = (), bars: str = "how many"
) -> None:
    """--model, --style ... --best-of and --seed, but for those of `without`; `bars` explains --bars."""
    parser.add_argument("--model", default=model, metavar="NAME", help=f"checkpoint by name or path; default {model}")
    add = parser.add_argument
    table: dict[str, dict[str, Any]] = {
        "--style": {"metavar": "S", "help": "one that the model knows (a wrong one lists them); default any"},
        "--key": {"metavar": "K", "help": 'such as "D minor", F# or Bbm'},
        "--meter": {"metavar": "M", "help": "such as 3/4"},
        "--bpm": {"type": options.above_zero, "metavar": "B", "help": "quarters a minute"},
        "--bars": {"type": options.at_least(1), "metavar": "N", "help": bars},
        "--chords": {"metavar": "C", "help": 'bar by bar, such as "Dm7 G7 | Cmaj7"; too few begin anew'},
        "--density": {"choices": DENSITIES, "help": "which third of real music its notes a quarter shall lie in"},
        "--range": {"dest": "pitches", "metavar": "R", "help": "lowest and highest pitch, such as C3-C6"},
        "--temperature": {"type": options.above_zero, "default": 1.0, "metavar": "T", "help": "bolder above 1"},
        "--top-p": {
            "type": options.share,
            "default": 0.95,
            "metavar": "P",
            "help": "choose among the likeliest that have this chance together; default 0.95",
        },
        "--best-of": {"type": options.at_least(1), "metavar": "K", "help": "make K takes, keep the one that fits best"},
        "--seed": {"type": int, "default": 0, "metavar": "K", "help": "the same seed gives the same notes; default 0"},
    }
    for name, settings in table.items():
        if name not in without:
            add(name, **settings)


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


def wish_of(arguments: argparse.Namespace, **changes: Any) -> "Wish":
    """What the options of `add_conditions` ask for; without --best-of eight takes where --density is soft, else one.

    Raises:
        ParameterError: a condition that is none.
    """
    from dataclasses import fields

    from audio_gen.pipelines.piece import Wish

    given = {one.name: getattr(arguments, one.name) for one in fields(Wish) if hasattr(arguments, one.name)}
    if given.get("best_of") is None:
        given["best_of"] = 8 if given.get("density") else 1
    return Wish(**{**given, **changes})


@dataclass(frozen=True)
class Player:
    """What --render plays a piece with."""

    instruments: "Instruments"
    finish: "Finish"


def player_of(arguments: argparse.Namespace) -> Player | None:
    """What --render and its options ask for; None without it.

    Raises:
        ParameterError: no SoundFont, or a loudness that makes no sense.
    """
    if not arguments.render:
        return None
    from audio_gen.audio.synth import find_soundfont
    from audio_gen.pipelines.render_notes import Instruments

    finish = clips.finish_of(arguments)
    return Player(Instruments(find_soundfont(arguments.soundfont)), finish)


def said_of(model: "Checkpoint", wish: Mapping[str, Any], player: Player | None) -> dict[str, Any]:
    """What a piece says of itself before it is made: no time, path or number of jobs, so the same bytes each time."""
    from dataclasses import asdict

    from audio_gen import __version__

    said = {
        "software": f"audio_gen {__version__}",
        "generated_by": "machine",
        "model": model.name,
        "sha256": model.sha256,
        "licence": model.licence,
        "trained_on": list(model.training.get("credits", [])),
        "seed": wish["seed"],
        "wish": dict(wish),
    }
    if player is None:
        return said
    return {**said, "soundfont": player.instruments.soundfont.name, "finish": asdict(player.finish)}


def deliver(
    path: Path,
    piece: "Piece",
    model: "Checkpoint",
    *,
    kind: str,
    player: Player | None = None,
    source: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Record:
    """Write one piece: STEM.wav where there is a player, STEM.json and, last, `path`, so that where it is, all is.

    Args:
        path: the .mid file.
        piece: what goes there.
        model: what made it.
        kind: the command, under which the record has its result.
        player: of --render.
        source: what is told of the file that it was made from.
        name: what the record calls it; None is its path.
    """
    from audio_gen.pipelines.piece import seconds_of
    from audio_gen.symbolic.files import write_notes

    whole = said_of(model, piece.wish, player)
    if source is not None:
        whole["source"] = dict(source)
    whole |= {"measured": piece.measured, "copies": piece.copies, **piece.more}
    path.parent.mkdir(parents=True, exist_ok=True)
    if player is not None:
        whole["rendered"] = _rendered(path.with_suffix(".wav"), piece.score, player, whole)
    whole = plain(whole)
    clips.write_sidecar(path, whole)
    write_notes(path, piece.score)
    rate = player.instruments.sample_rate if player is not None else None
    return success(
        name or str(path), {kind: {"output": str(path), **whole}}, duration_s=seconds_of(piece.score), sample_rate=rate
    )


def _rendered(path: Path, score: "Score", player: Player, said: Mapping[str, Any]) -> dict[str, Any]:
    from audio_gen.symbolic.render import render_score

    clip = render_score(score, soundfont=player.instruments.soundfont, sample_rate=player.instruments.sample_rate)
    tags = plain({key: value for key, value in said.items() if key not in ("measured", "copies")})
    return write_sound(path, clip, player.finish, tags)


def write_sound(path: Path, clip: "Clip", finish: "Finish", tags: dict[str, Any]) -> dict[str, Any]:
    """Write a clip; gives loudness, peak and gain, as JSON has them."""
    import torch

    from audio_gen.pipelines.render import BLOCK, render

    blocks = torch.split(clip.samples, BLOCK, dim=1)
    return render(path, blocks, clip.samples.shape[1], clip.sample_rate, finish, tags).to_dict()


def origin(path: Path) -> dict[str, str]:
    """What is told of a file that a piece was made from."""
    from audio_gen.pipelines.provenance import digest

    return {"name": path.name, "sha256": digest(path)}


Make = Callable[[Source], "tuple[Piece, Mapping[str, Any] | None]"]  # and what is told of the file it was made from


def run_pieces(
    arguments: argparse.Namespace,
    planned: Mapping[Source, Path],
    model: "Checkpoint",
    wishes: Mapping[Source, "Wish"],
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
    wish: "Wish",
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
    return run_note_files(
        arguments, ending, maker.checkpoint, wish, lambda score: change(maker, score, wish), kind=verb
    )


def new_pieces(arguments: argparse.Namespace, name: str, wish: "Wish") -> "dict[Source, Wish]":
    """`arguments.count` new pieces, as sources that stand for no file: `NAME_STYLE_s7_0003.mid` in the folder."""
    from dataclasses import replace

    style = clips.plain((wish.style or "any").lower())
    paths = [Path(arguments.output, f"{name}_{style}_s{wish.seed}_{n:04d}.mid") for n in range(arguments.count)]
    return {Source(path, str(path), path): replace(wish, index=n) for n, path in enumerate(paths)}
