"""Many files through one function: in order, bounded, in threads, and a bad file costs only its own record."""

import os
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue

from audio_gen.errors import AudioGenError
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.records import Record, failure

Work = Callable[[Source], Record]
Finished = Generator[tuple[int, Record], None, None]  # the number of a source, and its record

AHEAD = 1000  # files; so many records at most wait for a slow file

_thread = threading.local()


@dataclass
class Counts:
    """How a batch went. `total` counts every file asked for; with `fail_fast` some may never have been tried."""

    total: int
    ok: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def exit_code(self) -> int:
        """0 all fine, 1 some files failed, 4 all failed."""
        if not self.failed:
            return 0
        return 4 if self.failed == self.total else 1


class _StoppedError(AudioGenError):
    """The batch was stopped while this file was in work."""


def run_batch(
    sources: Sequence[Source],
    work: Work,
    *,
    jobs: int = 1,
    fail_fast: bool = False,
    on_record: Callable[[Record], None],
    on_done: Callable[[Record], None] | None = None,
    progress: bool = False,
) -> Counts:
    """Call `work` for each source and hand its record to `on_record`, in the order of the sources.

    A slow file holds nobody up: up to `AHEAD` files further on are done meanwhile, and their records wait. What goes
    wrong in `work` becomes a failure record. An interrupt (or an error in `on_record`) stops the batch and is raised
    again: files in work are abandoned where `work` calls `stop_here_if_asked()` now and then, and after an interrupt
    the records that wait still go out.

    Args:
        jobs: threads; 1 works in the calling thread.
        fail_fast: begin no file after a failure, and end with the record of the first that failed.
        on_done: takes each record as soon as it is there, in whatever order, before `on_record` does.
        progress: a bar on standard error, where that is a terminal.
    """
    finished = _in_threads(sources, work, jobs, fail_fast) if jobs > 1 else _one_by_one(sources, work)
    with closing(finished):
        return gather(
            finished, len(sources), fail_fast=fail_fast, on_record=on_record, on_done=on_done, progress=progress
        )


def gather(
    finished: Iterable[tuple[int, Record]],
    total: int,
    *,
    fail_fast: bool,
    on_record: Callable[[Record], None],
    on_done: Callable[[Record], None] | None,
    progress: bool,
) -> Counts:
    """Numbers from 0 on and their records, as they come → `on_record` in order; see `run_batch`."""
    counts = Counts(total)
    waiting: dict[int, Record] = {}
    first = 0  # that isn't out yet
    with _bar(total, shown=progress) as advance:
        try:
            for number, record in finished:
                counts.ok += bool(record["ok"])
                counts.failed += not record["ok"]
                if on_done is not None:
                    on_done(record)
                advance()
                waiting[number] = record
                while first in waiting:
                    out = waiting.pop(first)
                    first += 1
                    on_record(out)
                    if fail_fast and not out["ok"]:
                        return counts
        except KeyboardInterrupt:
            for number in sorted(waiting):
                on_record(waiting[number])
            raise
    return counts


def stop_here_if_asked() -> None:
    """Leave the work on this file if its batch was stopped: call it between blocks of a long file.

    Raises:
        AudioGenError: the batch was stopped; let it pass, so that half-written output is cleared away.
    """
    stop = getattr(_thread, "stop", None)
    if stop is not None and stop.is_set():
        raise _StoppedError("stopped before the end of this file")


def usable_cores() -> int:
    """Number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _one_by_one(sources: Sequence[Source], work: Work) -> Finished:
    for number, source in enumerate(sources):
        yield number, _record(source, work)


def _in_threads(sources: Sequence[Source], work: Work, jobs: int, fail_fast: bool) -> Finished:
    """Numbers and records as they come. Two files for each thread are begun, so that none waits for this one."""
    stop = threading.Event()
    begun: dict[Future[Record], int] = {}
    ended: SimpleQueue[Future[Record]] = SimpleQueue()
    coming, end = 0, len(sources)
    pool = ThreadPoolExecutor(jobs, "batch", initializer=_remember, initargs=(stop,))
    try:
        while True:
            while coming < end and len(begun) < 2 * jobs and coming - min(begun.values(), default=coming) < AHEAD:
                future = pool.submit(_record, sources[coming], work)
                begun[future] = coming
                future.add_done_callback(ended.put)
                coming += 1
            if not begun:
                return
            future = ended.get()
            record = future.result()
            if fail_fast and not record["ok"]:
                end = coming
            yield begun.pop(future), record
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _remember(stop: threading.Event) -> None:
    _thread.stop = stop


def _record(source: Source, work: Work) -> Record:
    try:
        return work(source)
    except Exception as error:  # noqa: BLE001 - bugs and decoders raise any kind; one file must not end a night's batch
        return failure(source.name, error)


@contextmanager
def _bar(total: int, *, shown: bool) -> Iterator[Callable[[], object]]:
    if not (shown and sys.stderr.isatty()):
        yield lambda: None
        return
    from tqdm import tqdm

    with tqdm(total=total, unit="file", file=sys.stderr, dynamic_ncols=True) as bar:
        yield bar.update
