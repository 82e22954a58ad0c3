"""The table of an evaluation: each statistic of made windows, how far it lies from real ones, and its controls."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.metrics.interval import bootstrap
from audio_gen.metrics.note_distance import Distance, distance_over_real

SPLITS, DRAWS = 20, 200  # of one distance; of the interval of one
Row = Mapping[str, float]
Rows = Sequence[tuple[int, Row]]  # the piece that a window is of, or was made after, and its statistics
Figures = npt.NDArray[np.float64]


def distances(real: Rows, sets: Mapping[str, Rows], *, seed: int = 0) -> dict[str, dict[str, Any]]:
    """1-Wasserstein distances over those of real from real (1: as near as other real pieces), by statistic.

    Windows of one piece are alike, so pieces are compared with other pieces, not windows with windows.

    Args:
        real: piece and statistics of each real window.
        sets: the same of made windows; that of "generated" has an interval over pieces.
        seed: of the splits.
    """
    found: dict[str, dict[str, Any]] = {}
    if len({piece for piece, _ in real}) < 2:
        return found
    for name in real[0][1]:
        true = _column(real, name)
        if len(np.unique(true[np.isfinite(true[:, 1]), 0])) < 2:
            continue
        row: dict[str, Any] = {"real": float(np.nanmean(true[:, 1]))}
        for which, windows in sets.items():
            made = _column(windows, name)
            if not np.isfinite(made[:, 1]).any():
                continue
            if which == "generated":
                row["made"] = float(np.nanmean(made[:, 1]))
                row["real_w1"] = over_real(made, true, seed=seed).real
                row[which] = _with_interval(made, true, seed)
            else:
                row[which] = over_real(made, true, seed=seed).ratio
        found[name] = row
    return found


def over_real(made: Figures, true: Figures, *, seed: int) -> Distance:
    """The distance of values from real ones, each `[N, 2]`: piece and value."""
    return distance_over_real(made[:, 1], true[:, 1], groups=(made[:, 0], true[:, 0]), splits=SPLITS, seed=seed)


def _with_interval(made: Figures, true: Figures, seed: int) -> dict[str, float | None]:
    def over(pieces: Figures) -> float:
        rows = np.concatenate([made[made[:, 0] == piece] for piece in pieces])
        if not np.isfinite(rows[:, 1]).any():
            raise ParameterError("no window has the statistic")
        return over_real(rows, true, seed=seed).ratio

    return bootstrap(over, np.unique(made[:, 0]), samples=DRAWS, seed=seed).to_dict()


def _column(rows: Rows, name: str) -> Figures:
    return np.array([(piece, row[name]) for piece, row in rows], np.float64).reshape(-1, 2)
