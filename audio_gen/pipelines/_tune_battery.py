"""What is measured of new tunes: statistics, a real-or-not test, copies and structure, each beside its controls."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from audio_gen.metrics.composition import LAGS, distinct_share, self_similarity
from audio_gen.metrics.note_copies import NGRAMS, CopyIndex, melody_tokens
from audio_gen.pipelines import _tunes
from audio_gen.pipelines._distances import NO_INDEX, Counted, distances, divergences, over_alarm
from audio_gen.pipelines._note_pieces import Controls, controls_of, mean
from audio_gen.pipelines._real_or_not import Groups, Windows, against_all
from audio_gen.pipelines._samples import Battery
from audio_gen.pipelines._tunes import Tune
from audio_gen.symbolic.encoders.melody import FIRST


def battery(
    real: Sequence[Tune],
    made: Sequence[Tune],
    controls: Controls[Tune],
    index: CopyIndex | None,
    voices: Sequence[str],
    *,
    seed: int = 0,
) -> Battery:
    """The real-or-not accuracy, and all tables.

    Args:
        real: tunes.
        made: tunes made after their pattern.
        controls: of whole tunes.
        index: of what the model learnt from, to find copies with.
        voices: names of those whose statistics are told; the first so many of each tune.
        seed: of controls and folds.
    """
    sets = {"generated": list(made), **controls_of(real, controls, np.random.default_rng(seed))}
    whole = {"real": real, **sets}
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
        "self_similarity_by_lag": _curves(whole),
        "distinct_4grams": _distinct(whole),
        "four_bars_found_once": {name: mean(_once(tunes)) for name, tunes in whole.items()},
        "copies": _copies(whole, index),
    }
    return (told["generated"]["accuracy"] if "generated" in told else None), details


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
        return NO_INDEX
    reports = {name: [index.report(_tokens(tune)) for tune in tunes] for name, tunes in sets.items()}
    return {
        name: over_alarm({which: np.array([_figure(one, name) for one in rows]) for which, rows in reports.items()})
        for name in (*(f"ngrams_{n}" for n in NGRAMS), "longest")
    }


def _figure(report: Any, name: str) -> float:
    return float(report.longest if name == "longest" else report.shares[int(name.removeprefix("ngrams_"))])
