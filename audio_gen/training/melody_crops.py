"""Random stretches of melodies."""

from dataclasses import replace

import numpy as np
import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.datasets._scores import scores
from audio_gen.errors import DatasetError
from audio_gen.models.melody import AHEAD, Told
from audio_gen.models.melody_pieces import MelodyPiece, batch_of, piece_of
from audio_gen.symbolic.encoders.melody import encode
from audio_gen.symbolic.theory import NO_CHORD


class MelodyCrops:
    """Stretches of the melodies of one split, from the beginning of a bar, drawn evenly over all their steps.

    Args:
        arrays: of kind "score".
        split: which tracks.
        any_style: share of what is drawn whose style is not told, as style number `len(arrays.labels)`.
        no_chords: share of what is drawn whose chords are not told.

    Raises:
        DatasetError: no melody.
    """

    def __init__(self, arrays: Arrays, split: str, *, any_style: float = 0.0, no_chords: float = 0.0) -> None:
        self.unknown, self.any_style, self.no_chords = len(arrays.labels), any_style, no_chords
        self.pieces = melody_pieces(arrays, split)
        self.chances = torch.tensor([float(len(piece.tokens)) for piece in self.pieces])

    def draw(self, count: int, steps: int) -> tuple[torch.Tensor, Told, torch.Tensor]:
        """So many stretches, as `melody_pieces.batch_of` gives them."""
        return batch_of([self._one(number, steps) for number in self._numbers(count)])

    def _numbers(self, count: int) -> list[int]:
        return list(map(int, torch.multinomial(self.chances, count, replacement=True)))

    def phrase(self, bars: int) -> MelodyPiece:
        """So many bars of one melody; as often as not its last ones."""
        number = self._numbers(1)[0]
        piece = self.pieces[number]
        if float(torch.rand(())) < 0.5:
            return piece.cut(max(0, len(piece.tokens) - bars * piece.bar), bars * piece.bar)
        return self._one(number, bars * piece.bar)

    def _one(self, number: int, steps: int) -> MelodyPiece:
        piece = self.pieces[number]
        starts = np.flatnonzero(piece.position[: max(1, len(piece.tokens) - steps // 2)] == 0)
        start = int(starts[int(torch.randint(len(starts), ()))]) if len(starts) else 0
        part = piece.cut(start, steps)
        hide_style, hide_chords = (torch.rand(2) < torch.tensor([self.any_style, self.no_chords])).tolist()
        if hide_style:
            part = replace(part, style=self.unknown)
        return without_chords(part) if hide_chords else part


def without_chords(piece: MelodyPiece) -> MelodyPiece:
    """The same as if nobody had told its chords."""
    none = np.full(len(piece.tokens), NO_CHORD)
    return replace(piece, chord=none, coming=none, until=np.full(len(none), AHEAD - 1))


def melody_pieces(arrays: Arrays, split: str) -> list[MelodyPiece]:
    """The first track that is no drum of each score of a split.

    Raises:
        DatasetError: none has any.
    """
    found = []
    for track, score in scores(arrays, split):
        style = arrays.labels.index(track.label) if track.label in arrays.labels else len(arrays.labels)
        voices = [number for number, one in enumerate(score.tracks) if len(one.notes) and not one.is_drum]
        if voices:
            found.append(piece_of(encode(score, voices[0]), style))
    if not found:
        raise DatasetError(f"no piece of split {split!r} has a melody; prepare some: `audio-gen prepare openewld`")
    return found
