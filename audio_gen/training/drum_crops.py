"""Random stretches of drum pieces."""

from collections.abc import Callable

import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.datasets._scores import scores
from audio_gen.errors import DatasetError, ParameterError
from audio_gen.models.drum_pieces import DrumBatch, DrumPiece, batch_of, piece_of


class DrumCrops:
    """Stretches of the pieces of one split, drawn evenly over all their steps.

    Args:
        arrays: of kind "score"; pieces without drums, or of no known style, are passed over.
        split: which tracks.
        any_style: share of what is drawn whose style is not told, as style number `len(arrays.labels)`.

    Raises:
        DatasetError: no piece with drums.
    """

    def __init__(self, arrays: Arrays, split: str, *, any_style: float = 0.0) -> None:
        self.unknown, self.any_style = len(arrays.labels), any_style
        self.pieces = drum_pieces(arrays, split)
        self.keep(lambda piece: True)

    def keep(self, fits: Callable[[DrumPiece], bool]) -> None:
        """Draw from pieces alone that fit.

        Raises:
            DatasetError: none does.
        """
        self.pieces = [piece for piece in self.pieces if fits(piece)]
        if not self.pieces:
            raise DatasetError("no piece to learn from is of the kind that this recipe needs (4/4, a bar or longer)")
        self.chances = torch.tensor([float(len(piece.grid)) for piece in self.pieces])

    def draw(self, count: int, steps: int) -> DrumBatch:
        """So many stretches of so many steps; shorter pieces are filled up."""
        return batch_of(self.cuts(count, steps), steps)

    def cuts(self, count: int, steps: int, *, on_bars: bool = False) -> list[DrumPiece]:
        """So many stretches; on bars, each begins with a bar."""
        found = []
        for number in torch.multinomial(self.chances, count, replacement=True).tolist():
            piece = self.pieces[number]
            places = torch.arange(max(1, len(piece.grid) - steps + 1))
            if on_bars:
                places = places[torch.from_numpy(piece.position[: len(places)]) == 0]
            start = int(places[torch.randint(len(places), ())]) if len(places) else 0
            found.append(piece.cut(start, steps))
        return found

    def hide_styles(self, batch: DrumBatch) -> DrumBatch:
        """Replace the style of some pieces by "any"."""
        hidden = torch.rand(len(batch.bar)) < self.any_style
        style = batch.conditions.style.masked_fill(hidden, self.unknown)
        return batch._replace(conditions=batch.conditions._replace(style=style))


def drum_pieces(arrays: Arrays, split: str) -> list[DrumPiece]:
    """The pieces of a split that have drums.

    Raises:
        DatasetError: none has.
    """
    found = []
    for track, score in scores(arrays, split):
        style = arrays.labels.index(track.label) if track.label in arrays.labels else len(arrays.labels)
        try:
            found.append(piece_of(score, style, fill=bool(track.targets.get("fill"))))
        except ParameterError:
            continue
    if not found:
        raise DatasetError(f"no piece of split {split!r} has drums; prepare one that has: `audio-gen prepare groove`")
    return found
