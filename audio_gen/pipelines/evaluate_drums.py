"""evaluate a drum network: how well does it foretell what drummers play, sixteenth by sixteenth?"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.errors import DatasetError, ParameterError
from audio_gen.metrics.calibration import ece
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.drum_pieces import DrumPiece, batch_of, piece_of
from audio_gen.models.drum_rnn import DrumRnnNet, DrumScores, nats
from audio_gen.pipelines._note_pieces import Split, Told, four_four, ratio
from audio_gen.pipelines._patterns import step_ngram, symbols_of
from audio_gen.symbolic.encoders.drums import DRUMS

STEPS = 4  # sixteenths a quarter
Figures = npt.NDArray[np.float64]


class Foretold(NamedTuple):
    """Of one piece: nats of its hits, velocities and offsets, its steps and hits; true, false and missed hits.

    Hits are counted from the second bar on, so that the bar before, `copied`, can be held against the network.
    """

    nats: tuple[float, float, float]
    steps: int
    hits: int
    found: tuple[int, int, int]
    copied: tuple[int, int, int]
    chances: Figures  # `[T, 9]`: of a hit, given the drums before it and all before
    played: npt.NDArray[np.bool_]  # [T, 9]


def drum_pieces(told: Sequence[Told], labels: Sequence[str]) -> list[tuple[Told, DrumPiece]]:
    """The pieces that have drums.

    Raises:
        DatasetError: none has.
    """
    pieces = []
    for one in told:
        try:
            fill = bool(one.item.targets.get("fill"))
            pieces.append((one, piece_of(one.score, one.style(labels), fill=fill)))
        except ParameterError:
            continue
    if not pieces:
        raise DatasetError(f"none of {len(told)} pieces has drums; measure this model on groove")
    return pieces


def foretell_drums(model: Checkpoint, read: Split) -> dict[str, Any]:
    """Likelihoods and hit F1 of a drum network.

    Over the beats (no fills) in 4/4 of the split, each from its start, or over all pieces where there are none:
    `nats_per_step` of the hits (nine drums), `nats_per_note` (a hit) and `nats_per_quarter` of the same; `hit_f1` of
    the hits that it takes for likelier than not, drum by drum, given the steps before and its own choice in this step.
    In the details stand the same over all pieces, fills and styles, what velocities and offsets cost, and what the hits
    cost by n-grams of whole steps, with their own steps shuffled, and if each drum were as likely as not.
    """
    net: DrumRnnNet = checkpoint.build(DrumRnnNet, model)
    pieces = drum_pieces(read.told, model.labels)
    found = [foretold(net, piece) for _, piece in pieces]
    beats = [number for number, (one, piece) in enumerate(pieces) if four_four(one) and not piece.fill]
    chosen = [found[number] for number in beats or range(len(found))]
    groups = {"all": found, "fills": [one for one, (_, piece) in zip(found, pieces, strict=True) if piece.fill]}
    for label in model.labels:
        rows = [one for one, (told, _) in zip(found, pieces, strict=True) if told.item.label == label]
        groups |= {label: rows} if rows else {}
    details = {
        "pieces": len(pieces),
        "measured_on": "beats in 4/4" if beats else "all pieces",
        "measured_pieces": len(chosen),
        "velocity_nats_per_note": _over(chosen, lambda one: one.nats[1], lambda one: one.hits),
        "offset_nats_per_note": _over(chosen, lambda one: one.nats[2], lambda one: one.hits),
        "hit_f1_of_the_bar_before": f1([one.copied for one in chosen]),
        **_controls(net, [pieces[number][1] for number in beats or range(len(found))], read.train),
        "hit_ece": _calibration(chosen),
        "groups": {
            name: {
                "pieces": len(rows),
                "nats_per_step": _over(rows, lambda one: one.nats[0], lambda one: one.steps),
                "hit_f1": f1([one.found for one in rows]),
            }
            for name, rows in groups.items()
            if rows
        },
    }
    return {
        "nats_per_step": _over(chosen, lambda one: one.nats[0], lambda one: one.steps),
        "nats_per_note": _over(chosen, lambda one: one.nats[0], lambda one: one.hits),
        "nats_per_quarter": _over(chosen, lambda one: one.nats[0], lambda one: one.steps / STEPS),
        "hit_f1": f1([one.found for one in chosen]),
        "details": details,
    }


@torch.no_grad()
def foretold(net: DrumRnnNet, piece: DrumPiece) -> Foretold:
    """What a network thinks of one piece."""
    batch = batch_of([piece])
    hidden, _ = net.hidden(net.features(batch.grid, batch.bar, batch.position, batch.conditions))
    hits = batch.grid[..., 0]
    logits = net.hits(hidden, hits)
    cost = nats(DrumScores(logits, *net.manner(hidden, hits)), batch.grid)
    told = likeliest(net, hidden)[0].numpy() > 0.5
    played = piece.grid[..., 0] > 0.5
    bar, steps = piece.bar, len(played)
    return Foretold(
        (float(cost.hits.sum()), float(cost.velocity.sum()), float(cost.offset.sum())),
        steps,
        int(played.sum()),
        found_of(told[bar:], played[bar:]),
        found_of(played[: max(0, steps - bar)], played[bar:]),
        logits[0].double().sigmoid().numpy(),
        played,
    )


def _controls(net: DrumRnnNet, pieces: Sequence[DrumPiece], train: Sequence[Told]) -> dict[str, Any]:
    """What the hits cost by other means, and what the network thinks of the same steps in another order."""
    steps, random = [len(piece.grid) for piece in pieces], np.random.default_rng(0)
    mixed = [replace(piece, grid=piece.grid[random.permutation(len(piece.grid))]) for piece in pieces]
    found: dict[str, Any] = {}
    if train:
        known = [piece for one, piece in drum_pieces(train, ()) if four_four(one) and not piece.fill]
        model = step_ngram([piece.grid for piece in known])
        costs = [model.nats(symbols_of(piece.grid), piece.position).sum() for piece in pieces]
        found["ngram_nats_per_step"] = ratio(costs, steps)
    return {
        **found,
        "shuffled_nats_per_step": ratio([foretold(net, piece).nats[0] for piece in mixed], steps),
        "uniform_nats_per_step": len(DRUMS) * float(np.log(2)),
    }


def _calibration(found: Sequence[Foretold]) -> float:
    chances = np.concatenate([one.chances.ravel() for one in found])
    played = np.concatenate([one.played.ravel() for one in found])
    return ece(np.stack([1 - chances, chances], 1), played.astype(int))


def likeliest(net: DrumRnnNet, hidden: torch.Tensor) -> torch.Tensor:
    """`[B, T, width]` → hits `[B, T, 9]` (0, 1): each drum where it is likelier than not, given the drums before it."""
    hits = torch.zeros(*hidden.shape[:-1], net.among.shape[0])
    for drum in range(hits.shape[-1]):
        hits[..., drum] = (net.hits(hidden, hits)[..., drum] > 0).float()
    return hits


def found_of(told: npt.NDArray[np.bool_], played: npt.NDArray[np.bool_]) -> tuple[int, int, int]:
    """True, false and missed hits."""
    return int((told & played).sum()), int((told & ~played).sum()), int((~told & played).sum())


def _over(rows: Sequence[Foretold], part: Any, whole: Any) -> dict[str, float | None]:
    return ratio([part(one) for one in rows], [whole(one) for one in rows])


def f1(counts: Sequence[tuple[int, int, int]]) -> dict[str, float | None]:
    """2 true / (2 true + false + missed), over the hits of all pieces; the interval is over pieces."""
    true, false, missed = np.array(counts, np.float64).reshape(-1, 3).T
    return ratio(2 * true, 2 * true + false + missed)
