"""What is measured of new drums: statistics, a real-or-not test and copies, each beside its controls."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from audio_gen.metrics.composition import LAGS
from audio_gen.metrics.note_copies import drum_share, drum_windows
from audio_gen.pipelines import _patterns
from audio_gen.pipelines._distances import NO_INDEX, Rows, distances, over_alarm, over_real
from audio_gen.pipelines._drum_styles import styles_told
from audio_gen.pipelines._note_pieces import Controls, controls_of, mean
from audio_gen.pipelines._patterns import Pattern
from audio_gen.pipelines._real_or_not import Groups, Windows, against_all
from audio_gen.pipelines._samples import Battery
from audio_gen.symbolic.encoders.drums import DRUMS, HIT, OFFSET, VELOCITY

SIZES = {"bars": 1, "pairs": 2}  # bars in a window
MOST = 8  # windows of a piece, so that long ones don't speak for all
FEWEST = 40  # hits of a drum for its own row


def battery(
    real: Sequence[Pattern],
    made: Sequence[Pattern],
    controls: Controls[Pattern],
    train: Sequence[Pattern],
    known: dict[str, set[bytes]],
    *,
    seed: int = 0,
) -> Battery:
    """The real-or-not accuracy, and all tables.

    Args:
        real: patterns.
        made: patterns made after them.
        controls: of whole patterns.
        train: patterns of the training split, to learn styles from; empty where it isn't there.
        known: `drum_windows` of training by name in `SIZES`; empty where they aren't known.
        seed: of controls and folds.
    """
    random = np.random.default_rng(seed)
    true = _cut(real)
    # windows are shuffled each by itself; n-grams, which know places in bars, are cut from whole patterns
    cut = {"generated": _cut(made), **controls_of(true, _patterns.controls(()), random)}
    whole = {"real": real, "generated": made, **controls_of(real, controls, random)}
    if "ngram" in whole:
        cut["ngram"] = _cut(whole["ngram"])
    told = against_all(*_pictures(true), {name: _pictures(rows) for name, rows in cut.items() if rows}, seed=seed)
    details = {
        "windows_of_real": len(true),
        "windows_of_generated": len(cut["generated"]),
        "real_or_not": told,
        "w1_over_real_real": distances(
            _measured(true), {name: _measured(rows) for name, rows in cut.items()}, seed=seed
        ),
        "hits_w1_over_real_real": {
            "velocity": _hits(true, cut, VELOCITY, seed),
            "offset_ms": _hits(true, cut, OFFSET, seed),
        },
        "distinct_windows": {name: _distinct(rows) for name, rows in (("real", true), *cut.items())},
        "self_similarity_by_lag": _curves(whole),
        "style_as_asked": styles_told(true, cut, train, seed=seed),
        "copies": _copies(whole, known),
    }
    return (told["generated"]["accuracy"] if "generated" in told else None), details


def known_windows(train: Sequence[Pattern]) -> dict[str, set[bytes]]:
    """The windows of training patterns, hits alone, by name in `SIZES`; nothing of no patterns."""
    return {
        name: {window for one in train for window in drum_windows(one.grid[..., HIT] > 0.5, bars)}
        for name, bars in SIZES.items()
        if train
    }


def _cut(patterns: Sequence[Pattern]) -> list[Pattern]:
    return [window for one in patterns for window in _patterns.windows(one, MOST)]


def _measured(rows: Sequence[Pattern]) -> Rows:
    return [(one.group, _patterns.measures(one)) for one in rows if one.grid[..., HIT].any()]


def _pictures(rows: Sequence[Pattern]) -> tuple[Windows, Groups]:
    if not rows:
        return np.zeros((0, 4, 1), np.float32), np.zeros(0, np.int64)
    return np.stack([_patterns.features(one) for one in rows]), np.array([one.group for one in rows])


def _values(rows: Sequence[Pattern], drum: int, column: int) -> Any:
    """`[N, 2]`: of each hit of that drum its piece and the value; offsets in milliseconds."""
    parts = [np.zeros((0, 2))]
    for one in rows:
        values = one.grid[one.grid[:, drum, HIT] > 0.5, drum, column]
        scaled = values * (_patterns.SIXTEENTH_MS / one.bpm if column == OFFSET else 1.0)
        parts.append(np.stack([np.full(len(values), one.group), scaled], 1))
    return np.concatenate(parts)


def _hits(real: Sequence[Pattern], sets: dict[str, list[Pattern]], column: int, seed: int) -> dict[str, Any]:
    """Distances of the hits' values, drum by drum."""
    found = {}
    for drum, name in enumerate(DRUMS):
        true = _values(real, drum, column)
        if len(true) < FEWEST or len(np.unique(true[:, 0])) < 2:
            continue
        row: dict[str, Any] = {"hits": len(true), "real": float(true[:, 1].mean())}
        for which, patterns in {**sets, "real_real": real}.items():
            made = _values(patterns, drum, column)
            if which != "shuffled" and len(made):  # shuffled steps keep every hit's manner
                row[which] = over_real(made, true, seed=seed).ratio.to_dict()
        found[name] = row
    return found


def _distinct(rows: Sequence[Pattern]) -> dict[str, Any]:
    """The share of windows that differ from all others, hit for hit."""
    seen = [np.packbits(one.grid[..., HIT] > 0.5).tobytes() for one in rows]
    return {"share": len(set(seen)) / len(seen) if seen else None, "windows": len(seen)}


def _curves(sets: dict[str, Sequence[Pattern]]) -> dict[str, dict[str, Any]]:
    """How alike bars are that lie 1, 2, 4, 8 bars apart, mean of whole pieces."""
    found = {}
    for name, rows in sets.items():
        curves = np.array([_patterns.alike(one) for one in rows]).reshape(-1, len(LAGS))
        found[name] = {f"{lag} bars": mean(curve) for lag, curve in zip(LAGS, curves.T, strict=True)}
    return found


def _copies(sets: dict[str, Sequence[Pattern]], known: dict[str, set[bytes]]) -> dict[str, Any] | str:
    """Shares of windows that occur in training, hit for hit, beside those of real music not learnt from."""
    if not known:
        return NO_INDEX
    return {
        name: over_alarm(
            {
                which: np.array([drum_share(one.grid[..., HIT] > 0.5, known[name], bars) for one in rows])
                for which, rows in sets.items()
            }
        )
        for name, bars in SIZES.items()
    }
