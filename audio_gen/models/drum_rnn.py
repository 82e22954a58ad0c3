"""A recurrent network over the drum grid: which drums are hit next, how hard and how far off the grid.

An LSTM (S. Hochreiter and J. Schmidhuber, 1997) reads what was played, with lookback (E. Waite, "Generating long-term
structure in songs and stories", 2016) to one, two and four bars ago; the nine hits of a step depend on each other as in
NADE (H. Larochelle and I. Murray, AISTATS 2011). Velocity and offset are histograms, so that a draw isn't a mean.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.models.drum_pieces import DRUM_COUNT, POSITIONS, Conditions, DrumBatch

FAMILY = "drum_rnn"
BINS = 32  # of velocity in (0, 1] and of offset in (-0.5, 0.5]
ACCENT = 8  # hidden numbers that decide on each drum
LOOKBACK = DRUM_COUNT * (3 + 2 + 2 + 3)  # numbers that `lookback` gives


class DrumScores(NamedTuple):
    """Logits of hits `[..., 9]`, and of velocity and offset bins `[..., 9, 32]`."""

    hits: torch.Tensor
    velocity: torch.Tensor
    offset: torch.Tensor


def bins_of(values: torch.Tensor, low: float) -> torch.Tensor:
    """The bin of each value in (low, low + 1]."""
    return ((values - low) * BINS).ceil().long().clamp(1, BINS) - 1


def centre_of(bins: torch.Tensor, low: float) -> torch.Tensor:
    """The middle of each bin."""
    return low + (bins.float() + 0.5) / BINS


def lookback(grid: torch.Tensor, bar: torch.Tensor) -> torch.Tensor:
    """`[B, T, 9, 3]` and sixteenths a bar `[B]` → what is known before each step, `[B, T, LOOKBACK]`.

    The step before (hits, velocities, offsets), the same place one and two bars ago (hits, velocities), four bars ago
    and the two places after it one bar ago (hits); silence before the beginning.
    """
    hits, loud = grid[..., 0], grid[..., 0] * grid[..., 1]
    last = F.pad((grid * grid[..., :1]).flatten(2), (0, 0, 1, 0))[:, :-1]
    parts = [last]
    for bars, ahead, values in (
        (1, 0, hits),
        (1, 0, loud),
        (2, 0, hits),
        (2, 0, loud),
        (4, 0, hits),
        (1, 1, hits),
        (1, 2, hits),
    ):
        parts.append(_earlier(values, bars * bar - ahead))
    return torch.cat(parts, -1)


def _earlier(values: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """`values [B, T, C]`, so many steps `[B]` ago."""
    at = torch.arange(values.shape[1], device=values.device)[None] - steps[:, None]
    found = values.gather(1, at.clamp_min(0)[..., None].expand(-1, -1, values.shape[2]))
    return found * (at >= 0)[..., None]


class DrumRnnNet(nn.Module):
    """See the module.

    Args:
        styles: how many styles there are; one more number stands for "any".
        width: of each LSTM layer.
        layers: of the LSTM.
        dropout: of inputs of each layer, while it learns.
    """

    lower: torch.Tensor

    def __init__(self, styles: int, width: int = 256, layers: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        if min(styles, width, layers) < 1:
            raise ParameterError(f"styles, width and layers start at 1, not {styles}, {width}, {layers}")
        self.styles, self.dropout = styles, dropout
        self.style = nn.Embedding(styles + 1, 24)
        self.position = nn.Embedding(POSITIONS, 32)
        self.lstm = nn.LSTM(
            LOOKBACK + 24 + 32 + 3, width, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0
        )
        self.gate = nn.Linear(width, DRUM_COUNT * ACCENT)
        self.among = nn.Parameter(torch.zeros(DRUM_COUNT, ACCENT, DRUM_COUNT))
        self.decide = nn.Parameter(torch.randn(DRUM_COUNT, ACCENT) * ACCENT**-0.5)
        self.straight = nn.Linear(width, DRUM_COUNT)
        self.touch = nn.Linear(width + DRUM_COUNT, width)
        self.feel = nn.Linear(width, 2 * DRUM_COUNT * BINS)
        self.register_buffer("lower", torch.tril(torch.ones(DRUM_COUNT, DRUM_COUNT), -1)[:, None], persistent=False)

    def features(
        self, grid: torch.Tensor, bar: torch.Tensor, position: torch.Tensor, conditions: Conditions
    ) -> torch.Tensor:
        """All that is known before each step: `[B, T, 9, 3]`, `[B]`, place in the bar `[B, T]` → `[B, T, F]`."""
        told = lookback(grid, bar)
        if self.training:
            told = F.dropout(told, self.dropout / 2)
        whole = torch.cat([self.style(conditions.style), conditions.scalars(bar)], 1)[:, None].expand(
            -1, grid.shape[1], -1
        )
        return torch.cat([told, self.position(position.clamp_max(POSITIONS - 1)), whole], -1)

    def hidden(
        self, features: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor] | None = None
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """`[B, T, F]` → what the LSTM makes of it, `[B, T, width]`, and its state."""
        out, state = self.lstm(features, state)
        return F.dropout(out, self.dropout, self.training), state

    def hits(self, hidden: torch.Tensor, hits: torch.Tensor) -> torch.Tensor:
        """Logits `[..., 9]`, each given the hits `[..., 9]` of the drums before it."""
        known = torch.einsum("...j,dkj->...dk", hits, self.among * self.lower)
        moved = torch.relu(self.gate(hidden).unflatten(-1, (DRUM_COUNT, ACCENT)) + known)
        scores: torch.Tensor = self.straight(hidden) + (moved * self.decide).sum(-1)
        return scores

    def in_turn(self, hidden: torch.Tensor, strike: Callable[[int, torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """Hits `[B, 9]`, drum after drum: `strike(drum, logits [B])` decides on each, given those before it.

        The logits are those of `hits`, without computing again what doesn't change from drum to drum.
        """
        gates, straight = self.gate(hidden).unflatten(-1, (DRUM_COUNT, ACCENT)), self.straight(hidden)
        struck = [strike(0, straight[:, 0] + (torch.relu(gates[:, 0]) * self.decide[0]).sum(-1))]
        for drum in range(1, DRUM_COUNT):
            moved = torch.relu(gates[:, drum] + torch.stack(struck, -1) @ self.among[drum, :, :drum].T)
            struck.append(strike(drum, straight[:, drum] + (moved * self.decide[drum]).sum(-1)))
        return torch.stack(struck, -1)

    def manner(self, hidden: torch.Tensor, hits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of velocity and offset bins, each `[..., 9, 32]`, given the step's hits."""
        felt = torch.relu(self.touch(torch.cat([hidden, hits], -1)))
        velocity, offset = self.feel(felt).unflatten(-1, (2, DRUM_COUNT, BINS)).unbind(-3)
        return velocity, offset

    def forward(self, batch: DrumBatch) -> DrumScores:
        """Scores of every step, given the steps before it."""
        hidden, _ = self.hidden(self.features(batch.grid, batch.bar, batch.position, batch.conditions))
        return DrumScores(self.hits(hidden, batch.grid[..., 0]), *self.manner(hidden, batch.grid[..., 0]))


class DrumNats(NamedTuple):
    """Negative log-likelihood in nats, a step `[B, T]`: of the hits, of their velocities and of their offsets."""

    hits: torch.Tensor
    velocity: torch.Tensor
    offset: torch.Tensor


def nats(scores: DrumScores, grid: torch.Tensor) -> DrumNats:
    """What `grid [B, T, 9, 3]` costs under `scores`; velocities and offsets count where there is a hit."""
    struck = grid[..., 0]

    def cost(logits: torch.Tensor, values: torch.Tensor, low: float) -> torch.Tensor:
        each = F.cross_entropy(logits.flatten(0, -2), bins_of(values, low).flatten(), reduction="none")
        return (each.view_as(values) * struck).sum(-1)

    hits = F.binary_cross_entropy_with_logits(scores.hits, struck, reduction="none").sum(-1)
    return DrumNats(hits, cost(scores.velocity, grid[..., 1], 0.0), cost(scores.offset, grid[..., 2], -0.5))
