"""Time by the clock of a CUDA device, and what the device can do at most."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

REPEATS = 9
MILLISECONDS = 20.0  # that one measurement takes at least
COPIED, SIDE = 1 << 30, 8192  # numbers of the copy that measures memory, and of a side of the matrices
GPU = torch.device("cuda")


def milliseconds(rivals: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Of one call of each, in each of several turns."""
    calls = {name: max(1, round(MILLISECONDS / timed(call, 3))) for name, call in rivals.items()}
    found: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(REPEATS):
        for name, call in rivals.items():
            found[name].append(timed(call, calls[name]))
    return found


def timed(call: Callable[[], object], times: int) -> float:
    """Milliseconds of one of `times` calls, after one that doesn't count."""
    call()
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(times):
        call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / times


@dataclass(frozen=True)
class Roofs:
    """Of the memory, by a large copy, and of float32 arithmetic, by a large product of matrices."""

    bytes_per_ms: float
    flops_per_ms: float

    @classmethod
    def measured(cls) -> "Roofs":
        torch.backends.cuda.matmul.allow_tf32 = False
        source, square = torch.rand(COPIED, device=GPU), torch.rand(SIDE, SIDE, device=GPU)
        target = torch.empty_like(source)
        found = milliseconds({"copy": lambda: target.copy_(source), "product": lambda: square @ square})
        copy, product = (statistics.median(found[name]) for name in ("copy", "product"))
        return cls(2 * 4 * COPIED / copy, 2 * SIDE**3 / product)
