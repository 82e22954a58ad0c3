"""`audio-gen generate`: a model, labels and seeds → new clips as WAV."""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.app import clips, options
from audio_gen.app.extending import add_extending, extend
from audio_gen.app.running import finish as finish_batch
from audio_gen.app.running import refuse_existing
from audio_gen.app.wishes import first_wish, planned_files
from audio_gen.errors import ParameterError
from audio_gen.pipelines.batch import run_batch, usable_cores
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.journal import read_done
from audio_gen.pipelines.records import Record, RecordWriter

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
    extending = arguments.continue_file is not None or arguments.inpaint is not None
    if arguments.rerender is not None:
        _refuse_changes(arguments)
        return _rerender(arguments)
    if arguments.model is None:
        raise ParameterError("name a generator with --model NAME (`audio-gen info` lists those there are)")
    if extending:
        return extend(arguments)
    if arguments.start is not None or arguments.end is not None:
        raise ParameterError("--start and --end go with --inpaint FILE")
    if arguments.judge and not arguments.best_of:
        raise ParameterError("--judge goes with --best-of K")
    return _make_all(arguments)


def _refuse_changes(arguments: argparse.Namespace) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    free = {
        "rerender",
        "model",
        "output",
        "format",
        "device",
        "jobs",
        "skip_existing",
        "overwrite",
        "fail_fast",
        "quiet",
    }
    changed = [
        action.option_strings[-1]
        for action in parser._actions
        if action.dest in vars(arguments) and action.dest not in free
        if getattr(arguments, action.dest) != action.default
    ]
    if changed:
        raise ParameterError(f"--rerender makes a file again as it is; leave out {', '.join(changed)}")


def _make_all(arguments: argparse.Namespace) -> int:
    from audio_gen.pipelines.device import one_thread
    from audio_gen.pipelines.provenance import tags

    finish = clips.finish_of(arguments)
    maker = clips.load_maker(arguments.model, arguments.device)
    vocoder = maker.vocoder(arguments.vocoder)
    first = first_wish(arguments, maker)
    planned = planned_files(arguments, maker.checkpoint.name, first, maker.labels)
    for label in {wish.label for wish in planned.values()}:
        maker.make(replace(first, label=label))  # what it refuses, it refuses before any work
    kind = arguments.format
    whole = arguments.tree or kind == "parquet"
    table = Path(arguments.output, f"manifest.{kind}") if whole else None
    refuse_existing(arguments, [path for path in [*planned, *([table] if table else [])] if path.exists()])
    done = {path for path in planned if path.exists() and path.with_suffix(".json").exists()}
    for folder in {path.parent for path in planned}:
        clips.usable(folder)
    kept = done if arguments.skip_existing else set()
    for path in kept:
        clips.same_as_before(path, tags(maker, vocoder, maker.make(planned[path]).wish, finish))
    todo = [path for path in planned if path not in kept]
    again = {str(path) for path in todo}
    earlier = [*read_done(table, kind)] if table and arguments.skip_existing else []
    known = {row["path"] for row in earlier} | again
    if table:  # a kill may have lost the rows of clips that are there
        earlier += [clips.recalled(path, vocoder) for path in planned if str(path) not in known]
    make: Any = _maker(arguments, maker, vocoder) if todo else None

    def work(source: Source) -> Record:
        item, found = make(planned[source.path])
        return clips.deliver(source.path, item, maker, vocoder, finish, found=found)

    sources = [Source(path, str(path), path) for path in todo]
    keep = [row for row in earlier if row["path"] not in again]
    with (
        one_thread(),
        RecordWriter(kind, table, keep=keep, goes_on=True) as writer,
    ):  # in one: jobs don't change a clip's bytes
        counts = run_batch(
            sources,
            work,
            jobs=arguments.jobs or usable_cores(),
            fail_fast=arguments.fail_fast,
            on_record=writer.write,
            progress=not arguments.quiet,
        )
    return finish_batch(counts, skipped=len(planned) - len(todo))


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
        if jury is None:
            item = maker.make(wish)
        else:
            item, scores = jury.best_of(wish, arguments.best_of)
            found["takes"] = [asdict(score) for score in scores]
        if index is not None:
            from audio_gen.models.copy_index import score

            found["copies"] = score(index, item.mel.numpy()).to_dict()
        return item, found

    return make


def _rerender(arguments: argparse.Namespace) -> int:
    from audio_gen.pipelines.provenance import asked_of, remade, tags

    said = asked_of(clips.existing(arguments.rerender))
    maker = clips.load_maker(arguments.model or said["model"], arguments.device)
    # a vocoder that was named by its path is looked for by its name
    vocoder = maker.vocoder(said["vocoder"])
    item, finish = remade(maker, vocoder, said)
    path = Path(arguments.output, arguments.rerender.with_suffix(".wav").name)
    kind = "walk" if "seeds" in item.wish else "generate"
    records = clips.writer_for(arguments, path, tags(maker, vocoder, item.wish, finish))
    if records is not None:
        with records as writer:
            writer.write(clips.deliver(path, item, maker, vocoder, finish, kind=kind))
    return 0
