"""evaluate a composer: how well does it foretell chorales and lead sheets: from nothing, other voices, in gaps?"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from audio_gen.errors import DatasetError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.composer import ComposerNet
from audio_gen.models.composer_pieces import FOUR, ComposerPiece, everything, piece_of, setting_of, whole
from audio_gen.models.composer_rows import Mask, batch_of
from audio_gen.pipelines._note_pieces import Split, Told, ratio
from audio_gen.symbolic.encoders.voices import CHORD, MELODY, PITCH
from audio_gen.symbolic.score import SIXTEENTH

STEPS = 4  # sixteenths a quarter
KEY = math.log(24)  # nats of a tonic and a mode, which are found in the piece itself
GAP = 4  # bars


class Foretold(NamedTuple):
    """Of what was asked: nats, rows, and rows whose symbol was the likeliest one."""

    nats: float
    rows: int
    right: int


def composer_pieces(told: Sequence[Told], labels: Sequence[str]) -> list[tuple[Told, ComposerPiece]]:
    """The pieces that are four voices or one melody.

    Raises:
        DatasetError: none is.
    """
    pieces = []
    for one in told:
        try:
            pieces.append((one, piece_of(one.score, one.style(labels), *setting_of(one.score))))
        except ParameterError:
            continue
    if not pieces:
        raise DatasetError(f"none of {len(told)} pieces is four voices or one melody; take jsb, openewld or nottingham")
    return pieces


def foretell_rows(model: Checkpoint, read: Split) -> dict[str, Any]:
    """Exact likelihoods of whole pieces: of those of four voices if there are any, otherwise of melodies.

    Of four voices a cell (a voice's sixteenth), a note and a quarter, all rows told from nothing, and ln 24 a piece
    added for the key, which is found in what is to be told. Of melodies a step (a sixteenth), a note and a quarter of
    the melody given chords, key and metre, as melody networks are measured. In the details: melody and chords from
    nothing; three voices given the soprano, and a gap of four bars.
    """
    net: ComposerNet = checkpoint.build(ComposerNet, model)
    pairs = composer_pieces(read.told, model.labels)
    chorales = [(one, piece) for one, piece in pairs if piece.voices.roles == FOUR]
    figures, details = _chorales(net, chorales) if chorales else _melodies(net, pairs)
    return {**figures, "details": {"pieces": len(chorales or pairs), **details}}


@torch.no_grad()
def foretold(net: ComposerNet, piece: ComposerPiece, unknown: tuple[Mask, ...]) -> Foretold:
    """What a network thinks of the rows of the masks, given all others."""
    query, row, asked = batch_of([piece.rows(unknown)])
    both = whole([piece])
    cost = net.nats(query, row, both, asked)
    scores = net.symbol_scores(net(query, row, both, torch.ones_like(asked)), query.role)
    right = (scores.argmax(-1) == row.symbol) & (asked > 0)
    return Foretold(float(cost.double().sum()), int(asked.sum()), int(right.sum()))


def only(piece: ComposerPiece, wanted: Callable[[int, Any], Any]) -> tuple[Mask, ...]:
    """Masks of rows: `wanted(role, onsets)` of each line."""
    lines = zip(piece.voices.roles, piece.voices.lines, strict=True)
    return tuple(np.broadcast_to(wanted(role, line[:, 0]), len(line)).copy() for role, line in lines)


def gap(piece: ComposerPiece) -> tuple[tuple[Mask, ...], int]:
    """All rows that begin in the middle four bars, and how many sixteenths those are."""
    bars = max(1, piece.voices.units // piece.bar)
    start = max(0, (bars - GAP) // 2) * piece.bar
    end = min(start + GAP * piece.bar, piece.voices.units)
    return only(piece, lambda _, onset: (onset >= start) & (onset < end)), (end - start) // 3


def _chorales(net: ComposerNet, pairs: Sequence[tuple[Told, ComposerPiece]]) -> tuple[dict[str, Any], dict[str, Any]]:
    steps = np.array([one.score.end / SIXTEENTH for one, _ in pairs])
    nothing = [foretold(net, piece, everything(piece)) for _, piece in pairs]
    below = [foretold(net, piece, only(piece, lambda role, _: np.bool_(role > 0))) for _, piece in pairs]
    gaps = [gap(piece) for _, piece in pairs]
    filled = [foretold(net, piece, masks) for (_, piece), (masks, _) in zip(pairs, gaps, strict=True)]
    nats = [one.nats + KEY for one in nothing]
    figures = {
        "nats_per_cell": ratio(nats, 4 * steps),
        "nats_per_note": ratio(nats, [one.score.notes for one, _ in pairs]),
        "nats_per_quarter": ratio(nats, steps / STEPS),
    }
    details = {
        "nats_of_the_key": KEY,
        **_rows("", nothing),
        "harmonise_nats_per_cell": ratio([one.nats for one in below], 3 * steps),
        **_rows("harmonise_", below),
        "infill_nats_per_cell": ratio([one.nats for one in filled], [4 * size for _, size in gaps]),
        **_rows("infill_", filled),
    }
    return figures, details


def _melodies(net: ComposerNet, pairs: Sequence[tuple[Told, ComposerPiece]]) -> tuple[dict[str, Any], dict[str, Any]]:
    steps = np.array([piece.voices.units / 3 for _, piece in pairs])
    sung = [foretold(net, piece, only(piece, lambda role, _: np.bool_(role == MELODY))) for _, piece in pairs]
    nothing = [foretold(net, piece, everything(piece)) for _, piece in pairs]
    notes = [((line := piece.voices.lines[0][:, 2]) >= PITCH).sum() - (line >= CHORD).sum() for _, piece in pairs]
    nats = [one.nats for one in sung]
    figures = {
        "nats_per_step": ratio(nats, steps),
        "nats_per_note": ratio(nats, notes),
        "nats_per_quarter": ratio(nats, steps / STEPS),
    }
    details = {
        "told": "chords, key, metre and length",
        **_rows("", sung),
        "melody_and_chords_nats_per_step": ratio([one.nats for one in nothing], steps),
        **_rows("melody_and_chords_", nothing),
    }
    return figures, details


def _rows(name: str, found: Sequence[Foretold]) -> dict[str, Any]:
    """A row begins where a voice changes, so its accuracy is that of changed cells, given when they change."""
    rows = [one.rows for one in found]
    return {
        f"{name}nats_per_row": ratio([one.nats for one in found], rows),
        f"{name}accuracy_of_changes": ratio([one.right for one in found], rows),
    }
