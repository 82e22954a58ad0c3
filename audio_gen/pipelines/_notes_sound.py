"""Tunes and drums as scores to be heard: real, made and control all played alike, so that only notes tell them apart.

Each goes the same way from the battery's grids: voices on a piano, drums on the standard kit, at the real piece's
tempo. A real piece's own file would be told by its instruments and its finer timing. Chords are not played: they are
the same in all sets and drown the tune (the `genre` listener puts uniform pitches 2.6 from real tunes with block
chords below them and 13.6 without, where other real tunes lie within 8).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audio_gen.models.melody_pieces import widened
from audio_gen.pipelines._note_pieces import Controls, controls_of
from audio_gen.pipelines._patterns import Pattern
from audio_gen.pipelines._samples import Asked
from audio_gen.pipelines._tunes import Tune
from audio_gen.symbolic.encoders import drums, melody
from audio_gen.symbolic.score import SIXTEENTH, TICKS, Key, Score, Tempo, Track

MOST = 16 * 16  # steps of a piece: half a minute at 120 bpm, six windows of a listener; to hear all takes twice as long
RING = 1.0  # seconds after the last bar


class Played(NamedTuple):
    """Notes, and how long they are listened to."""

    score: Score
    seconds: float


Sets = dict[str, dict[int, Played]]  # by name, and by number of the real piece that it is, or was made after


def played_tune(tune: Tune, key: Key, bpm: float) -> Played:
    """The voices of a tune back in its key."""
    shift = melody.shift_to_c(key)
    tokens = tune.tokens[:, :MOST]
    return _played([melody.decode(widened(line, shift)) for line in tokens], bpm, tokens.shape[1])


def played_drums(pattern: Pattern) -> Played:
    """The hits of a pattern with their velocities and offsets."""
    grid = pattern.grid[:MOST]
    return _played([drums.decode(grid)], pattern.bpm, len(grid))


def tune_sets(
    real: Sequence[Tune], made: Sequence[Tune], controls: Controls[Tune], asked: Sequence[Asked], seed: int
) -> Sets:
    """Real tunes, what was made after them and the controls; of several after one piece the first counts.

    A tune in which nothing is sung is left out.
    """
    scores = {one.group: one.score for one in asked}
    sets = {"real": real, "generated": made, **controls_of(real, controls, np.random.default_rng(seed))}
    found: Sets = {name: {} for name in sets}
    for name, tunes in sets.items():
        for tune in tunes:
            score = scores[tune.group]
            if (tune.tokens[:, :MOST] >= melody.FIRST).any():
                found[name].setdefault(tune.group, played_tune(tune, score.keys[0], score.tempi[0].bpm))
    return found


def drum_sets(real: Sequence[Pattern], made: Sequence[Pattern], controls: Controls[Pattern], seed: int) -> Sets:
    """As `tune_sets`, of drums."""
    sets = {"real": real, "generated": made, **controls_of(real, controls, np.random.default_rng(seed))}
    found: Sets = {name: {} for name in sets}
    for name, patterns in sets.items():
        for pattern in patterns:
            if pattern.grid[:MOST, :, drums.HIT].any():
                found[name].setdefault(pattern.group, played_drums(pattern))
    return found


def _played(tracks: Sequence[Track], bpm: float, steps: int) -> Played:
    return Played(Score(tuple(tracks), tempi=(Tempo(0, bpm),)), steps * SIXTEENTH / TICKS * 60 / bpm + RING)
