"""Feel: which cell of the drum grid each note belongs to, and notes with another velocity and timing in their place."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.symbolic.encoders.drums import DRUMS, HIT, LOUDEST, NUMBER, Grid, steps_of
from audio_gen.symbolic.score import SIXTEENTH, Notes

MOST_STEPS = 1 << 16  # sixteenths: over two hours at 120 bpm

Numbers = npt.NDArray[np.int64]


class Cells(NamedTuple):
    """Those notes that are drums of ours, in their order, each `[N]`.

    `head` is the place among them of the loudest note of its cell: a flam's grace note goes with the stroke after it.
    """

    note: Numbers  # its place in the track
    step: Numbers
    drum: Numbers
    head: Numbers
    steps: int  # of a grid that holds them

    @property
    def hits(self) -> Grid:
        """`[steps, 9, 3]` with hits alone."""
        grid = np.zeros((self.steps, len(DRUMS), 3), np.float32)
        grid[self.step, self.drum, HIT] = 1
        return grid


def cells_of(notes: Notes) -> Cells:
    """The cell of each note that is a drum of ours.

    Raises:
        ParameterError: none is, or the last is further on than we go.
    """
    note = np.flatnonzero(np.isin(notes["pitch"], list(NUMBER)))
    if not len(note):
        raise ParameterError(f"none of its {len(notes)} notes is a drum that we know: {', '.join(DRUMS)}")
    step = steps_of(notes[note])
    if step.max() >= MOST_STEPS:
        raise ParameterError(f"its last drum is {step.max()} sixteenths from the start; {MOST_STEPS} are the most")
    drum = np.array([NUMBER[int(pitch)] for pitch in notes["pitch"][note]])
    _, cell = np.unique(step * len(DRUMS) + drum, return_inverse=True)
    loudest = np.zeros(cell.max() + 1, np.int64)
    order = np.argsort(notes["velocity"][note], kind="stable")
    loudest[cell[order]] = order  # the loudest is written last
    return Cells(note, step, drum, loudest[cell], int(step.max()) + 1)


def offsets_of(notes: Notes, cells: Cells) -> Numbers:
    """How many ticks later than its sixteenth each note begins."""
    return notes["onset"][cells.note].astype(np.int64) - cells.step * SIXTEENTH


def felt(
    notes: Notes, cells: Cells, louder: npt.NDArray[np.float64] | None, later: npt.NDArray[np.float64] | None
) -> Notes:
    """The notes, moved: each of the cells by what its head is, in 127ths and in ticks; None leaves all as they are.

    Count, pitches and the order of onsets stay, so nobody goes further than half-way to a neighbour in time; notes
    that begin together may part. A note that the next of its pitch would now cut is as much shorter.
    """
    moved = notes.copy()
    if louder is not None:
        velocity = notes["velocity"][cells.note] + np.rint(louder[cells.head])
        moved["velocity"][cells.note] = np.clip(velocity, 1, LOUDEST)
    if later is not None:
        onset = notes["onset"].astype(np.int64)
        places, which = np.unique(onset, return_inverse=True)
        between = (places[1:] + places[:-1]) // 2
        first, last = np.concatenate([[0], between + 1])[which], np.concatenate([between, [1 << 29]])[which]
        onset[cells.note] += np.rint(later[cells.head]).astype(np.int64)
        moved["onset"] = np.clip(onset, first, last)
    return moved
