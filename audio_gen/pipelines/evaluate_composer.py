"""evaluate a composer: how well does it foretell chorales and lead sheets: from nothing, other voices, in gaps?"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.errors import DatasetError, ParameterError
from audio_gen.metrics.calibration import ece
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.composer import ComposerNet
from audio_gen.models.composer_pieces import FOUR, ComposerPiece, everything, piece_of, setting_of, whole
from audio_gen.models.composer_rows import Mask, batch_of
from audio_gen.models.melody import TOKENS
from audio_gen.pipelines._composer_floors import ngram_costs, shuffled
from audio_gen.pipelines._note_pieces import Split, Told, ratio
from audio_gen.pipelines.evaluate_melody import Heard, transpositions
from audio_gen.symbolic.encoders.voices import CHORD, MELODY, PITCH
from audio_gen.symbolic.score import SIXTEENTH, Score

STEPS = 4  # sixteenths a quarter
KEY = math.log(24)  # nats of a tonic and a mode, which are found in the piece itself
GAP = 4  # bars
Measured = tuple[dict[str, Any], dict[str, Any], list[float]]  # figures, details, and nats of each piece


class Foretold(NamedTuple):
    """Of what was asked: nats, rows, rows whose symbol was the likeliest one, and of each row that one's chance."""

    nats: float
    rows: int
    right: int
    sure: npt.NDArray[np.float64]
    hit: npt.NDArray[np.bool_]


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
    nothing; three voices given the soprano, and a gap of four bars; n-grams of each voice, fitted on the split "train"
    where that lies there too; the same pieces with each voice's own pitches shuffled; all tokens alike.
    """
    net: ComposerNet = checkpoint.build(ComposerNet, model)
    pairs = composer_pieces(read.told, model.labels)
    chorales = [(one, piece) for one, piece in pairs if piece.voices.roles == FOUR]
    figures, details, costs = _chorales(net, chorales) if chorales else _melodies(net, pairs)
    controls = _controls(net, chorales or pairs, costs, read, model.labels, bool(chorales))
    return {**figures, "details": {"pieces": len(chorales or pairs), **controls, **details}}


@torch.no_grad()
def foretold(net: ComposerNet, piece: ComposerPiece, unknown: tuple[Mask, ...]) -> Foretold:
    """What a network thinks of the rows of the masks, given all others."""
    query, row, asked = batch_of([piece.rows(unknown)])
    both = whole([piece])
    cost = net.nats(query, row, both, asked)
    scores = net.symbol_scores(net(query, row, both, torch.ones_like(asked)), query.role)
    there = asked > 0
    best = scores.double().softmax(-1).max(-1)
    hit = (best.indices == row.symbol)[there].numpy()
    return Foretold(float(cost.double().sum()), len(hit), int(hit.sum()), best.values[there].numpy(), hit)


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


def _chorales(net: ComposerNet, pairs: Sequence[tuple[Told, ComposerPiece]]) -> Measured:
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
    return figures, details, nats


def _controls(
    net: ComposerNet,
    pairs: Sequence[tuple[Told, ComposerPiece]],
    costs: Sequence[float],
    read: Split,
    labels: Sequence[str],
    choral: bool,
) -> dict[str, Any]:
    """What the pieces cost by other means, and what the network thinks of them shuffled, and in other keys.

    Args:
        net: the network.
        pairs: the pieces.
        costs: of each by the network, in nats.
        read: the split, with "train" for n-grams.
        labels: the network's styles.
        choral: whether they are chorales, told from nothing; otherwise melodies given the rest.
    """
    unit, voices, key = ("cell", len(FOUR), KEY) if choral else ("step", 1, 0.0)
    cells = np.array([voices * one.score.end / SIXTEENTH for one, _ in pairs])
    floors, pieces = ngram_costs([one.score for one in read.train], [one.score for one, _ in pairs], voices)
    found: dict[str, Any] = {
        "ngram_of": f"{pieces} pieces of train" if pieces else "none: the split train is not there"
    }
    if pieces:
        found[f"ngram_nats_per_{unit}"] = ratio(floors + key, cells)

    def cost(piece: ComposerPiece) -> float:
        masks = everything(piece) if choral else only(piece, lambda role, _: np.bool_(role == MELODY))
        return foretold(net, piece, masks).nats + key

    def hear(number: int, score: Score) -> Heard:
        one = pairs[number][0]
        piece = piece_of(score, one.style(labels), *setting_of(one.score))
        return b"".join(line.tobytes() for line in piece.voices.lines), lambda: cost(piece)

    random = np.random.default_rng(0)
    mixed = [hear(number, shuffled(one.score, random))[1]() for number, (one, _) in enumerate(pairs)]
    return found | {
        f"shuffled_nats_per_{unit}": ratio(mixed, cells),
        f"uniform_nats_per_{unit}": math.log(TOKENS),
        "transpositions": transpositions([one.score for one, _ in pairs], costs, cells.tolist(), hear, unit=unit),
    }


def _melodies(net: ComposerNet, pairs: Sequence[tuple[Told, ComposerPiece]]) -> Measured:
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
    return figures, details, nats


def _rows(name: str, found: Sequence[Foretold]) -> dict[str, Any]:
    """A row begins where a voice changes, so its accuracy is that of changed cells, given when they change."""
    rows = [one.rows for one in found]
    sure, hit = (np.concatenate(parts) for parts in ([one.sure for one in found], [one.hit for one in found]))
    return {
        f"{name}nats_per_row": ratio([one.nats for one in found], rows),
        f"{name}accuracy_of_changes": ratio([one.right for one in found], rows),
        f"{name}ece": ece(np.stack([sure, 1 - sure], 1), np.where(hit, 0, 1)) if len(sure) else None,
    }
