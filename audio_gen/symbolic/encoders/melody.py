"""Melody grid: one voice by sixteenths; each step holds what sounds, begins a rest, or begins a pitch.

After the melody grids of E. Waite, "Generating long-term structure in songs and stories" (2016). Beside each step
stands what is told of it: chord, place in the bar, metre, key.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.symbolic.encoders.drums import bar_positions
from audio_gen.symbolic.score import NOTE, SIXTEENTH, Chord, Key, Notes, Score, Track
from audio_gen.symbolic.theory import NO_CHORD, QUALITIES, chord_code, estimate_key

HOLD, REST, FIRST = 0, 1, 2  # FIRST + p begins MIDI pitch p
TOKENS = FIRST + 128
VELOCITY = 100
Steps = npt.NDArray[np.int64]


class MelodyGrid(NamedTuple):
    """One voice: `tokens`, `chords` (codes of `theory.chord_code`), `position` in the bar, each `[T]`, and the rest.

    `bar` is the first metre's sixteenths a bar. In `tokens` a rest's first step is REST, and HOLD goes on with it.
    """

    tokens: Steps
    chords: Steps
    position: Steps
    bar: int
    key: Key


def encode(score: Score, track: int) -> MelodyGrid:
    """A voice of a score at the nearest sixteenths, from 0 to the end of the bar in which its last note ends.

    Of notes that fall on one step the highest counts, and each is cut where the next begins; a quantised voice without
    overlap comes back exactly. The key is the score's first, or estimated.

    Raises:
        ParameterError: the track has no notes.
    """
    notes = score.tracks[track].notes
    if not len(notes):
        raise ParameterError(f"track {track + 1} has no notes, so it is no melody; name another with --track")
    ends = [bar.end for bar in score.bars()]
    until = int((notes["onset"] + notes["duration"]).max())
    steps = -(-next((end for end in ends if end >= until), until) // SIXTEENTH)
    key = score.keys[0] if score.keys else estimate_key(notes)
    bar = max(1, score.meters[0].bar // SIXTEENTH)
    return MelodyGrid(tokens_of(notes, steps), chord_steps(score.chords, steps), bar_positions(score, steps), bar, key)


def tokens_of(notes: Notes, steps: int) -> Steps:
    """`[steps]` tokens of a voice."""
    start = (notes["onset"] + SIXTEENTH // 2) // SIXTEENTH
    until = np.maximum((notes["onset"] + notes["duration"] + SIXTEENTH // 2) // SIXTEENTH, start + 1)
    tokens = np.full(steps, HOLD, np.int64)
    order = np.lexsort((notes["pitch"], start))
    last = 0
    for number in order:
        if start[number] >= steps:
            break
        if start[number] > last:
            tokens[last] = REST if tokens[last] == HOLD else tokens[last]
        tokens[start[number]] = FIRST + int(notes["pitch"][number])
        last = min(int(until[number]), steps)
        tokens[start[number] + 1 : last] = HOLD
    if last < steps and tokens[last] == HOLD:
        tokens[last] = REST
    return tokens


def decode(tokens: Steps, *, velocity: int = VELOCITY, name: str = "melody", program: int = 0) -> Track:
    """The tokens as a track; HOLD before the first note is silence."""
    begins = np.flatnonzero(tokens != HOLD)
    ends = np.append(begins[1:], len(tokens))
    played = tokens[begins] >= FIRST
    notes = np.zeros(int(played.sum()), NOTE)
    notes["onset"] = begins[played] * SIXTEENTH
    notes["duration"] = (ends - begins)[played] * SIXTEENTH
    notes["pitch"] = tokens[begins[played]] - FIRST
    notes["velocity"] = velocity
    return Track(notes, name, program)


def chord_steps(chords: tuple[Chord, ...], steps: int) -> Steps:
    """`[steps]`: the code of the chord at each sixteenth; `NO_CHORD` before the first."""
    codes = np.full(steps, NO_CHORD, np.int64)
    for chord in chords:
        code = chord_code(chord.root, chord.quality) if chord.quality else NO_CHORD
        codes[(chord.onset + SIXTEENTH // 2) // SIXTEENTH :] = code
    return codes


def shift_to_c(key: Key) -> int:
    """Semitones, -6 to 5, that bring the key's tonic to C, so that all keys become one.

    >>> shift_to_c(Key(0, 2, False)), shift_to_c(Key(0, 7, False))
    (-2, 5)
    """
    return (6 - key.tonic) % 12 - 6


def transposed_tokens(tokens: Steps, semitones: int) -> Steps:
    """The same melody so many semitones higher; notes that leave MIDI's range move by octaves back into it."""
    pitch = tokens - FIRST + semitones
    pitch = np.where(pitch < 0, pitch % 12, np.where(pitch > 127, 108 + (pitch - 108) % 12, pitch))
    return np.where(tokens >= FIRST, pitch + FIRST, tokens)


def transposed_chords(codes: Steps, semitones: int) -> Steps:
    """The same chords so many semitones higher."""
    root, quality = codes // len(QUALITIES), codes % len(QUALITIES)
    return np.where(codes == NO_CHORD, NO_CHORD, (root + semitones) % 12 * len(QUALITIES) + quality)
