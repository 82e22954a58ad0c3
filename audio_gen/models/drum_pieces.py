"""Pieces of drums as networks take them: grids with what is told of them, and padded batches of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.errors import ParameterError
from audio_gen.symbolic.encoders.drums import DRUMS, Grid, bar_positions, encode
from audio_gen.symbolic.score import SIXTEENTH, Score

DRUM_COUNT = len(DRUMS)
POSITIONS = 32  # sixteenths of the longest bar that is told apart


class Conditions(NamedTuple):
    """What holds for each of B pieces, `[B]`: number of its style, quarters a minute, whether it is a fill (0, 1)."""

    style: torch.Tensor
    bpm: torch.Tensor
    fill: torch.Tensor

    def scalars(self, bar: torch.Tensor) -> torch.Tensor:
        """`[B, 3]`: tempo, fill and sixteenths a bar as numbers around 0."""
        return torch.stack([(self.bpm / 120).log(), self.fill.float(), bar / 16 - 1], 1)


@dataclass(frozen=True, eq=False)
class DrumPiece:
    """One piece.

    Args:
        grid: `[T, 9, 3]` (`symbolic.encoders.drums`).
        position: `[T]`, the sixteenth of its bar that each step is.
        bar: sixteenths a bar.
        style: number of its style.
        bpm: quarters a minute.
        fill: whether it is a fill.
    """

    grid: Grid
    position: npt.NDArray[np.int64]
    bar: int
    style: int
    bpm: float
    fill: bool = False

    def cut(self, start: int, steps: int) -> "DrumPiece":
        """So many steps of it from `start` on, or what there is of them."""
        part = slice(start, start + steps)
        return replace(self, grid=self.grid[part], position=self.position[part])


def piece_of(score: Score, style: int, *, fill: bool = False, track: int | None = None) -> DrumPiece:
    """The drums of a score: those of one track, or of all drum tracks together.

    Raises:
        ParameterError: no drums in it that we know.
    """
    tracks = [one for one in score.tracks if one.is_drum] if track is None else [score.tracks[track]]
    notes = np.concatenate([one.notes for one in tracks]) if tracks else None
    if notes is None or not len(notes):
        raise ParameterError("there are no drums in it (a track on channel 10); name one with --track")
    grid = encode(notes).grid
    bar = max(1, score.meters[0].bar // SIXTEENTH)
    return DrumPiece(grid, bar_positions(score, len(grid)), bar, style, score.tempi[0].bpm, fill)


class DrumBatch(NamedTuple):
    """Pieces side by side, filled up: `[B, T, 9, 3]`, sixteenths a bar `[B]`, place in it, and what is there."""

    grid: torch.Tensor
    bar: torch.Tensor
    position: torch.Tensor
    conditions: Conditions
    there: torch.Tensor

    def to(self, device: torch.device) -> "DrumBatch":
        """The same on a device."""
        conditions = Conditions(*(part.to(device) for part in self.conditions))
        grid, bar, position, there = (part.to(device) for part in (self.grid, self.bar, self.position, self.there))
        return DrumBatch(grid, bar, position, conditions, there)


def batch_of(pieces: Sequence[DrumPiece], steps: int | None = None) -> DrumBatch:
    """A batch as long as its longest piece, or `steps`."""
    longest = steps or max(len(piece.grid) for piece in pieces)
    grid = np.zeros((len(pieces), longest, len(DRUMS), 3), np.float32)
    position = np.zeros((len(pieces), longest), np.int64)
    there = np.zeros((len(pieces), longest), np.float32)
    for number, piece in enumerate(pieces):
        size = len(piece.grid)
        grid[number, :size], position[number, :size], there[number, :size] = piece.grid, piece.position, 1
    conditions = Conditions(
        torch.tensor([piece.style for piece in pieces]),
        torch.tensor([piece.bpm for piece in pieces]),
        torch.tensor([float(piece.fill) for piece in pieces]),
    )
    bars = torch.tensor([piece.bar for piece in pieces])
    return DrumBatch(torch.from_numpy(grid), bars, torch.from_numpy(position), conditions, torch.from_numpy(there))
