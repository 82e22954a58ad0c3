"""An LSTM over the melody grid: the next sixteenth of a tune over chords, in a key and a metre.

After the lookback network of E. Waite, "Generating long-term structure in songs and stories" (2016): what was sung
one, two, four ... bars ago is told at each step, with how well it has agreed of late, and can be copied (the pointer
of S. Merity et al., "Pointer sentinel mixture models", ICLR 2017, over these few places). All keys are one: pitches
and chords are seen from the tonic.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.symbolic.encoders.melody import FIRST, HOLD
from audio_gen.symbolic.theory import NO_CHORD

FAMILY = "melody"
LOWEST, HIGHEST = 24, 107  # pitches, seen from the tonic at C, that there are tokens for
TOKENS = FIRST + HIGHEST - LOWEST + 1
CHORDS = NO_CHORD + 1
LAGS = (1, 2, 4, 8, 16)  # bars
POSITIONS, LONGEST, AHEAD = 32, 64, 33  # sixteenths: of a bar, that a note is counted for, that a chord is foreseen
COUNTED = 16  # bars: of a phrase, and before the end


class Told(NamedTuple):
    """What is told of each step of B melodies; `[B, T]` each, but for `bar`, `minor` and `style`, `[B]`."""

    chord: torch.Tensor  # code from the tonic
    coming: torch.Tensor  # the next other chord
    until: torch.Tensor  # sixteenths until it, at most AHEAD - 1
    position: torch.Tensor  # sixteenth of its bar
    number: torch.Tensor  # of its bar
    left: torch.Tensor  # bars until the end
    bar: torch.Tensor  # sixteenths a bar
    minor: torch.Tensor
    style: torch.Tensor


class MelodyNet(nn.Module):
    """See the module.

    Args:
        styles: how many styles there are; one more number stands for "any".
        width: of each LSTM layer.
        layers: of the LSTM.
        dropout: of inputs of each layer, while it learns.
    """

    def __init__(self, styles: int, width: int = 256, layers: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        if min(width, layers) < 1 or styles < 0:
            raise ParameterError(f"width and layers start at 1, styles at 0, not {width}, {layers}, {styles}")
        self.styles, self.dropout = styles, dropout
        self.token = nn.Embedding(TOKENS + 1, 48)  # the last one: before the beginning
        self.since = nn.Embedding(LONGEST, 16)
        self.chord = nn.Embedding(CHORDS, 32)
        self.until = nn.Embedding(AHEAD, 16)
        self.position = nn.Embedding(POSITIONS, 16)
        self.number, self.left = nn.Embedding(COUNTED, 8), nn.Embedding(COUNTED, 8)
        self.style = nn.Embedding(styles + 1, 8)
        told = 48 * 2 + 16 + 2 * 32 + 16 + 16 + 8 + 8 + 8 + 2 + len(LAGS) * (24 + 2)
        self.back = nn.Linear(2 * 48, 24)
        self.lstm = nn.LSTM(told, width, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.out = nn.Linear(width, TOKENS)
        self.copy = nn.Linear(width + 2 * len(LAGS), len(LAGS))

    def forward(self, tokens: torch.Tensor, told: Told) -> torch.Tensor:
        """`tokens [B, T]` (of which each step sees those before it) → logits `[B, T, TOKENS]`."""
        looked, agreed, places = self.lookback(tokens, told.bar)
        before = F.pad(tokens, (1, 0), value=TOKENS)[:, :-1]
        hidden, _ = self.lstm(self.assemble(before, *sounding_of(before), told, looked, agreed))
        return self.scores(hidden, agreed, places)

    def lookback(self, tokens: torch.Tensor, bar: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of each lag: what stood there and after it `[B, T, 5, 96]`, agreement `[B, T, 10]`, tokens `[B, T, 5]`."""
        before = F.pad(tokens, (1, 0), value=TOKENS)[:, :-1]
        looked, agreed, places = [], [], []
        for lag in LAGS:
            there = earlier(tokens, lag * bar)
            after = earlier(tokens, lag * bar - 1)
            same = ((earlier(before, lag * bar) == before) & (before != TOKENS)).float()
            past = F.pad(same.cumsum(1), (16, 0))
            agreed += [(past[:, 16:] - past[:, 12:-4]) / 4, (past[:, 16:] - past[:, :-16]) / 16]
            looked.append(torch.cat([self.token(there), self.token(after)], -1))
            places.append(there)
        return torch.stack(looked, 2), torch.stack(agreed, -1), torch.stack(places, -1)

    def assemble(
        self,
        before: torch.Tensor,
        sounding: torch.Tensor,
        since: torch.Tensor,
        told: Told,
        looked: torch.Tensor,
        agreed: torch.Tensor,
    ) -> torch.Tensor:
        """All that is known before each step, `[B, T, F]`: the last token, what sounds, since when, and the rest."""
        wide = (-1, before.shape[1], -1)
        parts = [
            self.token(before),
            self.token(sounding),
            self.since(since.clamp_max(LONGEST - 1)),
            self.chord(told.chord),
            self.chord(told.coming),
            self.until(told.until),
            self.position(told.position.clamp_max(POSITIONS - 1)),
            self.number(told.number % COUNTED),
            self.left(told.left.clamp(0, COUNTED - 1)),
            self.style(told.style)[:, None].expand(*wide),
            torch.stack([told.minor.float(), told.bar / 16 - 1], -1)[:, None].expand(*wide),
            self.back(looked).flatten(2),
            agreed,
        ]
        return F.dropout(torch.cat(parts, -1), self.dropout / 2, self.training)

    def scores(self, hidden: torch.Tensor, agreed: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Logits: the network's own, raised at the tokens that stand where each lag leads."""
        hidden = F.dropout(hidden, self.dropout, self.training)
        gates = self.copy(torch.cat([hidden, agreed], -1))
        raised = torch.zeros(*hidden.shape[:-1], TOKENS + 1, device=hidden.device).scatter_add(-1, places, gates)
        scores: torch.Tensor = self.out(hidden) + raised[..., :TOKENS]
        return scores


def earlier(tokens: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """`tokens [B, T]`, so many steps `[B]` ago; TOKENS before the beginning."""
    at = torch.arange(tokens.shape[1], device=tokens.device)[None] - steps[:, None]
    return torch.where(at >= 0, tokens.gather(1, at.clamp_min(0)), TOKENS)


def sounding_of(before: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The pitch or rest that sounds after each token `[B, T]`, and for how many steps it has."""
    at = torch.arange(before.shape[1], device=before.device).expand_as(before)
    begun = torch.where(before != HOLD, at, 0).cummax(1).values
    return before.gather(1, begun), at - begun
