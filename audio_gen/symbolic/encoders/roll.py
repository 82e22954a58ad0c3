"""Notes as a picture: which notes begin and which sound at each 16th, for a network that looks at music."""

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.symbolic.score import NOTE, SIXTEENTH, Notes

STEPS = 16  # a bar of 4/4
PITCHES = 48
LOWEST = 48  # C3
VELOCITY = 80  # a picture holds none

Roll = npt.NDArray[np.uint8]


def to_roll(notes: Notes, bars: int, *, lowest: int = LOWEST) -> Roll:
    """Notes → `[2, bars, 16, 48]`, of 0 and 1: where notes begin, and where they sound (their first 16th too).

    `from_roll` gives the same notes back, but for velocities.

    Args:
        notes: dtype `score.NOTE` in ticks, as in a `Track`: onsets and ends on the grid of 16ths, all within the bars
            (4/4 each) and within 48 semitones from `lowest` on, none overlapping another of its pitch.
        bars: how many.
        lowest: MIDI pitch of the first column.

    Raises:
        ParameterError: a note that the picture can't hold.
    """
    first, last = notes["onset"], notes["onset"] + notes["duration"]
    pitch = notes["pitch"].astype(np.int64) - lowest
    wrong = (first % SIXTEENTH != 0) | (last % SIXTEENTH != 0) | (last > bars * STEPS * SIXTEENTH)
    wrong |= (pitch < 0) | (pitch >= PITCHES)
    if wrong.any():
        raise ParameterError(
            f"note {notes[wrong.argmax()].tolist()} (onset, duration, pitch, velocity) doesn't fit {bars} bars of "
            f"16ths ({SIXTEENTH} ticks) with pitches {lowest}-{lowest + PITCHES - 1}: quantise, cut or transpose first"
        )
    roll = np.zeros((2, bars * STEPS, PITCHES), np.uint8)
    roll[0, first // SIXTEENTH, pitch] = 1
    for start, end, row in zip(first // SIXTEENTH, last // SIXTEENTH, pitch, strict=True):
        roll[1, start:end, row] = 1
    return roll.reshape(2, bars, STEPS, PITCHES)


def from_roll(roll: npt.ArrayLike, *, lowest: int = LOWEST, velocity: int = VELOCITY) -> Notes:
    """`[2, bars, 16, 48]` → notes of one velocity, in ticks.

    A note begins where the first picture is over 0.5, and lasts while the second is and no other begins: what sounds
    without a beginning is none, what begins without sounding lasts a 16th. So every picture is some music.

    Raises:
        ParameterError: another shape, or pitches over 127.
    """
    picture = np.asarray(roll)
    if picture.ndim != 4 or picture.shape[::2] != (2, STEPS) or picture.shape[3] != PITCHES:
        raise ParameterError(f"a roll is [2, bars, {STEPS}, {PITCHES}], not {list(picture.shape)}")
    if not 0 <= lowest <= 128 - PITCHES:
        raise ParameterError(f"the lowest pitch is 0-{128 - PITCHES}, not {lowest}")
    begins, sounds = picture.reshape(2, -1, PITCHES) > 0.5
    steps, rows = np.nonzero(begins)
    stops = np.concatenate([~sounds | begins, np.ones((1, PITCHES), bool)])
    ends = [step + 1 + stops[step + 1 :, row].argmax() for step, row in zip(steps, rows, strict=True)]
    notes = np.zeros(len(steps), NOTE)
    notes["onset"] = steps * SIXTEENTH
    notes["duration"] = (np.array(ends, np.int64) - steps) * SIXTEENTH
    notes["pitch"], notes["velocity"] = rows + lowest, velocity
    return notes
