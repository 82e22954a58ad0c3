"""What is measured of new tunes: statistics, a real-or-not test, copies and structure, each beside its controls."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from audio_gen.metrics.composition import LAGS, distinct_share, self_similarity
from audio_gen.metrics.note_copies import NGRAMS, CopyIndex, alarm_level, melody_tokens
from audio_gen.pipelines import _tunes
from audio_gen.pipelines._distances import Counted, distances, divergences
from audio_gen.pipelines._note_pieces import mean
from audio_gen.pipelines._real_or_not import Groups, Windows, against_all
from audio_gen.pipelines._tunes import Tune
from audio_gen.symbolic.encoders.melody import FIRST


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
    counts = {
        voice: divergences(
            [Counted(one.group, _tunes.counts(one, number)) for one in real],
            {name: [Counted(one.group, _tunes.counts(one, number)) for one in tunes] for name, tunes in sets.items()},
            seed=seed,
        )
        for number, voice in enumerate(voices)
    }
    details = {
        "windows_of_real": len(true),
        "windows_of_generated": len(cut["generated"]),
        "real_or_not": told,
        "w1_over_real_real": tables[voices[0]] if len(voices) == 1 else tables,
        "jensen_shannon": counts[voices[0]] if len(voices) == 1 else counts,
        "self_similarity_by_lag": _curves({"real": real, **sets}),
        "distinct_4grams": _distinct({"real": real, **sets}),
        "four_bars_found_once": {name: mean(_once(tunes)) for name, tunes in {"real": real, **sets}.items()},
        "copies": _copies({"real": real, **sets}, known.copies),
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


def _curves(sets: dict[str, Sequence[Tune]]) -> dict[str, dict[str, Any]]:
    """How alike bars are that lie 1, 2, 4, 8 bars apart, mean of whole pieces."""
    found = {}
    for name, tunes in sets.items():
        notes = [_tunes.sung(tune.tokens[0]) for tune in tunes]
        curves = np.array([self_similarity(one.pitches, one.onsets) for one in notes if len(one.pitches)])
        curves = curves.reshape(-1, len(LAGS))
        found[name] = {f"{lag} bars": mean(curve) for lag, curve in zip(LAGS, curves.T, strict=True)}
    return found


def _distinct(sets: dict[str, Sequence[Tune]]) -> dict[str, dict[str, float | None]]:
    """The share of different n-grams (interval, time) within each piece: low where a piece repeats itself."""
    return {name: mean([distinct_share(_tokens(tune)) for tune in tunes]) for name, tunes in sets.items()}


def _tokens(tune: Tune) -> Any:
    notes = _tunes.sung(tune.tokens[0])
    return melody_tokens(notes.pitches, notes.onsets)


def _once(tunes: Sequence[Tune]) -> list[float]:
    """Of each piece, the share of its four bars (the first voice's notes) that no place of any piece repeats."""
    cuts = [_four_bars(tune) for tune in tunes]
    often = Counter(cut for rows in cuts for cut in rows)
    return [sum(often[cut] == 1 for cut in rows) / len(rows) if rows else np.nan for rows in cuts]


def _four_bars(tune: Tune) -> list[bytes]:
    """Its four bars from each bar on, but for silent ones."""
    line = tune.tokens[0]
    starts = range(0, len(line) - 4 * _tunes.BAR + 1, _tunes.BAR)
    cuts = [line[start : start + 4 * _tunes.BAR] for start in starts]
    return [cut.tobytes() for cut in cuts if (cut >= FIRST).any()]


def _copies(sets: dict[str, Sequence[Tune]], index: CopyIndex | None) -> dict[str, Any] | str:
    """Shares of n-grams that occur in training, and the longest passage, beside those of real music not learnt from."""
    if index is None:
        return "not measured: neither the split train nor an index of the training notes is there"
    found: dict[str, Any] = {}
    reports = {name: [index.report(_tokens(tune)) for tune in tunes] for name, tunes in sets.items()}
    for name in (*(f"ngrams_{n}" for n in NGRAMS), "longest"):
        figures = {
            which: np.array([_figure(report, name) for report in rows], np.float64) for which, rows in reports.items()
        }
        level = alarm_level(figures["real"])
        over = figures["generated"][np.isfinite(figures["generated"])] > level
        found[name] = {
            **{which: mean(values) for which, values in figures.items()},
            "alarm_above": level if np.isfinite(level) else None,
            "generated_above": mean(over),
        }
    return found


def _figure(report: Any, name: str) -> float:
    return float(report.longest if name == "longest" else report.shares[int(name.removeprefix("ngrams_"))])
