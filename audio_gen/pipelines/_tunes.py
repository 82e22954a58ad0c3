"""Windows of tunes, real and made: what the battery measures, and the controls that it is held against."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.metrics.composition import chord_agreement, statistics
from audio_gen.metrics.ngram import NGram
from audio_gen.metrics.note_distance import bigrams, tonic_histogram
from audio_gen.models.melody import HIGHEST, LOWEST, TOKENS
from audio_gen.models.melody_pieces import narrowed
from audio_gen.pipelines._note_part import held
from audio_gen.pipelines._note_pieces import Controls
from audio_gen.symbolic.encoders.melody import (
    FIRST,
    HOLD,
    REST,
    chord_steps,
    shift_to_c,
    tokens_of,
    transposed_chords,
    transposed_tokens,
)
from audio_gen.symbolic.score import SIXTEENTH, Key, Score
from audio_gen.symbolic.theory import chord_of_code, chord_tones

BAR, BEAT = 16, 4  # sixteenths
WINDOW = 8  # bars
FEWEST = 8  # notes in a window of the first voice; with fewer there is no tune
OCTAVE, LONGEST = 12, 32  # semitones and sixteenths, beyond which what follows what isn't told apart
AROUND = 13  # semitones above and below the middle pitch, in which uniform notes lie
Steps = npt.NDArray[np.int64]


class Tune(NamedTuple):
    """Voices in 4/4 seen from the tonic: tokens `[V, T]` as melody networks have them, chord codes `[T]`.

    `group` is the number of the real piece that it is, or was made after.
    """

    tokens: Steps
    chords: Steps
    group: int


class Sung(NamedTuple):
    """The notes of one voice: pitch, step and steps each, `[N]`."""

    pitches: Steps
    onsets: Steps
    durations: Steps


def tune_of(score: Score, tracks: Sequence[int], key: Key, bars: int, group: int) -> Tune:
    """The first bars of some tracks of a score, seen from the key's tonic."""
    steps, shift = bars * BAR, shift_to_c(key)
    lines = [narrowed(transposed_tokens(tokens_of(score.tracks[number].notes, steps), shift)) for number in tracks]
    return Tune(np.stack(lines), transposed_chords(chord_steps(score.chords, steps), shift), group)


def voices(score: Score) -> list[int]:
    """The numbers of the tracks that have notes and are no drums."""
    return [number for number, track in enumerate(score.tracks) if len(track.notes) and not track.is_drum]


