"""evaluate a humaniser: how near does it come to how hard, and how far off the grid, drummers played their hits?"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.metrics.interval import bootstrap
from audio_gen.metrics.note_distance import wasserstein
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.drum_pieces import DrumPiece, batch_of
from audio_gen.models.drum_rnn import BINS, centre_of
from audio_gen.models.humaniser import HumaniserNet
from audio_gen.pipelines._note_pieces import Split, four_four, ratio
from audio_gen.pipelines.evaluate_drums import drum_pieces
from audio_gen.symbolic.encoders.drums import DRUMS

SIXTEENTH_MS = 15_000  # over quarters a minute
BAR = 16
Figures = npt.NDArray[np.float64]


class Struck(NamedTuple):
    """The hits of one piece, `[N]` each: drum, step of the bar; velocity and offset as played, best and drawn."""

    drum: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    played: Figures  # [N, 2]
    best: Figures  # [N, 2]
    drawn: Figures  # [N, 2]
    sixteenth_ms: float

    def cell(self) -> npt.NDArray[np.int64]:
        """The number of drum and position together."""
        return self.drum * BAR + self.position


def evaluate_humaniser(model: Checkpoint, read: Split, *, seed: int = 0) -> dict[str, Any]:
    """`velocity_rmse` (of 1) and `timing_mae_ms` over all hits of all pieces in 4/4 (of all, where none is).

    The floors in the details need no training data: means of velocity and offset, over everything and by drum and
    place in the bar, are taken from the split's other pieces. There also stand distances of distributions, which one
    best answer does not come near: 1-Wasserstein of each drum's velocities, and of its offsets in milliseconds.
    """
    net: HumaniserNet = checkpoint.build(HumaniserNet, model)
    everything = drum_pieces(read.told, model.labels)
    pieces = [piece for one, piece in everything if four_four(one)] or [piece for _, piece in everything]
    random = torch.Generator().manual_seed(seed)
    struck = [struck_of(net, piece, random) for piece in pieces]
    flat = [np.zeros_like(one.played) for one in struck]
    tables = {
        "network": [one.best for one in struck],
        "drawn": [one.drawn for one in struck],
        "global_mean": _means(struck, by_place=False),
        "drum_by_position": _means(struck, by_place=True),
    }
    errors = {
        name: {
            "velocity_rmse": rmse(struck, told),
            "timing_mae_ms": mae(struck, told),
        }
        for name, told in tables.items()
    }
    errors["on_the_grid"] = {"timing_mae_ms": mae(struck, flat)}
    network = errors["network"]
    details = {
        "pieces": len(pieces),
        "hits": int(sum(len(one.drum) for one in struck)),
        "means_are_of": "the other pieces of this split",
        "seed": seed,
        "errors": errors,
        "offset_w1_ms": _distances(struck, 1),
        "velocity_w1": _distances(struck, 0),
    }
    return {**network, "details": details}


@torch.no_grad()
def struck_of(net: HumaniserNet, piece: DrumPiece, random: torch.Generator) -> Struck:
    """The hits of a piece with what a network says of them."""
    manner = net(batch_of([piece]))
    step, drum = np.nonzero(piece.grid[..., 0] > 0.5)
    at = (0, torch.from_numpy(step), torch.from_numpy(drum))
    best = torch.stack([manner.velocity[at], manner.offset[at]], 1)
    drawn = [_drawn(bins[at], low, random) for bins, low in ((manner.velocity_bins, 0.0), (manner.offset_bins, -0.5))]
    played = piece.grid[step, drum, 1:].astype(np.float64)
    return Struck(
        drum, piece.position[step] % BAR, played, best.numpy().astype(np.float64),
        torch.stack(drawn, 1).numpy().astype(np.float64), SIXTEENTH_MS / piece.bpm,
    )  # fmt: skip


def rmse(struck: list[Struck], told: list[Figures]) -> dict[str, float | None]:
    """Root of the mean squared error of velocity."""
    squared = [float(((one.played - other)[:, 0] ** 2).sum()) for one, other in zip(struck, told, strict=True)]
    return root(squared, [len(one.drum) for one in struck])


def root(squared: Sequence[float], hits: Sequence[int]) -> dict[str, float | None]:
    """Root of Σ squared errors / Σ hits, where each piece has one of either, with its interval over pieces."""

    def over(parts: Figures, wholes: Figures) -> float:
        return float(np.sqrt(parts.sum() / wholes.sum())) if wholes.sum() else np.nan

    return bootstrap(over, np.array(squared, np.float64), np.array(hits, np.float64)).to_dict()


def mae(struck: list[Struck], told: list[Figures]) -> dict[str, float | None]:
    """Mean absolute error in time, in milliseconds."""
    late = [np.abs(one.played - other)[:, 1].sum() * one.sixteenth_ms for one, other in zip(struck, told, strict=True)]
    return ratio(late, [len(one.drum) for one in struck])


def _means(struck: list[Struck], *, by_place: bool) -> list[Figures]:
    """Mean velocity and offset at each hit's cell over the other pieces; of its drum, then of all, where none is."""
    keys = [(one.cell(), one.drum, np.zeros_like(one.drum)) for one in struck]
    sizes = (len(DRUMS) * BAR, len(DRUMS), 1)
    levels = range(0 if by_place else 2, 3)
    sums = {level: np.zeros((sizes[level], 3)) for level in levels}
    own: list[dict[int, Figures]] = []
    for one, key in zip(struck, keys, strict=True):
        rows = np.column_stack([one.played, np.ones(len(one.drum))])
        mine = {level: np.zeros((sizes[level], 3)) for level in levels}
        for level in levels:
            np.add.at(mine[level], key[level], rows)
            sums[level] += mine[level]
        own.append(mine)
    found = []
    for key, mine in zip(keys, own, strict=True):
        told = np.zeros((len(key[0]), 2))
        for level in reversed(levels):
            others = (sums[level] - mine[level])[key[level]]
            some = others[:, 2] > 0.5
            told[some] = others[some, :2] / others[some, 2:]
        found.append(told)
    return found


def _drawn(logits: torch.Tensor, low: float, random: torch.Generator) -> torch.Tensor:
    """One value each, from anywhere in its bin."""
    if not len(logits):
        return torch.zeros(0)
    bins = torch.multinomial(logits.softmax(-1), 1, generator=random)[:, 0]
    return centre_of(bins, low) + (torch.rand(len(bins), generator=random) - 0.5) / BINS


def _distances(struck: list[Struck], column: int) -> dict[str, dict[str, float]]:
    """Of each drum that is hit: how far its values lie from the real ones', drawn and as the best answer."""
    found = {}
    drum = np.concatenate([one.drum for one in struck])
    scale = np.concatenate([np.full(len(one.drum), one.sixteenth_ms if column else 1.0) for one in struck])
    sets = {name: np.concatenate([getattr(one, name)[:, column] for one in struck]) * scale
            for name in ("played", "drawn", "best")}  # fmt: skip
    for number, name in enumerate(DRUMS):
        here = drum == number
        if here.any():
            played = sets["played"][here]
            found[name] = {
                "hits": int(here.sum()),
                "drawn": wasserstein(sets["drawn"][here], played),
                "best": wasserstein(sets["best"][here], played),
                "constant_mean": wasserstein(np.full(1, played.mean()), played),
            }
    return found
