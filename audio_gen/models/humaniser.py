"""The humaniser: hits on a grid → how hard and how far off the grid a drummer would have played each.

A recurrent network in both directions over the drum grid (M. Schuster and K. Paliwal, "Bidirectional recurrent neural
networks", 1997), after the task of J. Gillick et al., "Learning to groove with inverse sequence transformations", ICML
2019. Beside one best answer it gives histograms to draw from: a best answer alone is too tidy.
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


class Opinion(NamedTuple):
    """What one player says of every cell: velocity `[B, T, 9]`, logits of both histograms `[B, T, 9, 32]`."""

    velocity: torch.Tensor
    velocity_bins: torch.Tensor
    offset_bins: torch.Tensor


class HumaniserNet(nn.Module):
    """Several players, and what they say together.

    A deep ensemble: B. Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation using deep
    ensembles", NeurIPS 2017.

    Args:
        styles: how many styles there are; one more number stands for "any".
        width: of each direction of each layer.
        layers: of each network.
        dropout: of inputs of each layer, while it learns.
        players: networks that learn side by side from different beginnings.
    """

    def __init__(self, styles: int, width: int = 160, layers: int = 2, dropout: float = 0.0, players: int = 1) -> None:
        super().__init__()
        if min(styles, width, layers, players) < 1:
            raise ParameterError(
                f"styles, width, layers and players start at 1, not {styles}, {width}, {layers}, {players}"
            )
        self.styles = styles
        self.players = nn.ModuleList(_Player(styles, width, layers, dropout) for _ in range(players))

    def forward(self, batch: DrumBatch) -> Manner:
        """The manner of each cell, of which only the hits of `batch.grid` are looked at.

        Means of the players' velocities and histograms; the offset is the median of that histogram, which is what an
        absolute error asks for.
        """
        velocity, loud, late = (torch.stack(parts) for parts in zip(*self.opinions(batch), strict=True))
        loud, late = (logits.log_softmax(-1).logsumexp(0) - math.log(len(logits)) for logits in (loud, late))
        return Manner(velocity.mean(0), median(late), loud, late)

    def opinions(self, batch: DrumBatch) -> list[Opinion]:
        """What each player says."""
        return [player(batch) for player in self.players]


class _Player(nn.Module):
    def __init__(self, styles: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.style = nn.Embedding(styles + 1, 24)
        self.position = nn.Embedding(POSITIONS, 32)
        self.neighbours = nn.Conv1d(DRUM_COUNT, 64, 9, padding=4)
        self.gru = nn.GRU(
            DRUM_COUNT + 64 + 24 + 32 + 3 + TEMPI, width, layers, batch_first=True, bidirectional=True, dropout=dropout
        )
        self.velocity = nn.Linear(2 * width, DRUM_COUNT)
        self.bins = nn.Linear(2 * width, 2 * DRUM_COUNT * BINS)

    def forward(self, batch: DrumBatch) -> Opinion:
        hits = batch.grid[..., 0]
        conditions = batch.conditions
        told = torch.cat([self.style(conditions.style), conditions.scalars(batch.bar), bells(conditions.bpm)], 1)
        near = torch.relu(self.neighbours(hits.mT)).mT
        place = self.position(batch.position.clamp_max(POSITIONS - 1))
        out, _ = self.gru(torch.cat([hits, near, place, told[:, None].expand(-1, hits.shape[1], -1)], -1))
        out = F.dropout(out, self.dropout, self.training)
        bins = self.bins(out).unflatten(-1, (2, DRUM_COUNT, BINS)).unbind(-3)
        return Opinion(self.velocity(out).sigmoid(), *bins)


def median(logits: torch.Tensor) -> torch.Tensor:
    """Medians of histograms of (-0.5, 0.5] `[..., 32]`, each value spread evenly over its bin."""
    share = logits.softmax(-1)
    below = share.cumsum(-1) - share
    at = ((below <= 0.5).sum(-1, keepdim=True) - 1).clamp_min(0)
    within = (0.5 - below.gather(-1, at)) / share.gather(-1, at)
    found: torch.Tensor = ((at + within.clamp(0, 1)) / BINS - 0.5)[..., 0]
    return found


def bells(bpm: torch.Tensor) -> torch.Tensor:
    """`[B]` → `[B, 24]`: how near each of 24 tempi is. Drummers keep habits at the tempi that they often play."""
    centres = torch.linspace(math.log(SLOWEST), math.log(FASTEST), TEMPI, device=bpm.device)
    apart = float(centres[1] - centres[0])
    return torch.exp(-(((bpm.log()[:, None] - centres) / apart) ** 2))
