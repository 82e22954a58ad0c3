"""The humaniser: hits on a grid → how hard and how far off the grid a drummer would have played each.

A recurrent network in both directions over the drum grid (M. Schuster and K. Paliwal, "Bidirectional recurrent neural
networks", 1997), after the task of J. Gillick et al., "Learning to groove with inverse sequence transformations", ICML
2019. Beside one best answer it gives histograms to draw from: a mean alone is too tidy.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.models.drum_pieces import DRUM_COUNT, POSITIONS, DrumBatch
from audio_gen.models.drum_rnn import BINS

FAMILY = "humaniser"
TEMPI, SLOWEST, FASTEST = 24, 40.0, 300.0  # bells over the logarithm of quarters a minute


class Manner(NamedTuple):
    """Of every cell `[B, T, 9]`: velocity in (0, 1) and offset in (-0.5, 0.5) sixteenths, and logits of their bins."""

    velocity: torch.Tensor
    offset: torch.Tensor
    velocity_bins: torch.Tensor  # [B, T, 9, 32]
    offset_bins: torch.Tensor


class HumaniserNet(nn.Module):
    """See the module.

    Args:
        styles: how many styles there are; one more number stands for "any".
        width: of each direction of each layer.
        layers: of the network.
        dropout: of inputs of each layer, while it learns.
    """

    def __init__(self, styles: int, width: int = 160, layers: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        if min(styles, width, layers) < 1:
            raise ParameterError(f"styles, width and layers start at 1, not {styles}, {width}, {layers}")
        self.styles, self.dropout = styles, dropout
        self.style = nn.Embedding(styles + 1, 24)
        self.position = nn.Embedding(POSITIONS, 32)
        self.neighbours = nn.Conv1d(DRUM_COUNT, 64, 9, padding=4)
        self.gru = nn.GRU(
            DRUM_COUNT + 64 + 24 + 32 + 3 + TEMPI, width, layers, batch_first=True, bidirectional=True, dropout=dropout
        )
        self.best = nn.Linear(2 * width, 2 * DRUM_COUNT)
        self.bins = nn.Linear(2 * width, 2 * DRUM_COUNT * BINS)

    def forward(self, batch: DrumBatch) -> Manner:
        """The manner of each cell, of which only the hits of `batch.grid` are looked at."""
        hits = batch.grid[..., 0]
        conditions = batch.conditions
        told = torch.cat([self.style(conditions.style), conditions.scalars(batch.bar), bells(conditions.bpm)], 1)
        near = torch.relu(self.neighbours(hits.mT)).mT
        place = self.position(batch.position.clamp_max(POSITIONS - 1))
        out, _ = self.gru(torch.cat([hits, near, place, told[:, None].expand(-1, hits.shape[1], -1)], -1))
        out = F.dropout(out, self.dropout, self.training)
        velocity, offset = self.best(out).unflatten(-1, (2, DRUM_COUNT)).unbind(-2)
        bins = self.bins(out).unflatten(-1, (2, DRUM_COUNT, BINS)).unbind(-3)
        return Manner(velocity.sigmoid(), offset.tanh() / 2, *bins)


def bells(bpm: torch.Tensor) -> torch.Tensor:
    """`[B]` → `[B, 24]`: how near each of 24 tempi is. Drummers keep habits at the tempi that they often play."""
    centres = torch.linspace(math.log(SLOWEST), math.log(FASTEST), TEMPI, device=bpm.device)
    apart = float(centres[1] - centres[0])
    return torch.exp(-(((bpm.log()[:, None] - centres) / apart) ** 2))
