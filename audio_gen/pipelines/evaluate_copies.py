"""evaluate a generator for copying: how many of its clips come nearer to the training music than real music does?"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from audio_gen.metrics.interval import bootstrap
from audio_gen.models.copy_index import CopyIndex, CopyScore, score
from audio_gen.pipelines.generate import Generated, Generator

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95)
NEAREST = 5  # clips that are named


def evaluate_copies(
    generator: Generator,
    index: CopyIndex,
    *,
    count: int = 1000,
    seconds: float | None = None,
    seed: int = 0,
    progress: Callable[[Iterable[Generated]], Iterable[Generated]] = lambda clips: clips,
) -> dict[str, Any]:
    """Share of suspicious clips among `count` (of real music that it never heard it is .01), and their ratios.

    Args:
        generator: whose clips are looked at; its labels take turns.
        index: of its training music.
        count: clips.
        seconds: length of each; None as of `Wish`.
        seed: of the clips.
        progress: wraps the iteration.
    """
    scores = [score(index, item.mel.numpy()) for item in progress(generator.mels(count, seconds=seconds, seed=seed))]
    ratios = np.array([one.ratio for one in scores])
    suspicious = np.array([one.suspicious for one in scores])
    nearest = sorted(range(count), key=lambda number: scores[number].ratio)[:NEAREST]
    return {
        "clips": count,
        "seed": seed,
        "found": {
            "suspicious": bootstrap(np.mean, suspicious.astype(float)).to_dict(),
            "threshold": float(np.median([one.threshold for one in scores])),
        },
        "ratio": {"quantiles": {f"{level:g}": float(np.quantile(ratios, level)) for level in QUANTILES}},
        "nearest": {f"clip {number}": _told(scores[number]) for number in nearest},
    }


def _told(one: CopyScore) -> dict[str, Any]:
    return {"ratio": round(one.ratio, 3), "track": one.track, "track_s": round(one.track_seconds, 2)}
