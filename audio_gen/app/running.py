"""What all batch commands do around their work: inputs, existing outputs, records and the exit code."""

import argparse
import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from audio_gen.errors import ParameterError
from audio_gen.pipelines.batch import Counts, Work, run_batch, usable_cores
from audio_gen.pipelines.inputs import Source, find_audio, output_paths
from audio_gen.pipelines.records import Record, RecordWriter, check_format
from audio_gen.pipelines.tables import read_done

_log = logging.getLogger(__name__)


def run_records(arguments: argparse.Namespace, prepare: Callable[[Sequence[Source]], Work]) -> int:
    """Run a command whose records are its output (`classify`), to standard output or to the file after -o.

    Args:
        arguments: from a parser with `options.add_inputs`, `add_record_output` and `add_batch`.
        prepare: gives the work on one source, from all sources that were named; called when the paths have been
            checked, so load models in it.

    Raises:
        ParameterError: wrong paths, or an output that exists and neither --skip-existing nor --overwrite.
    """
    target = record_target(arguments)
    sources = find_audio(arguments.paths, arguments.files_from)
    earlier = []
    if target is not None and target.exists():
        refuse_existing(arguments, [target])
        earlier = read_done(target, arguments.format) if arguments.skip_existing else []
    done = {record["path"] for record in earlier}
    todo = [source for source in sources if source.name not in done]
    work = prepare(sources) if todo else _no_work
    with RecordWriter(arguments.format, target, keep=earlier) as writer:
        counts = run_sources(arguments, todo, work, writer.write)
    return finish(counts, skipped=len(sources) - len(todo))


def run_files(
    arguments: argparse.Namespace,
    suffix: str,
    prepare: Callable[[], Callable[[Source, Path], Record]],
    *,
    extensions: Collection[str] | None = None,
) -> int:
    """Run a command that writes one file for each source (`vocode`): `DIR/relative` with `suffix`.

    Args:
        arguments: from a parser with `options.add_inputs`, `add_folder_output` and `add_batch`.
        suffix: of the outputs, with its dot.
        prepare: gives the work on one source and its output path; load models in it.
        extensions: suffixes to look for inside folders; None is every audio format.

    Raises:
        ParameterError: wrong paths, or outputs that exist and neither --skip-existing nor --overwrite.
    """
    planned = plan_files(arguments, suffix, extensions=extensions)
    table = Path(arguments.output, "manifest.parquet") if arguments.format == "parquet" else None
    existing = {output for output in [*planned.values(), *([table] if table else [])] if output.exists()}
    refuse_existing(arguments, sorted(existing))
    skip = existing if arguments.skip_existing else set()
    todo = [source for source, output in planned.items() if output not in skip]
    again = {source.name for source in todo}
    earlier = [row for row in read_done(table, "parquet") if row["path"] not in again] if table in skip else []
    work = prepare() if todo else _no_work
    with RecordWriter(arguments.format, table, keep=earlier, goes_on=True) as writer:
        counts = run_sources(arguments, todo, lambda source: work(source, planned[source]), writer.write)
    return finish(counts, skipped=len(planned) - len(todo))


def plan_files(
    arguments: argparse.Namespace, suffix: str, *, extensions: Collection[str] | None = None
) -> dict[Source, Path]:
    """The sources and where the output of each goes; the output folder is made, and passed over in the search.

    Raises:
        ParameterError: wrong paths, or a folder that can't be made.
    """
    folder = Path(arguments.output)
    sources = find_audio(arguments.paths, arguments.files_from, extensions=extensions, exclude=folder)
    planned = dict(zip(sources, output_paths(sources, folder, suffix), strict=True))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(f"can't make the output folder {str(folder)!r}: {error.strerror}") from error
    return planned


def run_sources(
    arguments: argparse.Namespace, todo: Sequence[Source], work: Work, on_record: Callable[[Record], None]
) -> Counts:
    """`run_batch` with what --jobs, --fail-fast and --quiet say; the cores are shared among the jobs."""
    if not todo:
        return Counts(0)
    from audio_gen.pipelines.device import share_cores  # late: it brings torch

    jobs = arguments.jobs or usable_cores()
    share_cores(jobs)  # by what was asked, not by how many files there are: a file's result shall not depend on that
    return run_batch(
        todo, work, jobs=jobs, fail_fast=arguments.fail_fast, on_record=on_record, progress=not arguments.quiet
    )


def finish(counts: Counts, *, skipped: int) -> int:
    """Say on standard error how it went; gives the exit code."""
    counts.skipped += skipped
    counts.total += skipped
    tail = f", {counts.skipped} skipped" if counts.skipped else ""
    _log.info("%d of %d done, %d failed%s", counts.ok, counts.total, counts.failed, tail)
    return counts.exit_code


def record_target(arguments: argparse.Namespace) -> Path | None:
    """The file after -o (in a folder that exists: `records.jsonl` or the like), None for standard output or `-`.

    Raises:
        ParameterError: Parquet without -o.
    """
    target = None if arguments.output in (None, "-") else Path(arguments.output)
    if target is not None and target.is_dir():
        target = target / f"records.{arguments.format}"
    check_format(arguments.format, target)
    return target


def refuse_existing(arguments: argparse.Namespace, existing: Sequence[Path]) -> None:
    """Outputs that exist need a word from the user.

    Raises:
        ParameterError: there are some, and neither --skip-existing nor --overwrite is given.
    """
    if existing and not (arguments.skip_existing or arguments.overwrite):
        more = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise ParameterError(
            f"{str(existing[0])!r}{more} exists already; add --skip-existing to keep it or --overwrite to replace it"
        )


def _no_work(source: Source, output: Path | None = None) -> Record:
    raise ParameterError(f"nothing was prepared to work on {source.name!r}")
