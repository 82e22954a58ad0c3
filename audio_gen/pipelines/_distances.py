"""The tables of an evaluation: how far made windows lie from real ones by each statistic, and their controls."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.metrics.note_copies import alarm_level
from audio_gen.metrics.note_distance import kullback_leibler
from audio_gen.metrics.note_groups import Distance, Tables, Values, divergence_from_real, wasserstein_over_real
from audio_gen.pipelines._note_pieces import mean

DRAWS = 200  # of pieces, for an interval
Row = Mapping[str, float]
Rows = Sequence[tuple[int, Row]]  # the piece that a window is of, or was made after, and its statistics
NO_INDEX = "not measured: neither the split train nor an index of the training notes is there"  # of copies
Figures = npt.NDArray[np.float64]


class Counted(NamedTuple):
    """The piece that something is of, or was made after, and what was counted in it, by name."""

    piece: int
    counts: Mapping[str, npt.NDArray[Any]]


def distances(real: Rows, sets: Mapping[str, Rows], *, seed: int = 0) -> dict[str, dict[str, Any]]:
    """1-Wasserstein distances over those of real from real (1: as near as other real pieces), by statistic.

    Args:
        real: piece and statistics of each real window.
        sets: the same of made windows; one is "generated".
        seed: of the splits.
    """
    found: dict[str, dict[str, Any]] = {}
    if len({piece for piece, _ in real}) < 2:
        return found
    for name in real[0][1]:
        true = _column(real, name)
        if len(np.unique(true[np.isfinite(true[:, 1]), 0])) < 2:
            continue
        made = {which: _column(windows, name) for which, windows in sets.items()}
        made = {which: values for which, values in made.items() if np.isfinite(values[:, 1]).any()}
        row: dict[str, Any] = {"real": float(np.nanmean(true[:, 1]))}
        if "generated" in made:
            row["made"] = float(np.nanmean(made["generated"][:, 1]))
        row["real_w1"] = over_real(true, true, seed=seed).real
        for which, values in {**made, "real_real": true}.items():
            row[which] = over_real(values, true, seed=seed).ratio.to_dict()
        found[name] = row
    return found


def over_real(made: Figures, true: Figures, *, seed: int) -> Distance:
    """The distance of values from real ones, each `[N, 2]`: piece and value."""
    sides = (Values(rows[:, 1], rows[:, 0].astype(np.int64)) for rows in (made, true))
    return wasserstein_over_real(*sides, draws=DRAWS, seed=seed)


def divergences(
    real: Sequence[Counted], sets: Mapping[str, Sequence[Counted]], *, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Jensen-Shannon divergences of counts from those of other real pieces, in bits; "real_real" is what chance makes.

    Beside them Kullback and Leibler's of all real from all generated counts and the other way, which have no interval.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in real[0].counts if real else ():
        tables = {which: _table(rows, name) for which, rows in {**sets, "real_real": real}.items() if rows}
        try:
            row: dict[str, Any] = {
                which: divergence_from_real(one, tables["real_real"], draws=DRAWS, seed=seed).to_dict()
                for which, one in tables.items()
            }
        except ParameterError:  # one real piece can't be held against others
            continue
        if "generated" in tables:
            true, made = (tables[which].counts.sum(0) for which in ("real_real", "generated"))
            row["kl_real_from_generated"] = kullback_leibler(true, made)
            row["kl_generated_from_real"] = kullback_leibler(made, true)
        found[name] = row
    return found


def over_alarm(shares: Mapping[str, Figures]) -> dict[str, Any]:
    """Means of a figure of copying by set, the level that real music seldom passes, and how much made music does.

    Args:
        shares: one figure a piece, NaN where a piece can't tell; of "real", "generated" and controls.
    """
    level = alarm_level(shares["real"])
    over = shares["generated"][np.isfinite(shares["generated"])] > level
    return {
        **{name: mean(figures) for name, figures in shares.items()},
        "alarm_above": level if np.isfinite(level) else None,
        "generated_above": mean(over),
    }


def _table(rows: Sequence[Counted], name: str) -> Tables:
    counts = np.stack([one.counts[name].ravel() for one in rows]).astype(np.float64)
    return Tables(counts, np.array([one.piece for one in rows]))


def _column(rows: Rows, name: str) -> Figures:
    return np.array([(piece, row[name]) for piece, row in rows], np.float64).reshape(-1, 2)
