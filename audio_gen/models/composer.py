"""A Transformer over rows of notes that continues, fills gaps and harmonises: one objective for all three.

Known rows come first, in the order of time, then the unknown ones, each foretold from all before it (as bars are moved
to the end by J. Ens and P. Pasquier, "MMM: exploring conditional multi-track music generation with the Transformer",
2020). Attention (A. Vaswani et al., NeurIPS 2017) turns with time in the music, not with places in the list (rotary
positions, J. Su et al., "RoFormer", 2021): the row to be told asks from its own onset. What sounds at that onset in
each voice is told beside, since attention alone learns to look that up only slowly.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.symbolic.encoders.voices import CHORD, CHORDS, LONGEST, ROLES, SYMBOLS

FAMILY = "composer"
UNKNOWN = SYMBOLS  # a symbol that isn't known (yet)
NONE = SYMBOLS + 1  # there is no such voice, or nothing follows
BARS = 97  # units of the longest bar that is told apart, and of what is counted until a gap's end
KEYS = 3  # major, minor, not told


class Query(NamedTuple):
    """What is known of a row before it is told; `[B, N]` each, `[B, N, V]` for what the V voices do at its onset."""

    role: torch.Tensor
    onset: torch.Tensor  # units
    position: torch.Tensor  # units from the bar's beginning
    left: torch.Tensor  # units until the gap ends in its own voice, at most BARS - 1
    following: torch.Tensor  # symbol in its own voice after the gap
    before: torch.Tensor  # symbol before it in its own voice
    lasted: torch.Tensor  # and its duration, at most LONGEST
    earlier: torch.Tensor  # symbol of its own voice a bar ago
    sounding: torch.Tensor  # symbol of each role at its onset
    begun: torch.Tensor  # whether it begins there
    rest: torch.Tensor  # units until it ends, at most LONGEST; 0 where that isn't known


class Row(NamedTuple):
    """What a row says, `[B, N]` each."""

    symbol: torch.Tensor
    duration: torch.Tensor


class Piece(NamedTuple):
    """What holds for all rows of a piece, `[B]` each."""

    style: torch.Tensor
    mode: torch.Tensor
    bar: torch.Tensor  # units a bar


class Block(nn.Module):
    """Attention whose questions and keys are turned by their times, and a feed-forward layer (pre-norm)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inward, self.outward = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.forth = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor, asked: "Rotation", said: "Rotation", allowed: torch.Tensor) -> torch.Tensor:
        """`x [B, N, D]`; rotations of questions and of keys; who sees whom `[B, 1, N, N]`."""
        q, k, v = self.inward(self.first(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(turned(q, asked), turned(k, said), v, allowed)
        x = x + F.dropout(self.outward(seen.transpose(1, 2).flatten(2)), self.dropout, self.training)
        return x + F.dropout(self.forth(self.second(x)), self.dropout, self.training)


Rotation = tuple[torch.Tensor, torch.Tensor]  # cosines and sines `[B, 1, N, D / 2]`


def turned(x: torch.Tensor, rotation: Rotation) -> torch.Tensor:
    """`[B, H, N, D]` with each pair of numbers turned by its angle, given as cosines and sines."""
    cosine, sine = rotation
    even, odd = x.chunk(2, -1)
    return torch.cat([even * cosine - odd * sine, even * sine + odd * cosine], -1)


class ComposerNet(nn.Module):
    """See the module.

    Args:
        styles: how many styles there are; one more number stands for "any".
        width: of the residual stream.
        layers: of attention.
        heads: of each.
        dropout: while it learns.
    """

    frequencies: torch.Tensor

    def __init__(self, styles: int, width: int = 192, layers: int = 4, heads: int = 4, dropout: float = 0.0) -> None:
        super().__init__()
        if min(width, layers, heads) < 1 or styles < 0 or width % (2 * heads):
            raise ParameterError(f"width {width} must be a multiple of twice the heads ({heads}), layers from 1 on")
        self.styles, self.dropout = styles, dropout
        self.symbol = nn.Embedding(SYMBOLS + 2, 64)
        self.duration = nn.Embedding(LONGEST + 1, 32)
        self.role, self.style, self.mode = (
            nn.Embedding(len(ROLES), 24),
            nn.Embedding(styles + 1, 24),
            nn.Embedding(KEYS, 8),
        )
        self.position, self.beat, self.left = nn.Embedding(BARS, 24), nn.Embedding(12, 16), nn.Embedding(BARS, 24)
        said = 64 + 32 + 24
        asked = 24 + 24 + 16 + 24 + 64 + (64 + 32) + 64 + 24 + 8 + 1
        self.voice = nn.Linear(64 + 32 + 1, 48)
        self.say = nn.Linear(said, width)
        self.ask = nn.Sequential(nn.Linear(asked + 48 * len(ROLES), 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.start = nn.Parameter(torch.zeros(width))
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.symbols = nn.Linear(width, SYMBOLS)
        self.durations = nn.Sequential(nn.Linear(width + 64, width), nn.GELU(), nn.Linear(width, LONGEST))
        half = width // heads // 2
        self.register_buffer("frequencies", 2 * torch.pi / torch.logspace(0.6, 3.6, half), persistent=False)

    def questions(self, query: Query, piece: Piece) -> torch.Tensor:
        """What is asked for each row, `[B, N, width]`."""
        voices = torch.cat([self.symbol(query.sounding), self.duration(query.rest), query.begun[..., None].float()], -1)
        wide = (-1, query.role.shape[1], -1)
        parts = [
            self.role(query.role),
            self.position(query.position.clamp_max(BARS - 1)),
            self.beat(query.position % 12),
            self.left(query.left.clamp_max(BARS - 1)),
            self.symbol(query.following),
            self.symbol(query.before),
            self.duration(query.lasted),
            self.symbol(query.earlier),
            self.style(piece.style)[:, None].expand(*wide),
            self.mode(piece.mode)[:, None].expand(*wide),
            (piece.bar / 48 - 1)[:, None, None].expand(*wide),
            self.voice(voices).flatten(2),
        ]
        asked: torch.Tensor = self.ask(torch.cat(parts, -1))
        return F.dropout(asked, self.dropout, self.training)

    def forward(self, query: Query, row: Row, piece: Piece, there: torch.Tensor) -> torch.Tensor:
        """What is thought of each row, `[B, N, width]`, given the rows before it in the list; `there [B, N]` (0, 1)."""
        said = self.say(torch.cat([self.symbol(row.symbol), self.duration(row.duration), self.role(query.role)], -1))
        before = torch.cat([self.start.expand(len(said), 1, -1), said[:, :-1]], 1)
        x = self.questions(query, piece) + before
        said_at = F.pad(query.onset, (1, 0))[:, :-1]
        asked, keys = self.rotation(query.onset), self.rotation(said_at)
        size = x.shape[1]
        allowed = torch.ones(size, size, dtype=torch.bool, device=x.device).tril() & there[:, None, None, :].bool()
        allowed = allowed | torch.eye(size, dtype=torch.bool, device=x.device)
        for block in self.blocks:
            x = block(x, asked, keys, allowed)
        return self.norm(x)  # type: ignore[no-any-return]

    def rotation(self, onset: torch.Tensor) -> Rotation:
        """The angles of these times."""
        angle = onset[:, None, :, None] * self.frequencies
        return angle.cos(), angle.sin()

    def symbol_scores(self, thought: torch.Tensor, role: torch.Tensor) -> torch.Tensor:
        """Logits `[..., SYMBOLS]`; a chord line has no pitches, a voice no chords."""
        scores = self.symbols(thought)
        chord = torch.arange(SYMBOLS, device=thought.device) >= CHORD
        wrong = chord != (role == CHORDS)[..., None]
        wrong[..., :2] = False  # rests and ties are for all
        return scores.masked_fill(wrong, -1e9)  # type: ignore[no-any-return]

    def duration_scores(self, thought: torch.Tensor, symbol: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
        """Logits `[..., LONGEST]` of 1, 2 ... units, given the symbol; none beyond the end of the gap."""
        scores = self.durations(torch.cat([thought, self.symbol(symbol)], -1))
        beyond = torch.arange(1, LONGEST + 1, device=thought.device) > left[..., None]
        return scores.masked_fill(beyond, -1e9)  # type: ignore[no-any-return]

    def nats(self, query: Query, row: Row, piece: Piece, asked: torch.Tensor) -> torch.Tensor:
        """Negative log-likelihood `[B, N]` of the rows that are `asked [B, N]` (1), 0 elsewhere; role -1: no row."""
        there = (query.role >= 0).float()
        query = query._replace(role=query.role.clamp_min(0))
        thought = self(query, row, piece, there)
        symbols = self.symbol_scores(thought, query.role)
        durations = self.duration_scores(thought, row.symbol, query.left)
        cost = F.cross_entropy(symbols.flatten(0, 1), row.symbol.flatten(), reduction="none")
        cost = cost + F.cross_entropy(
            durations.flatten(0, 1), (row.duration - 1).clamp_min(0).flatten(), reduction="none"
        )
        return cost.view_as(asked) * asked
