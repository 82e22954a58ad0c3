import random
from typing import Any

import pytest
import torch

from audio_gen.pipelines.windows import Windows, batches


def slow_windows(samples: torch.Tensor, size: int) -> list[torch.Tensor]:
    length, hop = len(samples), size // 2
    if length < size:
        return [torch.stack([samples[i % length] for i in range(size)])]
    starts = list(range(0, length - size + 1, hop))
    if length - (starts[-1] + size) >= size // 4:
        starts.append(length - size)
    return [samples[start : start + size] for start in starts]


@pytest.mark.parametrize("size", [2, 8, 9, 40])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 16])
def test_windows_and_batches_equal_the_slow_way(size: int, batch_size: int) -> None:
    cuts = random.Random(0)
    for length in (1, 3, size - 1, size, size + 1, size + size // 4, 2 * size, 2 * size + 1, 3 * size - 1, 331):
        if length < 1:
            continue
        samples = torch.arange(1.0, length + 1)
        right = slow_windows(samples, size)
        for largest in (1, 7, 60, length):
            blocks, start = [], 0
            while start < length:
                step = cuts.randint(1, largest)
                blocks.append(samples[None, start : start + step])
                start += step
            got = list(batches(iter(blocks), size, batch_size))
            assert torch.equal(torch.cat(got), torch.stack(right))
            assert all(len(batch) == batch_size for batch in got[:-1])
            assert len(got[-1]) <= batch_size + 1


def test_batches_of_nothing() -> None:
    assert list(batches(iter([]), 8, 2)) == []


def test_batches_keep_no_more_than_they_need() -> None:
    longest = 0

    def blocks() -> Any:
        for _ in range(200):
            yield torch.zeros(1, 100)

    for batch in batches(blocks(), 40, 4):
        longest = max(longest, batch.untyped_storage().size() // 4)
    assert longest <= 400


@pytest.mark.parametrize("size", [2, 8, 9, 40])
def test_where_windows_start(size: int) -> None:
    for length in (1, size - 1, size, size + 1, size + size // 4, 2 * size, 2 * size + 1, 3 * size - 1, 331):
        samples = torch.arange(1.0, length + 1)
        cut = torch.cat(list(batches(iter([samples[None]]), size, 3)))
        starts = Windows(length, size, 4, (2, 1)).starts(len(cut))
        assert starts == [int(window[0]) - 1 for window in cut]
