"""`audio-gen generate`: a model, labels and seeds → new clips as WAV."""

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.app import clips, options
from audio_gen.app.extending import add_extending, extend
from audio_gen.app.running import finish as finish_batch
from audio_gen.app.running import refuse_existing
from audio_gen.errors import ParameterError
from audio_gen.pipelines.batch import run_batch, usable_cores
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.records import Record, RecordWriter
from audio_gen.pipelines.tables import read_done

if TYPE_CHECKING:
    from audio_gen.pipelines.autoencoder import Autoencoder
    from audio_gen.pipelines.generate import Generated, Generator, Wish
    from audio_gen.pipelines.vocoder import Vocoder

HELP = "make new clips with a trained generator and a vocoder, one WAV and one .json that tells of it each"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--model", metavar="NAME", help="a generator (or vae) by name or path")
    parser.add_argument(
        "--label",
        nargs="+",
        metavar="L",
        help="what to make; a mixture is A:0.7,B:0.3; without it the labels take turns",
    )
    parser.add_argument("--count", type=options.at_least(1), default=1, metavar="N", help="clips to make; default 1")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of each; default 10, one-shots as they are")
    parser.add_argument(
        "--seed", type=int, nargs="+", default=[0], metavar="K", help="the same seed gives the same clips; default 0"
    )
    parser.add_argument(
        "--variety", type=float, default=1.0, metavar="0..1", help="how far clips are from what is typical; default 1"
    )
    parser.add_argument("--loop", action="store_true", help="the end flows into the beginning, without a seam")
    parser.add_argument("--bpm", type=float, metavar="B", help="of a loop: its length is --bars at this tempo (4/4)")
    parser.add_argument(
        "--bars", type=options.at_least(1), metavar="N", help="of a loop; default 4 where --bpm is given"
    )
    parser.add_argument(
        "--tree", action="store_true", help="a folder for each label, and DIR/manifest with all records"
    )
    parser.add_argument("--like", type=Path, metavar="FILE", help="clips that resemble this recording")
    parser.add_argument("--best-of", type=options.at_least(1), metavar="K", help="make K takes of each, keep the best")
    parser.add_argument("--judge", metavar="NAME", help="for --best-of: a classifier over the labels; default: found")
    parser.add_argument("--check-copies", action="store_true", help="say whether a clip copies the training music")
    parser.add_argument(
        "--rerender", type=Path, metavar="FILE", help="make this file again, from what it says of itself"
    )
    add_extending(parser)
    clips.add_finish(parser)
    options.add_folder_output(parser, what="files are named from model, label, seed and index")
    options.add_device(parser)
    options.add_batch(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    if arguments.rerender is not None:
        return _rerender(arguments)
    if arguments.model is None:
        raise ParameterError("name a generator with --model NAME (`audio-gen info` lists those there are)")
    if arguments.continue_file is not None or arguments.inpaint is not None:
        return extend(arguments)
    return _make_all(arguments)


def _make_all(arguments: argparse.Namespace) -> int:
    import torch

    finish = clips.finish_of(arguments)
    maker = clips.load_maker(arguments.model, arguments.device)
    vocoder = maker.vocoder(arguments.vocoder)
    first = _first_wish(arguments, maker)
    planned = _planned(arguments, maker.checkpoint.name, _wishes(arguments, first, maker.labels))
    for label in {wish.label for wish in planned.values()}:
        maker.make(replace(first, label=label))  # what it refuses, it refuses before any work
    kind = arguments.format
    whole = arguments.tree or kind == "parquet"
    table = Path(arguments.output, f"manifest.{kind}") if whole else None
    refuse_existing(arguments, [path for path in [*planned, *([table] if table else [])] if path.exists()])
    done = {path for path in planned if path.exists() and path.with_suffix(".json").exists()}
    todo = [path for path in planned if not (arguments.skip_existing and path in done)]
    again = {str(path) for path in todo}
    earlier = read_done(table, kind) if table and arguments.skip_existing and table.exists() else []
    known = {row["path"] for row in earlier} | again
    if table:  # a kill may have lost the rows of clips that are there
        earlier += [clips.recalled(path, vocoder) for path in planned if str(path) not in known]
    make = _maker(arguments, maker, vocoder) if todo else None

    def work(source: Source) -> Record:
        item, found = make(planned[source.path])
        return clips.deliver(source.path, item, maker, vocoder, finish, found=found)

    sources = [Source(path, str(path), path) for path in todo]
    with RecordWriter(kind, table, keep=[row for row in earlier if row["path"] not in again]) as writer:
        torch.set_num_threads(1)  # a clip's bytes shall not depend on what else is made
        counts = run_batch(
            sources,
            work,
            jobs=arguments.jobs or usable_cores(),
            fail_fast=arguments.fail_fast,
            on_record=writer.write,
            progress=not arguments.quiet,
        )
    return finish_batch(counts, skipped=len(planned) - len(todo))


def _first_wish(arguments: argparse.Namespace, maker: "Generator | Autoencoder") -> "Wish":
    """What all clips have in common; --like finds its label and global noise."""
    from audio_gen.pipelines.generate import Generator, Wish

    if not maker.labels:
        raise ParameterError(f"{maker.checkpoint.name!r} was trained without labels; there is nothing to ask it for")
    first = Wish(maker.labels[0], seconds=_seconds(arguments), variety=arguments.variety, loop=arguments.loop)
    if arguments.like is None:
        return first
    if arguments.label or not isinstance(maker, Generator):
        raise ParameterError("--like finds the labels itself, for a generator: leave --label out, and name one")
    from audio_gen.audio.decode import load
    from audio_gen.pipelines.autoencoder import Autoencoder
    from audio_gen.pipelines.like import like

    recording = load(clips.existing(arguments.like))
    found = like(maker, Autoencoder.load(device=maker.device), recording)
    return replace(first, label=found.label, glob=found.glob)


def _wishes(arguments: argparse.Namespace, first: "Wish", labels: tuple[str, ...]) -> "Iterator[Wish]":
    """Labels x seeds x indices; labels that aren't told take turns."""
    told = [first.label] if arguments.like else arguments.label or [None]
    for label, seed in product(told, dict.fromkeys(arguments.seed)):
        for index in range(arguments.count):
            turn = labels[index % len(labels)]
            yield replace(first, label=turn if label is None else label, seed=seed, index=index)


def _planned(arguments: argparse.Namespace, model: str, wishes: "Iterable[Wish]") -> "dict[Path, Wish]":
    """Where each clip goes."""
    planned: dict[Path, Wish] = {}
    for wish in wishes:
        path = _path(arguments, model, wish)
        if planned.setdefault(path, wish) != wish:
            both = f"{planned[path].label!r} and {wish.label!r}"
            raise ParameterError(
                f"clips of {both} would both be called {path.name!r}; make them into different folders"
            )
    return planned


def _path(arguments: argparse.Namespace, model: str, wish: "Wish") -> Path:
    label = "like-" + arguments.like.stem if arguments.like else wish.label
    plain = re.sub(r"[^\w.+-]+", "-", label)[:60].lstrip(".")  # no label leads out of the folder
    folder = Path(arguments.output, plain) if arguments.tree else Path(arguments.output)
    return folder / f"{model}_{plain}_seed{wish.seed}_{wish.index:04d}.wav"


def _maker(arguments: argparse.Namespace, maker: "Generator | Autoencoder", vocoder: "Vocoder") -> Any:
    """From a wish to a clip and what was found of it: scores of takes, copies."""
    from audio_gen.pipelines.best import Jury, judge_for
    from audio_gen.pipelines.classify import Classifier
    from audio_gen.pipelines.generate import Generator

    jury = index = None
    if arguments.best_of:
        if not isinstance(maker, Generator):
            raise ParameterError("--best-of takes a generator")
        judge = Classifier.load(arguments.judge) if arguments.judge else judge_for(maker)
        jury = Jury(maker, vocoder, judge)
    if arguments.check_copies:
        from audio_gen.models import copy_index

        index = copy_index.load(copy_index.find(maker.checkpoint.name))

    def make(wish: "Wish") -> "tuple[Generated, dict[str, Any]]":
        found: dict[str, Any] = {}
        item = maker.make(wish)
        if jury is not None:
            item, scores = jury.best_of(wish, arguments.best_of)
            found["takes"] = [asdict(score) for score in scores]
        if index is not None:
            from audio_gen.models.copy_index import score

            found["copies"] = score(index, item.mel.numpy()).to_dict()
        return item, found

    return make


def _rerender(arguments: argparse.Namespace) -> int:
    from audio_gen.pipelines.provenance import asked_of, remade

    said = asked_of(clips.existing(arguments.rerender))
    maker = clips.load_maker(arguments.model or said["model"], arguments.device)
    # a vocoder that was named by its path is looked for by its name
    vocoder = maker.vocoder(said["vocoder"])
    item, finish = remade(maker, vocoder, said)
    path = Path(arguments.output, arguments.rerender.with_suffix(".wav").name)
    refuse_existing(arguments, [path] if path.exists() else [])
    with RecordWriter(
        arguments.format, Path(arguments.output, "manifest.parquet") if arguments.format == "parquet" else None
    ) as writer:
        writer.write(clips.deliver(path, item, maker, vocoder, finish))
    return 0


def _seconds(arguments: argparse.Namespace) -> float | None:
    from audio_gen.pipelines.loop import loop_seconds

    if arguments.bpm is None and arguments.bars is None:
        return None if arguments.seconds is None else float(arguments.seconds)
    if arguments.bpm is None or not arguments.loop:
        raise ParameterError("--bars goes with --bpm, and both with --loop: --loop --bpm 120 --bars 4")
    return loop_seconds(arguments.bpm, arguments.bars or 4)
