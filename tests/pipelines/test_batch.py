import threading
import time
from pathlib import Path

import pytest

from audio_gen.errors import DecodeError
from audio_gen.pipelines import batch
from audio_gen.pipelines.batch import Counts, run_batch, stop_here_if_asked, usable_cores
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.records import Record, success

SOURCES = [Source(Path(str(i)), str(i), Path(str(i))) for i in range(20)]


def fine(source: Source) -> Record:
    return success(source.name, {}, duration_s=1.0, sample_rate=1)


@pytest.mark.parametrize("jobs", [1, 3])
def test_in_order_and_a_bad_file_costs_one_record(jobs: int) -> None:
    def work(source: Source) -> Record:
        time.sleep(0.002 * (int(source.name) % 3))
        errors = {"3": DecodeError("bad"), "4": OSError("disk"), "5": MemoryError(), "6": ZeroDivisionError("bug")}
        if source.name in errors:
            raise errors[source.name]
        return fine(source)

    records: list[Record] = []
    counts = run_batch(SOURCES, work, jobs=jobs, on_record=records.append)
    assert [record["path"] for record in records] == [source.name for source in SOURCES]
    kinds = [record["error"]["type"] for record in records if not record["ok"]]
    assert kinds == ["DecodeError", "OSError", "MemoryError", "ZeroDivisionError"]
    assert (counts.ok, counts.failed, counts.total, counts.exit_code) == (16, 4, 20, 1)


@pytest.mark.parametrize("ahead", [8, 1000])
def test_a_slow_file_holds_nobody_up_within_bounds(ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "AHEAD", ahead)
    go, done, out = threading.Event(), [], []

    def work(source: Source) -> Record:
        if source.name == "2":
            assert go.wait(10)
        return fine(source)

    def on_done(record: Record) -> None:
        done.append(record["path"])
        if len(done) == min(ahead - 1, 17) + 2:  # "0" and "1", and all that may go ahead of "2"
            assert out == ["0", "1"]
            go.set()

    counts = run_batch(SOURCES, work, jobs=2, on_done=on_done, on_record=lambda record: out.append(record["path"]))
    assert out == [source.name for source in SOURCES]
    assert sorted(done) == sorted(out)
    assert done.index("2") == min(ahead - 1, 17) + 2
    assert counts.ok == 20


def test_threads_work_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=5)

    def work(source: Source) -> Record:
        together.wait()
        return fine(source)

    assert run_batch(SOURCES[:3], work, jobs=3, on_record=lambda _: None).ok == 3


@pytest.mark.parametrize("jobs", [1, 2])
def test_fail_fast_ends_at_the_first_failure(jobs: int) -> None:
    def work(source: Source) -> Record:
        if source.name == "2":
            raise DecodeError("bad")
        return fine(source)

    records: list[Record] = []
    counts = run_batch(SOURCES, work, jobs=jobs, fail_fast=True, on_record=records.append)
    assert [record["path"] for record in records] == ["0", "1", "2"]
    assert counts.exit_code == 1


def test_fail_fast_begins_nothing_after_a_failure_but_ends_what_came_first() -> None:
    go, begun = threading.Event(), []

    def work(source: Source) -> Record:
        begun.append(source.name)
        if source.name == "0":
            assert go.wait(10)
        if source.name == "2":
            raise DecodeError("bad")
        return fine(source)

    def on_done(record: Record) -> None:
        if record["path"] == "2":
            threading.Timer(0.05, go.set).start()

    out: list[str] = []
    run_batch(
        SOURCES, work, jobs=2, fail_fast=True, on_done=on_done, on_record=lambda record: out.append(record["path"])
    )
    assert out == ["0", "1", "2"]
    assert len(begun) <= 6


def test_an_error_that_is_no_exception_of_the_file_ends_the_batch() -> None:
    def work(source: Source) -> Record:
        if source.name == "3":
            raise SystemExit(7)
        return fine(source)

    with pytest.raises(SystemExit):
        run_batch(SOURCES, work, jobs=2, on_record=lambda _: None)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_stops_and_is_raised_again(jobs: int) -> None:
    begun: list[str] = []
    records: list[Record] = []

    def work(source: Source) -> Record:
        begun.append(source.name)
        return fine(source)

    def on_record(record: Record) -> None:
        records.append(record)
        if len(records) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(SOURCES, work, jobs=jobs, on_record=on_record)
    out = [int(record["path"]) for record in records]
    assert out[:3] == [0, 1, 2]
    assert out == sorted(set(out))  # those that were done out of their turn follow
    assert len(begun) < 10


def test_records_that_wait_for_a_slow_file_go_out_after_an_interrupt() -> None:
    def work(source: Source) -> Record:
        while source.name == "3":
            time.sleep(0.01)
            stop_here_if_asked()
        return fine(source)

    done: list[str] = []
    out: list[str] = []

    def on_done(record: Record) -> None:
        done.append(record["path"])
        if len(done) == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(SOURCES, work, jobs=2, on_done=on_done, on_record=lambda record: out.append(record["path"]))
    assert out == ["0", "1", "2", "4", "5", "6", "7", "8"]  # "9" was interrupted on its way


def test_work_on_a_long_file_is_left_when_the_batch_stops() -> None:
    left: list[str] = []

    def work(source: Source) -> Record:
        if source.name == "0":
            return fine(source)
        try:
            for _ in range(500):
                time.sleep(0.01)
                stop_here_if_asked()
        finally:
            left.append(source.name)
        return fine(source)

    def on_record(_: Record) -> None:
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_batch(SOURCES[:3], work, jobs=2, on_record=on_record)
    assert time.monotonic() - begun < 2
    assert left
    stop_here_if_asked()  # outside a batch: nothing


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        (Counts(0), 0),
        (Counts(3, ok=3), 0),
        (Counts(3, ok=1, failed=2), 1),
        (Counts(3, failed=3), 4),
        (Counts(3, failed=1), 1),
        (Counts(3, failed=2, skipped=1), 1),
    ],
)
def test_exit_codes(counts: Counts, code: int) -> None:
    assert counts.exit_code == code


def test_there_is_a_core() -> None:
    assert usable_cores() >= 1
