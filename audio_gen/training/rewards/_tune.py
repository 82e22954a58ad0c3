"""A melody as the rules look at it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audio_gen.models.melody import CHORDS, LOWEST
from audio_gen.models.melody_pieces import MelodyPiece
from audio_gen.symbolic.encoders.melody import FIRST, HOLD
from audio_gen.symbolic.theory import chord_of_code, chord_tones

Steps = npt.NDArray[np.int64]
BEAT = 4  # sixteenths


@dataclass(frozen=True, eq=False)
class Tune:
    """One melody, seen from its tonic at C (pitch class 0).

    Args:
        pitch: `[N]` MIDI pitches of its notes.
        onset, duration: `[N]`, in sixteenths.
        bar: sixteenths a bar.
        bars: how many it has.
        minor: whether its key is.
        fits: `[N]`: 1 where a note belongs to the chord at its onset, 0 where not, NaN where there is no chord.
        ends: whether the piece ends with it.
    """

    pitch: Steps
    onset: Steps
    duration: Steps
    bar: int
    bars: int
    minor: bool
    fits: npt.NDArray[np.float64]
    ends: bool


_TONES = np.stack([np.asarray(chord_tones(*chord_of_code(code)), float) for code in range(CHORDS - 1)])


def tune_of(piece: MelodyPiece) -> Tune:
    """The notes of a piece; it ends where no bar is left after it."""
    tokens = piece.tokens
    begins = np.flatnonzero(tokens != HOLD)
    lengths = np.diff(np.append(begins, len(tokens)))
    sung = tokens[begins] >= FIRST
    onset, pitch = begins[sung], tokens[begins[sung]] - FIRST + LOWEST
    code = piece.chord[onset]
    fits = np.where(code < CHORDS - 1, _TONES[np.minimum(code, CHORDS - 2), pitch % 12], np.nan)
    bars = -(-len(tokens) // piece.bar)
    return Tune(pitch, onset, lengths[sung], piece.bar, bars, piece.minor, fits, bool(piece.left[-1] == 0))
