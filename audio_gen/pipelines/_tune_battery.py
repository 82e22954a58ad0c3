"""What is measured of new tunes: statistics, a real-or-not test, copies and structure, each beside its controls."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from audio_gen.metrics.composition import LAGS, distinct_share, self_similarity
from audio_gen.metrics.note_copies import NGRAMS, CopyIndex, alarm_level, melody_tokens
from audio_gen.pipelines import _tunes
from audio_gen.pipelines._distances import distances
from audio_gen.pipelines._note_pieces import mean
from audio_gen.pipelines._real_or_not import Groups, Windows, against_all
from audio_gen.pipelines._tunes import Tune


class Knowledge(NamedTuple):
    """The tunes of the training split, empty where it isn't there, and an index of what the model learnt from."""

    train: Sequence[Tune]
    copies: CopyIndex | None


def battery(
    real: Sequence[Tune], made: Sequence[Tune], known: Knowledge, voices: Sequence[str], *, seed: int = 0
) -> tuple[dict[str, float | None] | None, dict[str, Any]]:
    """The real-or-not accuracy, and all tables.

    Args:
        real: tunes.
        made: tunes made after their pattern.
        known: what the floors and the copies are found with.
        voices: names of those whose statistics are told; the first so many of each tune.
        seed: of controls and folds.
    """
    sets = {"generated": list(made), **controls(real, known.train, seed)}
    cut = {name: [window for tune in tunes for window in _tunes.windows(tune)] for name, tunes in sets.items()}
    true = [window for tune in real for window in _tunes.windows(tune)]
    told = against_all(*_pictures(true), {name: _pictures(rows) for name, rows in cut.items() if rows}, seed=seed)
    tables = {
        voice: distances(
            [(one.group, _tunes.measures(one, number)) for one in true],
            {name: [(one.group, _tunes.measures(one, number)) for one in rows] for name, rows in cut.items()},
            seed=seed,
        )
        for number, voice in enumerate(voices)
    }
    details = {
        "windows_of_real": len(true),
        "windows_of_generated": len(cut["generated"]),
        "real_or_not": told,
        "w1_over_real_real": tables[voices[0]] if len(voices) == 1 else tables,
        "self_similarity_by_lag": _curves({"real": real, **sets}),
        "distinct_4grams": _distinct({"real": real, **sets}),
        "copies": _copies(real, made, known.copies),
    }
    return (told["generated"]["accuracy"] if "generated" in told else None), details


def controls(real: Sequence[Tune], train: Sequence[Tune], seed: int) -> dict[str, list[Tune]]:
    """What made music must be better than: own notes shuffled, uniform ones; n-grams where they can be learnt."""
    random = np.random.default_rng(seed)
    found = {
        "shuffled": [_tunes.shuffled(tune, random) for tune in real],
        "uniform": [_tunes.uniform(tune, random) for tune in real],
    }
    if train:
        models = _tunes.ngrams(train)
        found["ngram"] = [_tunes.by_ngram(tune, models, random) for tune in real]
    return found


def _pictures(rows: Sequence[Tune]) -> tuple[Windows, Groups]:
    if not rows:
        return np.zeros((0, 4, 1), np.float32), np.zeros(0, np.int64)
    return np.stack([_tunes.features(one) for one in rows]), np.array([one.group for one in rows])


def _curves(sets: dict[str, Sequence[Tune]]) -> dict[str, dict[str, float | None]]:
    """How alike bars are that lie 1, 2, 4, 8 bars apart, mean of whole pieces."""
    found = {}
    for name, tunes in sets.items():
        notes = [_tunes.sung(tune.tokens[0]) for tune in tunes]
        curves = np.array([self_similarity(one.pitches, one.onsets) for one in notes if len(one.pitches)])
        seen = np.isfinite(curves).any(0) if len(curves) else np.zeros(len(LAGS), bool)
        found[name] = {
            f"{lag} bars": float(np.nanmean(curves[:, number])) if seen[number] else None
            for number, lag in enumerate(LAGS)
        }
    return found


def _distinct(sets: dict[str, Sequence[Tune]]) -> dict[str, dict[str, float | None]]:
    """The share of different n-grams (interval, time) within each piece: low where a piece repeats itself."""
    return {name: mean([distinct_share(_tokens(tune)) for tune in tunes]) for name, tunes in sets.items()}


def _tokens(tune: Tune) -> Any:
    notes = _tunes.sung(tune.tokens[0])
    return melody_tokens(notes.pitches, notes.onsets)


def _copies(real: Sequence[Tune], made: Sequence[Tune], index: CopyIndex | None) -> dict[str, Any] | str:
    """Shares of n-grams that occur in training, and the longest passage, beside those of real music not learnt from."""
    if index is None:
        return "not measured: neither the split train nor an index of the training notes is there"
    found: dict[str, Any] = {}
    reports = {
        name: [index.report(_tokens(tune)) for tune in tunes] for name, tunes in (("real", real), ("made", made))
    }
    for name in (*(f"ngrams_{n}" for n in NGRAMS), "longest"):
        figures = {
            which: np.array([_figure(report, name) for report in rows], np.float64) for which, rows in reports.items()
        }
        level = alarm_level(figures["real"])
        over = figures["made"][np.isfinite(figures["made"])] > level
        found[name] = {
            "generated": mean(figures["made"]),
            "real": mean(figures["real"]),
            "alarm_above": level if np.isfinite(level) else None,
            "generated_above": float(over.mean()) if len(over) else None,
        }
    return found


def _figure(report: Any, name: str) -> float:
    return float(report.longest if name == "longest" else report.shares[int(name.removeprefix("ngrams_"))])
