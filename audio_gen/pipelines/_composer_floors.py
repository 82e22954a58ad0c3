"""What a composer's likelihoods are held against: n-grams of each voice, and pieces whose notes are shuffled."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from audio_gen.pipelines._tunes import BAR, Tune, bars_of, ngrams, tune_of, voices
from audio_gen.symbolic.score import SIXTEENTH, Score


def ngram_costs(train: Sequence[Score], scores: Sequence[Score], size: int) -> tuple[npt.NDArray[np.float64], int]:
    """Nats of each score's first voices by n-grams of `train`, and of how many pieces those are; NaN where none fit.

    Each voice has a model of its own, over sixteenths seen from the tonic, with the place in the bar as context. They
    don't hear each other.
    """
    known = [tune for score in train if (tune := _tune(score, size)) is not None]
    if not known:
        return np.full(len(scores), np.nan), 0
    models, costs = ngrams(known), []
    for score in scores:
        tune, cost = _tune(score, size), 0.0
        for model, line in zip(models, tune.tokens if tune else (), strict=False):
            cost += float(model.nats(line, np.arange(len(line)) % BAR).sum())
        costs.append(cost if tune else np.nan)
    return np.array(costs), len(known)


def shuffled(score: Score, random: np.random.Generator) -> Score:
    """Each track's own pitches in another order."""
    tracks = []
    for track in score.tracks:
        notes = track.notes.copy()
        notes["pitch"] = random.permutation(notes["pitch"])
        tracks.append(replace(track, notes=notes))
    return replace(score, tracks=tuple(tracks))


def _tune(score: Score, size: int) -> Tune | None:
    """So many first voices; nothing where there are fewer, or no key is told."""
    tracks = voices(score)
    if len(tracks) < size or not score.keys:
        return None
    tune = tune_of(score, tracks[:size], score.keys[0], bars_of(score), 0)
    steps = score.end // SIXTEENTH
    return tune._replace(tokens=tune.tokens[:, :steps], chords=tune.chords[:steps])
