"""Melodies as the network takes them: tokens from the tonic with what is told of each step, and padded batches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.models.melody import AHEAD, HIGHEST, LOWEST, Told
from audio_gen.symbolic.encoders.melody import FIRST, MelodyGrid, shift_to_c, transposed_chords, transposed_tokens
from audio_gen.symbolic.theory import NO_CHORD

Steps = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MelodyPiece:
    """One melody, seen from its tonic.

    Args:
        tokens, chord, coming, until, position, number, left: `[T]` each, see `Told`.
        bar: sixteenths a bar.
        minor: whether its key is.
        style: number of its style.
        shift: semitones that brought its tonic to C.
    """

    tokens: Steps
    chord: Steps
    coming: Steps
    until: Steps
    position: Steps
    number: Steps
    left: Steps
    bar: int
    minor: bool
    style: int
    shift: int

    def cut(self, start: int, steps: int) -> "MelodyPiece":
        """So many steps of it from `start` on, or what there is of them."""
        names = ("tokens", "chord", "coming", "until", "position", "number", "left")
        return replace(self, **{name: getattr(self, name)[start : start + steps] for name in names})


def piece_of(grid: MelodyGrid, style: int) -> MelodyPiece:
    """What the network sees of a melody. Pitches that have no token, far from the tonic, move by octaves."""
    shift = shift_to_c(grid.key)
    chord = transposed_chords(grid.chords, shift)
    coming, until = foreseen(chord)
    bars = np.maximum(np.cumsum(grid.position == 0) - 1, 0)
    tokens = narrowed(transposed_tokens(grid.tokens, shift))
    return MelodyPiece(
        tokens, chord, coming, until, grid.position, bars, bars[-1] - bars, grid.bar, grid.key.minor, style, shift
    )


def narrowed(tokens: Steps) -> Steps:
    """Tokens of `symbolic.encoders.melody` as the network's."""
    pitch = tokens - FIRST
    pitch = np.where(pitch < LOWEST, LOWEST + (pitch - LOWEST) % 12, pitch)
    pitch = np.where(pitch > HIGHEST, HIGHEST - 11 + (pitch - HIGHEST - 1) % 12, pitch)
    return np.where(tokens >= FIRST, pitch - LOWEST + FIRST, tokens)


def widened(tokens: Steps, shift: int) -> Steps:
    """The network's tokens as those of `symbolic.encoders.melody`, brought back by `-shift`."""
    return transposed_tokens(np.where(tokens >= FIRST, tokens + LOWEST, tokens), -shift)


def foreseen(chord: Steps) -> tuple[Steps, Steps]:
    """The next other chord, and how many steps until it, at each step."""
    coming, until = np.full(len(chord), NO_CHORD), np.full(len(chord), AHEAD - 1)
    for step in range(len(chord) - 2, -1, -1):
        changes = chord[step + 1] != chord[step]
        coming[step] = chord[step + 1] if changes else coming[step + 1]
        until[step] = 1 if changes else min(AHEAD - 1, until[step + 1] + 1)
    return coming, until


def batch_of(pieces: Sequence[MelodyPiece]) -> tuple[torch.Tensor, Told, torch.Tensor]:
    """Tokens `[B, T]`, what is told, and what is there `[B, T]` (1, or 0 beyond a piece's end)."""
    longest = max(len(piece.tokens) for piece in pieces)

    def padded(name: str) -> torch.Tensor:
        rows = [getattr(piece, name) for piece in pieces]
        return torch.from_numpy(np.stack([np.pad(row, (0, longest - len(row))) for row in rows]).astype(np.int64))

    there = torch.tensor([[1.0] * len(piece.tokens) + [0.0] * (longest - len(piece.tokens)) for piece in pieces])
    told = Told(
        chord=padded("chord"),
        coming=padded("coming"),
        until=padded("until"),
        position=padded("position"),
        number=padded("number"),
        left=padded("left"),
        bar=torch.tensor([piece.bar for piece in pieces]),
        minor=torch.tensor([int(piece.minor) for piece in pieces]),
        style=torch.tensor([piece.style for piece in pieces]),
    )
    return padded("tokens"), told, there
