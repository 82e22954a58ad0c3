"""Pieces as the composer takes them: lines seen from the tonic, in one of the settings that it knows."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from audio_gen.errors import ParameterError
from audio_gen.models.composer import Piece
from audio_gen.models.composer_rows import Mask, Rows, rows_of
from audio_gen.symbolic.encoders.melody import shift_to_c
from audio_gen.symbolic.encoders.voices import MELODY, UNIT, Voices, cut, encode, transposed
from audio_gen.symbolic.score import Key, Score
from audio_gen.symbolic.theory import estimate_key

FOUR = (0, 1, 2, 3)  # soprano, alto, tenor, bass


@dataclass(frozen=True, eq=False)
class ComposerPiece:
    """One piece.

    Args:
        voices: its lines, seen from a tonic at C.
        bar: units a bar.
        minor: whether its key is.
        style: number of its style.
        shift: semitones that brought its tonic to C.
        ends: whether the piece ends with these lines, or has been cut there.
    """

    voices: Voices
    bar: int
    minor: bool
    style: int
    shift: int
    ends: bool = True

    def rows(self, unknown: tuple[Mask, ...]) -> Rows:
        """Its rows, those of the masks unknown."""
        return rows_of(self.voices, unknown, self.bar, ends=self.ends)

    def size(self) -> int:
        """How many rows it has."""
        return sum(map(len, self.voices.lines))

    def moved(self, semitones: int) -> "ComposerPiece":
        """The same so many semitones higher, as if its key had been taken for another."""
        lines = tuple(transposed(line, semitones) for line in self.voices.lines)
        return replace(self, voices=self.voices._replace(lines=lines), shift=self.shift + semitones)

    def bars(self, first: int, count: int) -> "ComposerPiece":
        """So many bars of it from that one (from 0) on."""
        start, end = first * self.bar, min((first + count) * self.bar, self.voices.units)
        return replace(self, voices=cut(self.voices, start, end), ends=self.ends and end == self.voices.units)


def setting_of(score: Score) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which tracks are its lines, and their roles: four voices, or one melody.

    Raises:
        ParameterError: neither; the message tells what there is.
    """
    tracks = [number for number, one in enumerate(score.tracks) if len(one.notes) and not one.is_drum]
    single = [number for number in tracks if not score.tracks[number].polyphonic]
    if len(tracks) == len(FOUR) == len(single):
        return tuple(tracks), FOUR
    if len(single) == 1:
        return (single[0],), (MELODY,)
    if not tracks:
        raise ParameterError("this model needs four voices or one melody; there are no notes but drums in it")
    told = ", ".join(f"{n + 1}{' polyphonic' if score.tracks[n].polyphonic else ''}" for n in tracks) or "none"
    raise ParameterError(
        f"this model needs four voices or one melody, each a track without chords in it; tracks with notes: {told}"
        + ("; name one with --track" if single else "")
    )


def key_of(score: Score, tracks: tuple[int, ...]) -> Key:
    """The score's first key, or one estimated from these tracks."""
    return score.keys[0] if score.keys else estimate_key(np.concatenate([score.tracks[n].notes for n in tracks]))


def piece_of(score: Score, style: int, tracks: tuple[int, ...], roles: tuple[int, ...]) -> ComposerPiece:
    """What the network sees of a score. A melody stands over a line of chords, also if there are none."""
    key = key_of(score, tracks)
    shift = shift_to_c(key)
    lines = encode(score, tracks, roles, chords=roles != FOUR)
    moved = tuple(transposed(line, shift) for line in lines.lines)
    bar = max(1, score.meters[0].bar // UNIT)
    return ComposerPiece(lines._replace(lines=moved), bar, key.minor, style, shift)


def whole(pieces: list[ComposerPiece]) -> Piece:
    """What holds for all rows of each piece."""
    return Piece(
        torch.tensor([piece.style for piece in pieces]),
        torch.tensor([int(piece.minor) for piece in pieces]),
        torch.tensor([piece.bar for piece in pieces]),
    )


def everything(piece: ComposerPiece) -> tuple[Mask, ...]:
    """Masks by which all rows are unknown."""
    return tuple(np.ones(len(line), bool) for line in piece.voices.lines)
