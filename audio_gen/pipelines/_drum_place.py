"""Where new drums go in a score, and the notes that go there."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from audio_gen.symbolic.encoders.drums import NUMBER, Grid, decode, encode
from audio_gen.symbolic.score import SIXTEENTH, Notes, Score


@dataclass(frozen=True, eq=False)
class Place:
    """Where new drums go: ticks from `start` to `end` of track `number` (from 0) of a score."""

    score: Score
    number: int
    start: int
    end: int

    @property
    def kept(self) -> Notes:
        """The notes of the track outside."""
        notes = self.score.tracks[self.number].notes
        kept: Notes = notes[(notes["onset"] < self.start) | (notes["onset"] >= self.end)]
        return kept

    @property
    def steps(self) -> int:
        """Sixteenths from the score's beginning to the end of the place."""
        return -(-self.end // SIXTEENTH)

    @property
    def first(self) -> int:
        """The first sixteenth of the place."""
        return self.start // SIXTEENTH

    @property
    def before(self) -> Grid:
        """`[first, 9, 3]`: what was played until then."""
        return encode(self.kept[self.kept["onset"] < self.start], self.first).grid


def new_notes(place: Place, grid: Grid) -> Notes:
    """The notes of a grid in a place, which none leaves; those that would touch a note that is kept are left out.

    Where nothing comes after the place, the last one lasts to its end: a score is as long as its notes.
    """
    inside, kept = grid.copy(), place.kept
    inside[: place.first] = 0
    for note in kept[np.isin(kept["pitch"], list(NUMBER))]:  # one may be early, and of the first step
        step = (int(note["onset"]) + SIXTEENTH // 2) // SIXTEENTH
        if step < len(inside):
            inside[step, NUMBER[int(note["pitch"])]] = 0
    notes: Notes = decode(inside).notes.copy()
    notes["onset"] = np.maximum(notes["onset"], place.start)
    notes = notes[notes["onset"] < place.end]
    notes["duration"] = np.minimum(notes["duration"], place.end - notes["onset"])
    notes = notes[np.array([_free(note, kept) for note in notes], bool)]
    if len(notes) and place.end >= place.score.end:
        last = len(notes) - 1
        notes["duration"][last] = place.end - notes["onset"][last]
    return notes


def _free(note: Any, kept: Notes) -> bool:
    """Whether a note and those that are kept can both sound as they are."""
    same = kept[kept["pitch"] == note["pitch"]]
    ends = same["onset"] + same["duration"]
    return not bool(((same["onset"] < note["onset"] + note["duration"]) & (note["onset"] < ends)).any())
