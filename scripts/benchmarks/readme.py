"""Make the README's tables of speed out of docs/benchmarks: what lies between `<!-- NAME -->` and `<!-- /NAME -->`."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CLIPS = 16
Row = dict[str, Any]


def features(rows: Sequence[Row]) -> list[list[str]]:
    """Rivals down, specs and threads across: microseconds a frame, and how many times ours."""
    many = [row for row in rows if row.get("clips") == CLIPS]
    places = list(dict.fromkeys((row["n_fft/hop"], row["threads"]) for row in many))
    found = {(row["what"], row["n_fft/hop"], row["threads"]): row for row in many}
    head = ["µs a frame (times ours)", *(f"{spec}, {n} thread{'s' * (n > 1)}" for spec, n in places)]
    lines = [head]
    for what in dict.fromkeys(row["what"] for row in many):
        here = [found[what, *place] for place in places]
        lines.append([what, *(f"{_short(row['us a frame'])} ({_short(row['times ours'])})" for row in here)])
    return lines


def folder(rows: Sequence[Row]) -> list[list[str]]:
    """What a further track of 3 minutes costs."""
    columns = ("s a file", "x real time", "times decode", "times decode, processor", "start s", "MB above torch")
    tracks = [row for row in rows if "s a file" in row]
    return [["", *columns], *([row["what"], *(_short(row[column]) for column in columns)] for row in tracks)]


TABLES: dict[str, Callable[[Sequence[Row]], list[list[str]]]] = {"features": features, "folder": folder}


def filled(text: str) -> str:
    """The text with its tables as docs/benchmarks has them now."""
    for name, table in TABLES.items():
        path = ROOT / "docs" / "benchmarks" / f"{name}.json"
        head, *lines = table(json.loads(path.read_text(encoding="utf-8"))["rows"])
        cells = [head, ["---"] * len(head), *lines]
        made = "".join(f"| {' | '.join(line)} |\n" for line in cells)
        text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda m: m[1] + made + m[2], text, flags=re.DOTALL)  # noqa: B023
    return text


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(filled(readme.read_text(encoding="utf-8")), encoding="utf-8")
