"""What all batch commands do around their work: inputs, existing outputs, records and the exit code."""

import argparse
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.errors import ParameterError
from audio_gen.pipelines.batch import Counts, Work, run_batch, usable_cores
from audio_gen.pipelines.inputs import Source, find_audio, output_paths
from audio_gen.pipelines.journal import journal_of, read_done
from audio_gen.pipelines.records import Record, RecordWriter, check_format

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """Work in a form that can be sent to another machine.

    Args:
        start: gives, for a device, the work on one source and its target; called where the work is done, once in each
            process; it has to be picklable.
        targets: what the work gets beside a source: where its outputs go. None where there is nothing.
    """

    start: "Callable[[torch.device], Callable[[Source, Any], Record]]"
    targets: Mapping[Source, Any] = field(default_factory=dict)


def run_records(arguments: argparse.Namespace, prepare: Callable[[Sequence[Source]], Job]) -> int:
    """Run a command whose records are its output (`classify`), to standard output or to the file after -o.

    Args:
        arguments: from a parser with `options.add_inputs`, `add_record_output`, `add_device`, `add_batch` and
            `add_engine`.
        prepare: gives the job from all sources that were named; called when the paths have been checked, so look for
            models in it.

    Raises:
        ParameterError: wrong paths, or an output that exists and neither --skip-existing nor --overwrite.
    """
    check_engine(arguments)
    target = record_target(arguments)
    sources = find_audio(arguments.paths, arguments.files_from)
    done: set[str] = set()
    if target is not None:
        refuse_existing(arguments, [path for path in (target, journal_of(target)) if path.exists()])
        if arguments.skip_existing:
            done = {record["path"] for record in read_done(target, arguments.format)}
    todo = [source for source in sources if source.name not in done]
    job = prepare(sources) if todo else Job(lambda device: _no_work)
    keep = read_done(target, arguments.format) if target is not None and done else ()  # again: it may be long
    with RecordWriter(arguments.format, target, keep=keep, order=[source.name for source in sources]) as writer:
        if target is None:
            counts = run_job(arguments, todo, job, writer.write)
        else:
            counts = run_job(arguments, todo, job, lambda record: None, on_done=writer.write)
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
    before = read_done(table, "parquet") if table and arguments.skip_existing else ()
    earlier = [row for row in before if row["path"] not in again]
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


def run_job(
    arguments: argparse.Namespace,
    todo: Sequence[Source],
    job: Job,
    on_record: Callable[[Record], None],
    *,
    on_done: Callable[[Record], None] | None = None,
) -> Counts:
    """`run_sources` on the engine after --engine and the device after --device."""
    if not todo:
        return Counts(0)
    if arguments.engine == "ray":
        from audio_gen.pipelines.ray_engine import run_ray

        return run_ray(
            todo,
            job.targets,
            job.start,
            on_record=on_record,
            on_done=on_done,
            address=arguments.ray_address,
            device=arguments.device,
            jobs=arguments.jobs,
            fail_fast=arguments.fail_fast,
            progress=not arguments.quiet,
        )
    from audio_gen.pipelines.device import pick_device

    work = job.start(pick_device(arguments.device))
    return run_sources(
        arguments, todo, lambda source: work(source, job.targets.get(source)), on_record, on_done=on_done
    )


def check_engine(arguments: argparse.Namespace) -> None:
    """Whether --engine, --ray-address and --device go together, and Ray is there if it is asked for.

    Raises:
        ParameterError: as said.
    """
    if arguments.engine == "ray":
        from audio_gen.pipelines.ray_cluster import check_ray

        check_ray()
        if arguments.device.startswith("cuda:"):
            raise ParameterError(f"--device {arguments.device}: Ray hands out GPUs itself; give cuda or auto")
    elif arguments.ray_address is not None:
        raise ParameterError(f"--ray-address {arguments.ray_address}: that is for --engine ray")


def run_sources(
    arguments: argparse.Namespace,
    todo: Sequence[Source],
    work: Work,
    on_record: Callable[[Record], None],
    *,
    on_done: Callable[[Record], None] | None = None,
) -> Counts:
    """`run_batch` with what --jobs, --fail-fast and --quiet say; the cores are shared among the jobs."""
    if not todo:
        return Counts(0)
    from audio_gen.pipelines.device import share_cores  # late: it brings torch

    jobs = arguments.jobs or usable_cores()
    share_cores(jobs)  # by what was asked, not by how many files there are: a file's result shall not depend on that
    return run_batch(
        todo,
        work,
        jobs=jobs,
        fail_fast=arguments.fail_fast,
        on_record=on_record,
        on_done=on_done,
        progress=not arguments.quiet,
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
