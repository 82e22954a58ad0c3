"""What a listener's embeddings say of a generator: how near its clips are to real music, and how much they vary.

Every figure stands beside those of other real music ("other_real", what can be reached), of pink noise, and within
classes of that other real music under shuffled classes.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from audio_gen.metrics.generation import (
    NEIGHBOURS,
    density_coverage,
    kernel_audio_distance,
    kernel_audio_distance_interval,
    mean_distance,
)
from audio_gen.pipelines._generator_ears import Floats, Heard
from audio_gen.pipelines._generator_judged import SHUFFLED

MEAN = "mean of classes"
SHARE = 0.1  # of the way from real music to pink noise: no further may generated music be
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Listened:
    """One listener's embeddings of all sets of clips; see `judged` for their names."""

    name: str
    labels: tuple[str, ...]
    sets: Mapping[str, Heard]
    seed: int

    def figures(self) -> tuple[dict[str, Any], list[str]]:
        """The listener's block, and which of its figures misrank their controls."""
        block: dict[str, Any] = {"kad": self._overall(), "variety": self._variety()}
        block |= self._within_classes()
        notes = []
        for metric, table in block.items():
            controls = _misranked(metric, table)
            if controls:
                block[metric] = {"misranked": ", ".join(controls), **table}
            notes += [f"{self.name} {metric}: {control}" for control in controls]
        return block, notes

    def _overall(self) -> dict[str, Any]:
        """Kernel audio distance to real music; shuffled classes are the same music here and tell nothing.

        "vocoded" compares real music with its own copies: without any harm it is a little below 0, by up to 200 / N.
        """
        real = self.sets["real"]
        found = {
            name: kernel_audio_distance_interval(
                self._of("real"),
                self._of(name),
                reference_groups=real.tracks,
                estimate_groups=None if name == "pink_noise" else self.sets[name].tracks,
            )
            for name in ("generated", "other_real", "pink_noise")
        }
        plain = real.plain[self.name]
        found["vocoded"] = kernel_audio_distance_interval(
            plain, self._of("real"), reference_groups=real.tracks, estimate_groups=real.tracks
        )
        floor = found["other_real"].value
        limit = floor + SHARE * (found["pink_noise"].value - floor)
        under = bool(found["generated"].value <= limit)
        return {"limit": limit, "under_limit": under, **{name: one.to_dict() for name, one in found.items()}}

    def _within_classes(self) -> dict[str, Any]:
        """Tables of KAD, density and coverage: a row a class, with as many clips of each set."""
        tables: dict[str, dict[str, Row]] = {"kad_within_classes": {}, "density": {}, "coverage": {}}
        rivals = ("generated", "other_real", "pink_noise", SHUFFLED)
        random = np.random.default_rng(self.seed)
        shuffled = random.permutation(self.sets["other_real"].labels)
        for number, label in enumerate(self.labels):
            parts = {name: self._of(name)[self.sets[name].labels == number] for name in ("real", *rivals[:2])}
            parts["pink_noise"], parts[SHUFFLED] = self._of("pink_noise"), self._of("other_real")[shuffled == number]
            clips = min(map(len, parts.values()))
            rows: dict[str, Row] = {metric: {"clips": clips, **dict.fromkeys(rivals)} for metric in tables}
            if clips > NEIGHBOURS:
                drawn = {name: part[random.permutation(len(part))[:clips]] for name, part in parts.items()}
                for name in rivals:
                    near = density_coverage(drawn["real"], drawn[name])
                    rows["kad_within_classes"][name] = kernel_audio_distance(drawn["real"], drawn[name])
                    rows["density"][name], rows["coverage"][name] = near.density, near.coverage
            for metric, row in rows.items():
                tables[metric][label] = row
        return {metric: {**_about(metric), **table, MEAN: _means(table)} for metric, table in tables.items()}

    def _variety(self) -> dict[str, Any]:
        """Mean distance between two clips of a class, and what share of real music's it is."""
        names = ("generated", "real", "other_real")
        noise = _spread(self._of("pink_noise"))
        table: dict[str, Row] = {}
        for number, label in enumerate(self.labels):
            row: Row = {name: _spread(self._of(name)[self.sets[name].labels == number]) for name in names}
            ratio = row["generated"] / row["real"] if row["generated"] is not None and row["real"] else None
            table[label] = {**row, "pink_noise": noise, "ratio": ratio}
        return {**table, MEAN: _means(table)}

    def _of(self, name: str) -> Floats:
        return self.sets[name].embeddings[self.name]


def _about(metric: str) -> dict[str, int]:
    return {} if metric == "kad_within_classes" else {"k": NEIGHBOURS}


def _spread(rows: Floats) -> float | None:
    return mean_distance(rows) if len(rows) > 1 else None


def _means(table: Mapping[str, Row]) -> Row:
    """The mean of each column over the classes that have it; of clips their sum."""
    found: Row = {}
    for column in next(iter(table.values())):
        values = [row[column] for row in table.values() if row[column] is not None]
        found[column] = sum(values) if column == "clips" else math.fsum(values) / len(values) if values else None
    return found


def _misranked(metric: str, table: Mapping[str, Any]) -> list[str]:
    """The controls that real music is not better than."""
    if metric == "kad":
        row = {name: one["value"] for name, one in table.items() if isinstance(one, Mapping)}
    else:
        row = table[MEAN]
    better: Callable[[float, float], bool] = (lambda a, b: a < b) if metric.startswith("kad") else (lambda a, b: a > b)
    real = row["other_real"]
    controls = [name for name in ("pink_noise", SHUFFLED) if row.get(name) is not None]
    return [name for name in controls if real is not None and not better(real, row[name])]
