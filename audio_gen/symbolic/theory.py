"""The theory view of notes: pitch class, degree, octave, duration class, chord, key; computed, never stored twice."""

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.symbolic.chords import (
    NO_CHORD,
    QUALITIES,
    TONES,
    Parts,
    chord_code,
    chord_name,
    chord_of_code,
    chord_tones,
    parse_chord,
    parse_chords,
    place_chords,
)
from audio_gen.symbolic.keys import (
    PROFILES,
    estimate_key,
    key_name,
    key_number,
    key_of_number,
    key_one_hot,
    parse_key,
    scale_mask,
)

__all__ = [
    "DURATIONS",
    "NO_CHORD",
    "PROFILES",
    "QUALITIES",
    "TONES",
    "Parts",
    "chord_code",
    "chord_name",
    "chord_of_code",
    "chord_tones",
    "degree",
    "duration_class",
    "estimate_key",
    "key_name",
    "key_number",
    "key_of_number",
    "key_one_hot",
    "octave",
    "parse_chord",
    "parse_chords",
    "parse_key",
    "pitch_class",
    "place_chords",
    "scale_mask",
]

# ticks at 480 a quarter: a 64th to four bars of 4/4; plain, dotted and triplet values, and ties up to 10 quarters
DURATIONS = (
    *(30, 40, 60, 80, 90, 120, 160, 180, 240, 300, 320, 360, 420, 480, 600, 640, 720, 840, 960, 1080, 1200),
    *(1280, 1440, 1680, 1920, 2400, 2880, 3360, 3840, 4800, 5760, 7680),
)

Numbers = npt.NDArray[np.int64]


def pitch_class(pitch: npt.ArrayLike) -> Numbers:
    """MIDI pitches → 0-11, C is 0."""
    return np.asarray(pitch, np.int64) % 12


def degree(pitch: npt.ArrayLike, tonic: int) -> Numbers:
    """MIDI pitches → semitones above the nearest tonic below, 0-11: in every key the same numbers."""
    return (np.asarray(pitch, np.int64) - tonic) % 12


def octave(pitch: npt.ArrayLike) -> Numbers:
    """MIDI pitches → -1 to 9; 60 (middle C) is in octave 4."""
    return np.asarray(pitch, np.int64) // 12 - 1


def duration_class(ticks: npt.ArrayLike) -> Numbers:
    """Ticks → 0-31: the nearest of DURATIONS, by ratio.

    Raises:
        ParameterError: a duration below 1 tick.
    """
    durations = np.asarray(ticks, np.float64)
    if durations.size and durations.min() < 1:
        raise ParameterError(f"a duration is at least 1 tick, not {durations.min():g}")
    middles = np.sqrt(np.multiply(DURATIONS[1:], DURATIONS[:-1]))
    return np.searchsorted(middles, durations).astype(np.int64)
