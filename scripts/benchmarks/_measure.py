"""Time rivals side by side: interleaved, so that a busy moment of the machine hits all of them, and by the median."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"


def turns(rivals: Mapping[str, Callable[[], object]], repeats: int = 9) -> dict[str, list[float]]:
    """Seconds of each rival in each turn, after one that doesn't count."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(repeats + 1):
        for name, call in rivals.items():
            start = time.perf_counter()
            call()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def interleaved(rivals: Mapping[str, Callable[[], object]], repeats: int = 9) -> dict[str, float]:
    """Median seconds of each rival."""
    return {name: statistics.median(values) for name, values in turns(rivals, repeats).items()}


def spread(values: Sequence[float]) -> str:
    """The smallest and the largest of several, as text."""
    return f"{min(values):.3g}-{max(values):.3g}"


def processor() -> str:
    """Its name as the system tells it, and how many cores of it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def publish(name: str, rows: Sequence[Mapping[str, Any]], *, keep: bool = True, **more: Any) -> None:
    """Print `rows` as a table and write them, with what they were measured on, to docs/benchmarks/NAME.json.

    With `keep` false they are only printed: a quick run shall not replace a whole one. `more` goes to what they were
    measured on.
    """
    head = list(dict.fromkeys(key for row in rows for key in row))
    cells = [head, *([_text(row.get(key, "")) for key in head] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if not keep:
        return
    machine = {
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        **more,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": machine, "rows": list(rows)}, indent=1)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
