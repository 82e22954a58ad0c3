"""Many files through one function: in order, bounded, in threads, and a bad file costs only its own record."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from audio_gen.errors import AudioGenError
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.records import Record, failure

Work = Callable[[Source], Record]

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
    progress: bool = False,
) -> Counts:
    """Call `work` for each source and hand its record to `on_record`, in the order of the sources.

    At most about two records for each job wait at any time. What goes wrong in `work` becomes a failure record.
    An interrupt (or an error in `on_record`) stops the batch and is raised again: records that came first are out,
    files in work are abandoned where `work` calls `stop_here_if_asked()` now and then.

    Args:
        jobs: threads; 1 works in the calling thread.
        fail_fast: end after the first failure record.
        progress: a bar on standard error, where that is a terminal.
    """
    counts = Counts(len(sources))
    with _bar(len(sources), shown=progress) as advance:
        records = _ordered(sources, work, jobs) if jobs > 1 else (_record(source, work) for source in sources)
        try:
            for record in records:
                on_record(record)
                counts.ok += bool(record["ok"])
                counts.failed += not record["ok"]
                advance()
                if fail_fast and counts.failed:
                    break
        finally:
            records.close()
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


def _ordered(sources: Sequence[Source], work: Work, jobs: int) -> Generator[Record, None, None]:
    stop = threading.Event()
    waiting: deque[Future[Record]] = deque()
    pool = ThreadPoolExecutor(jobs, "batch", initializer=_remember, initargs=(stop,))
    try:
        for source in sources:
            waiting.append(pool.submit(_record, source, work))
            if len(waiting) >= 2 * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
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
