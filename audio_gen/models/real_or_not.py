"""A small network that tells real windows of music from made ones, by which makers of notes are judged.

A classifier two-sample test (D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017): where
the two sets are alike, it does no better than chance. It hears a beat at a time, then the beats in their order.
"""

import torch
import torch.nn.functional as F
from torch import nn

BEAT = 4  # steps


class RealOrNotNet(nn.Module):
    """See the module.

    Args:
        features: numbers a step.
        width: of the recurrent layer.
        dropout: of what it hears of a beat, and of what it thinks at the end, while it learns.
    """

    def __init__(self, features: int, width: int = 32, dropout: float = 0.3) -> None:
        super().__init__()
        self.dropout = dropout
        self.beat = nn.Conv1d(features, width, BEAT, BEAT)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(2 * width, 1)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """`[B, T, features]`, T a multiple of 4 → logits `[B]`: above 0 it takes the window for a made one."""
        beats = F.dropout(torch.relu(self.beat(windows.mT)), self.dropout, self.training).mT
        heard, _ = self.gru(beats)
        thought = torch.cat([heard.mean(1), heard.amax(1)], 1)
        scores: torch.Tensor = self.out(F.dropout(thought, self.dropout, self.training))[:, 0]
        return scores
