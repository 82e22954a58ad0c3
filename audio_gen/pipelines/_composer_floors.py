"""What a composer's likelihoods are held against: n-grams of each voice, and pieces whose notes are shuffled."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from audio_gen.pipelines._tunes import BAR, Tune, bars_of, ngrams, tune_of
from audio_gen.symbolic.score import SIXTEENTH, Score


def ngram_costs(train: Sequence[Score], scores: Sequence[Score], voices: int) -> tuple[npt.NDArray[np.float64], int]:
    """Nats of each score by n-grams that have learnt from `train`, and from how many pieces; NaN where it doesn't fit.

    Each voice has a model of its own, over sixteenths seen from the tonic, with the place in the bar as context. They
    don't hear each other.
    """
    known = [tune for score in train if (tune := _tune(score, voices)) is not None]
    if not known:
        return np.full(len(scores), np.nan), 0
    models, costs = ngrams(known), []
    for score in scores:
        tune, cost = _tune(score, voices), 0.0
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


def _tune(score: Score, voices: int) -> Tune | None:
    """The first voices; nothing where there aren't so many, or no key is told."""
    tracks = [number for number, track in enumerate(score.tracks) if len(track.notes) and not track.is_drum]
    if len(tracks) < voices or not score.keys:
        return None
    tune = tune_of(score, tracks[:voices], score.keys[0], bars_of(score), 0)
    steps = score.end // SIXTEENTH
    return tune._replace(tokens=tune.tokens[:, :steps], chords=tune.chords[:steps])
