import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from audio_gen.models.classifier import ClassifierNet
from audio_gen.models.trunk import Trunk
from audio_gen.pipelines.together import Together


def rows(count: int, seed: int) -> torch.Tensor:
    return -80 * torch.rand(count, 64, 24, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.no_grad()
def test_a_result_is_the_same_to_the_bit_whatever_else_is_asked_for(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    trunk = Trunk(ClassifierNet(3, widths=(8, 16)).eval(), (64, 40), dtype)
    files = [rows(1 + seed % 5, seed) for seed in range(24)]
    alone = [Together(trunk, 4)(file) for file in files]
    shapes: list[int] = []

    def compute(batch: torch.Tensor) -> torch.Tensor:
        shapes.append(len(batch))
        with torch.no_grad():
            return trunk(batch)

    together = Together(compute, 4)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(together, files))
    for one, other in zip(found, alone, strict=True):
        assert torch.equal(one, other)
    assert set(shapes) == {4}
    assert not torch.equal(found[0], found[5])


def test_batches_are_built_of_what_several_threads_want() -> None:
    begun, go = threading.Event(), threading.Event()
    batches: list[list[float]] = []

    def compute(batch: torch.Tensor) -> torch.Tensor:
        begun.set()
        assert go.wait(5)
        batches.append(batch[:, 0].tolist())
        return 10 * batch

    together = Together(compute, 4)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(together, torch.full((1, 1), 1.0))
        assert begun.wait(5)  # while it is in work, three more gather
        others = [pool.submit(together, torch.full((1, 1), float(n))) for n in (2, 3, 4)]
        while len(together._waiting) < 3:
            pass
        go.set()
        assert first.result(5).tolist() == [[10]]
        assert [other.result(5).tolist() for other in others] == [[[20]], [[30]], [[40]]]
    assert batches[0] == [1, 0, 0, 0]
    assert sorted(batches[1]) == [0, 2, 3, 4]
    assert len(batches) == 2


def test_many_rows_are_several_batches() -> None:
    counts: list[int] = []

    def compute(batch: torch.Tensor) -> torch.Tensor:
        counts.append(len(batch))
        return batch + 1

    given = torch.arange(10.0)[:, None]
    assert torch.equal(Together(compute, 4)(given), given + 1)
    assert counts == [4, 4, 4]


def test_an_error_reaches_those_who_wait_and_nobody_else() -> None:
    def compute(batch: torch.Tensor) -> torch.Tensor:
        if batch.min() < 0:
            raise ValueError("negative")
        return batch

    together = Together(compute, 2)
    with pytest.raises(ValueError, match="negative"):
        together(-torch.ones(1, 3))
    assert together(torch.ones(1, 3)).tolist() == [[1, 1, 1]]
