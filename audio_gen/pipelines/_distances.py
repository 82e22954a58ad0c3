"""The table of an evaluation: each statistic of made windows, how far it lies from real ones, and its controls."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.metrics.interval import bootstrap
from audio_gen.metrics.note_distance import distance_over_real

SPLITS, DRAWS = 20, 200  # of one distance; of the interval of one
Row = Mapping[str, float]


def distances(real: Sequence[Row], sets: Mapping[str, Sequence[Row]], *, seed: int = 0) -> dict[str, dict[str, Any]]:
    """1-Wasserstein distances over those of real from real (1: as near as other real windows), by statistic.

    Args:
        real: statistics of each real window, by name.
        sets: the same of made windows; that of "generated" has an interval over its windows.
        seed: of the splits.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in real[0] if real else ():
        true = _column(real, name)
        if np.isfinite(true).sum() < 4:
            continue
        row: dict[str, Any] = {"real": float(true[np.isfinite(true)].mean())}
        for which, windows in sets.items():
            made = _column(windows, name)
            if not np.isfinite(made).any():
                continue
            if which == "generated":
                row["made"] = float(made[np.isfinite(made)].mean())
                row["real_w1"] = distance_over_real(made, true, seed=seed).real
                row[which] = _with_interval(made, true, seed)
            else:
                row[which] = distance_over_real(made, true, splits=SPLITS, seed=seed).ratio
        found[name] = row
    return found


def _with_interval(made: npt.NDArray[np.float64], true: npt.NDArray[np.float64], seed: int) -> dict[str, float | None]:
    def over(rows: npt.NDArray[np.float64]) -> float:
        if not np.isfinite(rows).any():
            raise ParameterError("no window has the statistic")
        return distance_over_real(rows, true, splits=SPLITS, seed=seed).ratio

    return bootstrap(over, made, samples=DRAWS, seed=seed).to_dict()


def _column(rows: Sequence[Row], name: str) -> npt.NDArray[np.float64]:
    return np.array([row[name] for row in rows], np.float64)