def bars_of(score: Score) -> int:
    """Whole bars of 4/4, from 0 to the last note's end."""
    return -(-score.end // (BAR * SIXTEENTH))


def without_upbeat(score: Score) -> Score:
    """The score from its first full bar on, where one shorter bar stands before that; as it is otherwise.

    Half of Nottingham's tunes in 4/4 begin so; their grids would be read as bars that begin a quarter early.
    """
    first, *others = score.meters
    start = first.bar
    if not others or others[0].onset != start or start >= others[0].bar or score.end <= start:
        return score
    tracks = []
    for track in score.tracks:
        notes = track.notes[track.notes["onset"] >= start].copy()
        notes["onset"] -= start
        tracks.append(replace(track, notes=notes))
    keys, chords = held(score.keys, start), held(score.chords, start)
    return Score(tuple(tracks), held(score.meters, start), held(score.tempi, start), keys, chords)


def windows(tune: Tune) -> list[Tune]:
    """Its windows of eight bars, one after the other. A note that began before is a rest: others begin nowhere, too."""
    found = []
    for start in range(0, tune.tokens.shape[1] - WINDOW * BAR + 1, WINDOW * BAR):
        part = tune.tokens[:, start : start + WINDOW * BAR].copy()
        part[:, 0] = np.where(part[:, 0] == HOLD, REST, part[:, 0])
        if (part[0] >= FIRST).sum() >= FEWEST:
            found.append(Tune(part, tune.chords[start : start + WINDOW * BAR], tune.group))
    return found


def sung(tokens: Steps) -> Sung:
    """The notes of one voice's tokens `[T]`."""
    begins = np.flatnonzero(tokens != HOLD)
    lasts = np.diff(np.append(begins, len(tokens)))
    played = tokens[begins] >= FIRST
    return Sung(tokens[begins[played]] - FIRST + LOWEST, begins[played], lasts[played])


def measures(tune: Tune, voice: int = 0) -> dict[str, float]:
    """The statistics of one voice, and how much of it belongs to the chords."""
    notes = sung(tune.tokens[voice])
    tones = np.array([chord_tones(*chord_of_code(int(code))) for code in tune.chords[notes.onsets]]).reshape(-1, 12)
    agreement = chord_agreement(*notes, tones)
    told = {f"chord_tones_{name}": share for name, share in agreement._asdict().items()}
    return {**statistics(notes.pitches, notes.onsets), **told}


def counts(tune: Tune, voice: int = 0) -> dict[str, npt.NDArray[np.int64]]:
    """Of one voice: pitch classes above the tonic `[12]`, and what follows what: pitch classes, intervals, durations.

    Intervals are those up to an octave, wider ones counted as that; durations one to 32 sixteenths, longer ones too.
    """
    notes = sung(tune.tokens[voice])
    intervals = np.diff(notes.pitches).clip(-OCTAVE, OCTAVE) + OCTAVE
    return {
        "pitch_classes": tonic_histogram(notes.pitches, 0),
        "pitch_class_transitions": bigrams(notes.pitches % 12, 12),
        "interval_transitions": bigrams(intervals, 2 * OCTAVE + 1),
        "duration_transitions": bigrams(notes.durations.clip(1, LONGEST) - 1, LONGEST),
    }


def sounding(tokens: Steps) -> Steps:
    """`[V, T]` tokens → the token that each step holds."""
    at = np.maximum.accumulate(np.where(tokens != HOLD, np.arange(tokens.shape[1]), 0), axis=1)
    return np.take_along_axis(tokens, at, 1)


def features(tune: Tune) -> npt.NDArray[np.float32]:
    """`[T, F]`, for a classifier: of each voice what sounds and whether it begins; tones of the chord at each beat."""
    parts = []
    for tokens, lasting in zip(tune.tokens, sounding(tune.tokens), strict=True):
        parts += [np.eye(TOKENS)[lasting], (tokens >= FIRST)[:, None]]
    beats = np.array([chord_tones(*chord_of_code(int(code))) for code in tune.chords[::BEAT]])
    return np.concatenate([*parts, np.repeat(beats, BEAT, 0)], 1).astype(np.float32)


def controls(train: Sequence[Tune]) -> Controls[Tune]:
    """What made tunes must be better than: own pitches shuffled, uniform ones; n-grams where there is a split train."""
    found: dict[str, Callable[[Tune, np.random.Generator], Tune]] = {"shuffled": shuffled, "uniform": uniform}
    if train:
        models = ngrams(train)
        found["ngram"] = lambda tune, random: by_ngram(tune, models, random)
    return found


def shuffled(tune: Tune, random: np.random.Generator) -> Tune:
    """The same rhythm, each voice's own pitches in another order."""
    return tune._replace(tokens=np.stack([_pitched(one, random.permutation) for one in tune.tokens]))


def uniform(tune: Tune, random: np.random.Generator) -> Tune:
    """The same rhythm with pitches drawn evenly from two octaves around each voice's middle."""

    def drawn(pitches: Steps) -> Steps:
        middle = int(np.median(pitches))
        low, high = max(FIRST, middle - AROUND), min(FIRST + HIGHEST - LOWEST, middle + AROUND)
        return random.integers(low, high + 1, len(pitches))

    return tune._replace(tokens=np.stack([_pitched(one, drawn) for one in tune.tokens]))


def ngrams(tunes: Sequence[Tune]) -> list[NGram]:
    """An n-gram model of each voice; the place in the bar is its context."""
    places = [np.arange(tune.tokens.shape[1]) % BAR for tune in tunes]
    by_voice = zip(*(tune.tokens for tune in tunes), strict=True)
    return [NGram.fit(lines, symbols=TOKENS, contexts=places) for lines in by_voice]


def by_ngram(tune: Tune, models: Sequence[NGram], random: np.random.Generator) -> Tune:
    """A tune as long, over the same chords, of which the n-gram models know nothing."""
    places = np.arange(tune.tokens.shape[1]) % BAR
    return tune._replace(tokens=np.stack([model.sample(len(places), random, context=places) for model in models]))


def _pitched(tokens: Steps, choose: Callable[[Steps], Steps]) -> Steps:
    changed = tokens.copy()
    begun = tokens >= FIRST
    if begun.any():
        changed[begun] = choose(tokens[begun])
    return changed
