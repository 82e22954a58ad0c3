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


def interleaved(rivals: Mapping[str, Callable[[], object]], repeats: int = 9) -> dict[str, float]:
    """Median seconds of each rival, after one call of each that doesn't count."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(repeats + 1):
        for name, call in rivals.items():
            start = time.perf_counter()
            call()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def publish(name: str, rows: Sequence[Mapping[str, Any]], *, keep: bool = True) -> None:
    """Print `rows` as a table and write them, with what they were measured on, to docs/benchmarks/NAME.json.

    With `keep` false they are only printed: a quick run shall not replace a whole one.
    """
    head = list(dict.fromkeys(key for row in rows for key in row))
    cells = [head, *([_text(row.get(key, "")) for key in head] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if not keep:
        return
    machine = {
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": machine, "rows": list(rows)}, indent=1)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
