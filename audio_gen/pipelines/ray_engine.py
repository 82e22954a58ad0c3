"""Many files through one function on many machines: Ray Data takes sources to workers and brings records back.

The stages are: list of sources → blocks of some files → workers, which decode, compute and write their files →
records, put in order. Decoding and computing are one stage, so that decoded audio, which is far larger than the file
and its record, needn't travel. A worker is the local engine in a process with one processor core, or with one GPU.

Ray starts killed workers again and gives them their blocks again, as often as it takes. Work may thus be done twice,
never its record; and a file that kills each worker it meets would be tried for ever, so `_Tries` counts.
"""

import json
import logging
import os
import pickle
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from audio_gen.pipelines.batch import Counts, Finished, gather, run_batch
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.ray_cluster import ClusterError, connected
from audio_gen.pipelines.records import Record, json_line

if TYPE_CHECKING:
    import torch

Start = Callable[["torch.device"], Callable[[Source, Any], Record]]

_log = logging.getLogger(__name__)
_MOST_TRIES = 3
_MOST_FILES = 16  # a core in a block: it costs Ray about ten milliseconds, and what a killed worker had is done again
_MOST_CORES = 8  # decoding ahead of one GPU


def run_ray(
    sources: Sequence[Source],
    targets: Mapping[Source, Any],
    start: Start,
    *,
    on_record: Callable[[Record], None],
    on_done: Callable[[Record], None] | None = None,
    address: str | None = None,
    device: str = "auto",
    jobs: int | None = None,
    fail_fast: bool = False,
    progress: bool = False,
) -> Counts:
    """As `batch.run_batch`: a record for each source, in order; here workers of a Ray cluster make them.

    All machines have to see the working folder, the sources and the outputs under the same paths.

    Args:
        targets: what the work gets beside a source, where there is something.
        start: makes the work, once in each worker; it has to be picklable, and so do the targets.
        address: of a cluster; None uses the one that this process is connected to, or starts one on this machine.
        device: "cpu", "cuda", or "auto": GPUs where the cluster has some.
        jobs: most workers at a time; None is one a core, or one a GPU.

    Raises:
        ParameterError: Ray isn't installed, or there is no cluster at that address.
        ClusterError: workers can't start, or the cluster is lost.
    """
    with connected(address), closing(_finished(sources, targets, start, device, jobs)) as finished:
        return gather(
            finished, len(sources), fail_fast=fail_fast, on_record=on_record, on_done=on_done, progress=progress
        )


def _finished(
    sources: Sequence[Source], targets: Mapping[Source, Any], start: Start, device: str, jobs: int | None
) -> Finished:
    """The number of each source and its record, as they come."""
    import ray
    import ray.data

    cores, gpus = (int(ray.cluster_resources().get(kind, 0)) for kind in ("CPU", "GPU"))
    if device == "cuda" and not gpus:
        _log.warning("no GPU in the cluster, so cuda falls back to the CPU")
    if device == "cpu":
        gpus = 0
    there = gpus or max(1, cores)
    most = jobs or there
    threads = max(1, min(_MOST_CORES, cores // gpus)) if gpus else 1
    files = max(1, min(_MOST_FILES, len(sources) // (16 * most * threads)))  # the last blocks leave few idle for long
    files *= threads
    blocks = -(-len(sources) // files)
    tries = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Tries).remote()
    items = [{"item": pickle.dumps((n, source, targets.get(source)))} for n, source in enumerate(sources)]
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = -1  # a block of ten-hour files takes longer than the default half hour
    data = ray.data.from_items(items, override_num_blocks=blocks).map_batches(
        _Worker,
        batch_size=files,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(
            min_size=1,
            max_size=min(most, blocks),
            initial_size=min(most, there, blocks),
            max_tasks_in_flight_per_actor=2,
        ),
        num_cpus=threads,
        num_gpus=1 if gpus else None,
        fn_constructor_args=(start, os.getcwd(), tries, _MOST_TRIES),
    )
    try:
        for table in data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            for number, line in zip(*table.to_pydict().values(), strict=True):
                yield number, json.loads(line)
    except (ray.exceptions.RayError, ray.data.exceptions.RayDataUserCodeException) as error:
        reason = str(error).strip().splitlines()[-1]
        raise ClusterError(
            f"the Ray workers can't go on ({reason}); each machine needs audio-gen[ray] in this version, and the "
            "working folder, the inputs and the outputs under the same paths"
        ) from error


class _Worker:
    """What `start` gives, made once in a process that Ray started, and used on block after block."""

    def __init__(self, start: Start, folder: str, tries: Any, most_tries: int) -> None:
        import ray
        import torch

        os.chdir(folder)  # records and messages name files as they were named to us
        given = ray.get_runtime_context().get_assigned_resources()
        self._jobs = max(1, int(given.get("CPU", 1)))
        torch.set_num_threads(1)  # times `_jobs` makes the cores that Ray gave
        self._work = start(torch.device("cuda" if given.get("GPU") else "cpu"))
        self._tries, self._most_tries = tries, most_tries

    def __call__(self, block: Any) -> Any:
        import pyarrow

        items = {source: (n, target) for n, source, target in map(pickle.loads, block["item"].to_pylist())}
        numbers, lines = [number for number, _ in items.values()], list[bytes]()
        run_batch(
            list(items),
            lambda source: self._tried(source, *items[source]),
            jobs=self._jobs,
            on_record=lambda record: lines.append(json_line(record)),
        )
        return pyarrow.table({"number": numbers, "record": pyarrow.array(lines, pyarrow.large_binary())})

    def _tried(self, source: Source, number: int, target: Any) -> Record:
        import ray

        if ray.get(self._tries.begin.remote(number)) > self._most_tries:
            raise ClusterError(f"its worker was killed {self._most_tries} times in the middle of this file")
        try:
            return self._work(source, target)
        finally:
            self._tries.end.remote(number)


class _Tries:
    """Counts how often the work on a file has begun and not ended, in a process that outlives the workers."""

    def __init__(self) -> None:
        self._open: Counter[int] = Counter()

    def begin(self, number: int) -> int:
        self._open[number] += 1
        return self._open[number]

    def end(self, number: int) -> None:
        del self._open[number]
