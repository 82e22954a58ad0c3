"""Drum grid: nine drums by sixteenths, each cell a hit, its velocity and how far off the grid it is.

The representation of GrooVAE (J. Gillick et al., "Learning to groove with inverse sequence transformations", ICML
2019): `[T, 9, 3]`. Sixteenths alone would lose what makes a groove, and a finer grid would make it rare.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.symbolic.score import NOTE, SIXTEENTH, Notes, Score, Track

# each drum with its General MIDI pitches and those of electronic kits; the first is what it is written as
DRUMS: dict[str, tuple[int, ...]] = {
    "kick": (36, 35),
    "snare": (38, 37, 40, 39),
    "closed hi-hat": (42, 22, 44),
    "open hi-hat": (46, 26),
    "low tom": (43, 58, 41),
    "mid tom": (47, 45),
    "high tom": (50, 48),
    "crash": (49, 52, 55, 57),
    "ride": (51, 53, 59),
}
NUMBER = {pitch: number for number, pitches in enumerate(DRUMS.values()) for pitch in pitches}
HIT, VELOCITY, OFFSET = range(3)
LENGTH = SIXTEENTH // 2  # ticks that a decoded hit lasts: drums ring on by themselves
LOUDEST = 127
Grid = npt.NDArray[np.float32]


class DrumGrid(NamedTuple):
    """A grid `[T, 9, 3]`, and how many of the track's notes it couldn't hold.

    `grid[..., HIT]` is 0 or 1; where it is 1, velocity is in (0, 1] and offset in (-0.5, 0.5] sixteenths, late is
    positive; both are 0 elsewhere. `merged` fell on a louder hit of the same cell; `unknown` are no drums of ours.
    """

    grid: Grid
    merged: int
    unknown: int


def encode(notes: Notes, steps: int | None = None) -> DrumGrid:
    """The grid of a drum track's notes; `steps` sixteenths long, None: up to the last hit.

    Raises:
        ParameterError: no notes and no steps.
    """
    known = np.isin(notes["pitch"], list(NUMBER))
    kept = notes[known]
    step = steps_of(kept)
    if steps is None:
        if not len(kept):
            raise ParameterError("no drum to encode; give the number of steps of an empty grid")
        steps = int(step.max()) + 1
    drum = np.array([NUMBER[int(pitch)] for pitch in kept["pitch"]], int)
    inside = step < steps
    kept, step, drum = kept[inside], step[inside], drum[inside]
    order = np.argsort(kept["velocity"], kind="stable")  # the loudest is written last
    grid = np.zeros((steps, len(DRUMS), 3), np.float32)
    grid[step[order], drum[order], HIT] = 1
    grid[step[order], drum[order], VELOCITY] = kept["velocity"][order] / LOUDEST
    grid[step[order], drum[order], OFFSET] = (kept["onset"] - step * SIXTEENTH)[order] / SIXTEENTH
    return DrumGrid(grid, int(inside.sum() - grid[..., HIT].sum()), int((~known).sum()))


def steps_of(notes: Notes) -> npt.NDArray[np.int64]:
    """The nearest sixteenth of each note; halfway between two it is late, by an offset of 0.5."""
    return -((SIXTEENTH // 2 - notes["onset"].astype(np.int64)) // SIXTEENTH)


def decode(grid: Grid, name: str = "drums") -> Track:
    """The grid as a track; what `encode` made comes back tick for tick where each drum is written as its first pitch.

    An early hit of the first step begins at 0.
    """
    step, drum = np.nonzero(grid[..., HIT] > 0.5)
    cells = grid[step, drum]
    notes = np.zeros(len(step), NOTE)
    notes["onset"] = np.maximum(0, np.rint((step + cells[:, OFFSET]) * SIXTEENTH))
    notes["duration"] = LENGTH
    notes["pitch"] = np.array([pitches[0] for pitches in DRUMS.values()])[drum]
    notes["velocity"] = np.clip(np.rint(cells[:, VELOCITY] * LOUDEST), 1, LOUDEST)
    return Track(notes, name, is_drum=True)


def bar_positions(score: Score, steps: int) -> npt.NDArray[np.int64]:
    """`[steps]`: in which sixteenth of its bar each step lies, whatever the metre."""
    position = np.zeros(steps, np.int64)
    for number, meter in enumerate(score.meters):
        until = score.meters[number + 1].onset if number + 1 < len(score.meters) else steps * SIXTEENTH
        at = np.arange(-(-meter.onset // SIXTEENTH), min(steps, -(-until // SIXTEENTH)))
        position[at] = (at * SIXTEENTH - meter.onset) % meter.bar // SIXTEENTH
    return position
