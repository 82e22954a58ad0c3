import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audio_gen.audio.decode import load
from audio_gen.errors import DecodeError
from audio_gen.pipelines.feed import blocks_of, feed

CPU = torch.device("cpu")


def numbered(source: int, count: int, wait: float = 0.0) -> Iterator[torch.Tensor]:
    for block in range(count):
        time.sleep(wait)
        yield torch.tensor([source, block])


@pytest.mark.parametrize("threads", [1, 3])
def test_comes_in_order_whoever_is_slow(threads: int) -> None:
    sources = [numbered(i, 1 + i % 3, wait=0.01 * (5 - i)) for i in range(5)]
    found = [[block.tolist() for block in blocks] for blocks in feed(sources, CPU, threads=threads)]
    assert found == [[[i, block] for block in range(1 + i % 3)] for i in range(5)]


def test_a_source_without_blocks_and_no_source() -> None:
    assert [list(blocks) for blocks in feed([[], []], CPU)] == [[], []]
    assert list(feed([], CPU)) == []


def test_reads_no_more_than_it_may() -> None:
    begun, made = [], [0, 0, 0, 0]

    def source(i: int) -> Iterator[torch.Tensor]:
        begun.append(i)
        for _ in range(50):
            made[i] += 1
            yield torch.zeros(1)

    def rests_at(wanted: list[int]) -> bool:
        deadline = time.monotonic() + 10
        while made != wanted and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)  # who would go on has the time for it
        return made == wanted

    fed = feed(map(source, range(4)), CPU, threads=2, ahead=3)
    blocks = next(fed)
    assert rests_at([3, 3, 0, 0])
    next(blocks)
    assert rests_at([4, 3, 0, 0])
    assert sorted(begun) == [0, 1]
    next(fed)
    assert rests_at([4, 3, 3, 0])


def test_sources_are_read_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=10)  # nobody gets past it alone

    def source() -> Iterator[torch.Tensor]:
        meeting.wait()
        yield torch.zeros(1)

    assert [len(list(blocks)) for blocks in feed([source(), source()], CPU, threads=2)] == [1, 1]


def test_an_error_comes_out_at_its_place_and_costs_one_source() -> None:
    def broken() -> Iterator[torch.Tensor]:
        yield torch.zeros(1)
        raise DecodeError("breaks off here")

    found: list[object] = []
    for blocks in feed([numbered(0, 2), broken(), numbered(2, 2)], CPU, ahead=5):
        try:
            for block in blocks:
                found.append(block.tolist())  # noqa: PERF401 - what came before the error counts
        except DecodeError as error:
            found.append(str(error))
    assert found == [[0, 0], [0, 1], [0.0], "breaks off here", [2, 0], [2, 1]]


def test_what_is_left_half_read_is_closed() -> None:
    closed = []

    def source(i: int) -> Iterator[torch.Tensor]:
        try:
            for _ in range(100):
                yield torch.tensor([i])
        finally:
            closed.append(i)

    before = threading.active_count()
    for number, blocks in enumerate(feed(map(source, range(4)), CPU, threads=2)):
        assert next(blocks).item() == number
        if number == 1:
            break
    assert sorted(closed) == [0, 1, 2]  # the third was being read ahead
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("rate", "channels", "subtype", "dtype"),
    [
        (8000, 1, "PCM_16", torch.int16),
        (8000, 1, "PCM_24", torch.float32),
        (8000, 2, "PCM_16", torch.float32),
        (11025, 1, "PCM_16", torch.float32),
    ],
)
def test_blocks_are_whole_numbers_where_that_loses_nothing(
    tmp_path: Path, rate: int, channels: int, subtype: str, dtype: torch.dtype
) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, (rate, channels))
    noise[:2] = [[-1.0] * channels, [1.0] * channels]  # full scale, on either side
    soundfile.write(tmp_path / "a.wav", noise, rate, subtype)
    blocks = list(blocks_of(tmp_path / "a.wav", 8000, seconds=0.3))
    assert {block.dtype for block in blocks} == {dtype}
    whole = torch.cat(blocks, 1)
    if dtype == torch.int16:
        assert len(blocks) == 4
        assert torch.equal(whole / 32768, load(tmp_path / "a.wav").samples)
    else:
        assert whole.shape == (1, 8000)


def test_blocks_of_what_is_no_audio(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("no audio")
    with pytest.raises(DecodeError):
        list(blocks_of(tmp_path / "a.wav", 8000))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("dtype", [torch.float32, torch.int16])
def test_a_gpu_gets_what_was_sent(dtype: torch.dtype) -> None:
    random = torch.Generator().manual_seed(0)
    sent = [
        [torch.randint(-9999, 9999, (1, 1 + 7919 * (i + block)), generator=random).to(dtype) for block in range(7)]
        for i in range(5)
    ]
    device = torch.device("cuda")
    for wanted, blocks in zip(sent, feed(sent, device, threads=3), strict=True):
        got = [block * 1 for block in blocks]  # computed while later blocks overwrite the buffers
        assert all(torch.equal(a.cpu(), b) for a, b in zip(got, wanted, strict=True))
        assert got[0].device.type == "cuda"
