"""What a composer is asked for while it learns: all of a piece, some bars of some voices, or voices to others."""

import torch

from audio_gen.models.composer_pieces import ComposerPiece
from audio_gen.models.composer_rows import Mask

LONGEST_GAP = 8  # bars


def draw_gap(piece: ComposerPiece, from_nothing: float, harmonise: float) -> tuple[Mask, ...]:
    """Masks of unknown rows: all with chance `from_nothing`, whole voices with chance `harmonise`, else some bars.

    What is given when voices are asked for is mostly the first one: a soprano, or a melody.
    """
    kind = float(torch.rand(()))
    count = len(piece.voices.lines)
    if kind < from_nothing:
        return tuple(line[:, 0] >= 0 for line in piece.voices.lines)
    if kind < from_nothing + harmonise:
        first = float(torch.rand(())) < 0.6
        given = {0} if first else set(_some(count, count - 1))
        return tuple((line[:, 0] >= 0) & (number not in given) for number, line in enumerate(piece.voices.lines))
    asked = set(_some(count, count))
    bars = max(1, piece.voices.units // piece.bar)
    size = 1 + int(torch.randint(min(LONGEST_GAP, bars), ()))
    start = int(torch.randint(bars - size + 1, ())) * piece.bar
    end = start + size * piece.bar
    return tuple(
        (line[:, 0] >= start) & (line[:, 0] < end) & (number in asked) for number, line in enumerate(piece.voices.lines)
    )


def _some(count: int, most: int) -> list[int]:
    """One to `most` of `count` numbers."""
    size = 1 + int(torch.randint(most, ()))
    return torch.randperm(count)[:size].tolist()
