"""The composer: a Transformer that continues, fills gaps and harmonises, by one objective.

Data: arrays of kind "score": four voices, or a melody with chords. Loss: negative log-likelihood in nats a row, of
whatever `gaps.draw_gap` asks for.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.datasets._scores import scores
from audio_gen.errors import DatasetError, ParameterError
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.composer import FAMILY, UNKNOWN, ComposerNet, Piece, Query, Row
from audio_gen.models.composer_pieces import ComposerPiece, everything, piece_of, setting_of, whole
from audio_gen.models.composer_rows import batch_of
from audio_gen.training.gaps import draw_gap
from audio_gen.training.note_trainee import NoteTrainee

KIND = "score"
TRANSPOSED = 3  # semitones


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`.

    Args:
        rows: of a stretch, about; longer pieces are cut at bars.
        any_style: share of stretches whose style is not told.
        from_nothing, harmonise: share of stretches of which all is asked for, and all of some voices.
        transpose: share of stretches that are moved by up to three semitones: keys are estimated, and tunes few.
        forget: share of what sounds beside a row, or stood before it, that is not told.
    """

    steps: int = 2500
    batch: int = 12
    rows: int = 256
    width: int = 192
    layers: int = 4
    heads: int = 4
    dropout: float = 0.3
    rate: float = 1e-3
    warmup: int = 200
    decay: float = 0.05
    ema: float = 0.998
    clip: float = 1.0
    any_style: float = 0.2
    from_nothing: float = 0.4
    harmonise: float = 0.25
    transpose: float = 0.5
    forget: float = 0.1


class Composer(NoteTrainee):
    """A Transformer over rows, and its average."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        self.pieces, names = composer_pieces(arrays, "train")
        self.valid, self.valid_names = composer_pieces(arrays, "valid")
        sizes = {name: names.count(name) for name in names}
        self.chances = torch.tensor([1 / sizes[name] for name in names])  # each dataset as often as the others
        shape = {"width": settings.width, "layers": settings.layers, "heads": settings.heads}
        net = ComposerNet(len(arrays.labels), **shape, dropout=settings.dropout)
        super().__init__(arrays, settings, net, FAMILY, {"styles": len(arrays.labels), **shape}, init)

    def setup(self, fabric: object) -> None:
        super().setup(fabric)  # type: ignore[arg-type]
        self.net.mark_forward_method("nats")

    def step(self, step: int, progress: float) -> dict[str, float]:
        settings = self.settings
        numbers = torch.multinomial(self.chances, settings.batch, replacement=True).tolist()
        pieces = [self._stretch(self.pieces[number]) for number in numbers]
        rows = [piece.rows(draw_gap(piece, settings.from_nothing, settings.harmonise)) for piece in pieces]
        query, row, asked = batch_of(rows)
        query = forgotten(query, settings.forget)
        cost = self.net.nats(*self._there(query, row, whole(pieces)), asked.to(self.fabric.device))
        loss = cost.sum() / asked.sum().clamp_min(1)
        self.descend(loss, step, progress)
        return {"loss": loss.item()}

    def _there(self, query: Query, row: Row, piece: Piece) -> tuple[Query, Row, Piece]:
        device = self.fabric.device
        return (
            Query(*(part.to(device) for part in query)),
            Row(*(part.to(device) for part in row)),
            Piece(*(part.to(device) for part in piece)),
        )

    def _stretch(self, piece: ComposerPiece) -> ComposerPiece:
        bars = math.ceil(piece.voices.units / piece.bar)
        count = max(1, math.floor(bars * self.settings.rows / piece.size()))
        if count < bars:
            piece = piece.bars(int(torch.randint(bars - count + 1, ())), count)
        hidden, moved = (torch.rand(2) < torch.tensor([self.settings.any_style, self.settings.transpose])).tolist()
        if moved:
            piece = piece.moved(int(torch.randint(-TRANSPOSED, TRANSPOSED + 1, ())))
        return replace(piece, style=len(self.arrays.labels)) if hidden else piece

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Nats a row of whole pieces of the valid split, told from nothing: of each dataset, and their mean."""
        totals: dict[str, list[float]] = {}
        for piece, name in zip(self.valid, self.valid_names, strict=True):
            query, row, asked = batch_of([piece.rows(everything(piece))])
            net: Any = self.ema.module
            cost = net.nats(*self._there(query, row, whole([piece])), asked.to(self.fabric.device))
            sums = totals.setdefault(name, [0.0, 0.0])
            sums[0] += float(cost.sum())
            sums[1] += float(asked.sum())
        nats = {f"nats_{name}": total / count for name, (total, count) in totals.items()}
        return {"score": -sum(nats.values()) / len(nats), **nats}


def forgotten(query: Query, share: float) -> Query:
    """A query in which that share of known symbols isn't known."""

    def hide(symbols: torch.Tensor) -> torch.Tensor:
        return symbols.masked_fill((torch.rand(symbols.shape) < share) & (symbols < UNKNOWN), UNKNOWN)

    return query._replace(sounding=hide(query.sounding), before=hide(query.before), earlier=hide(query.earlier))


def composer_pieces(arrays: Arrays, split: str) -> tuple[list[ComposerPiece], list[str]]:
    """The pieces of a split that are four voices or one melody, and the dataset of each.

    Raises:
        DatasetError: none is.
    """
    pieces, names = [], []
    for track, score in scores(arrays, split):
        style = arrays.labels.index(track.label) if track.label in arrays.labels else len(arrays.labels)
        try:
            pieces.append(piece_of(score, style, *setting_of(score)))
            names.append(track.dataset)
        except ParameterError:
            continue
    if not pieces:
        raise DatasetError(f"no piece of split {split!r} is one melody or four voices: `audio-gen prepare openewld`")
    return pieces, names


build = Composer
