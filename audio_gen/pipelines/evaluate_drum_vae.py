"""evaluate an autoencoder of drums: how much of two bars comes back through its latent numbers?"""

from typing import Any, NamedTuple

import numpy as np
import torch

from audio_gen.errors import DatasetError
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.drum_pieces import DrumPiece, batch_of
from audio_gen.models.drum_vae import STEPS, DrumVaeNet, divergence, windows
from audio_gen.pipelines._note_pieces import Split, four_four, mean, ratio
from audio_gen.pipelines.evaluate_drums import drum_pieces, f1, found_of
from audio_gen.pipelines.evaluate_humaniser import SIXTEENTH_MS, root

ACTIVE = 0.01  # variance of a latent number's mean over windows (Y. Burda et al., ICLR 2016)


class Returned(NamedTuple):
    """Of one piece's windows: true, false and missed hits; over its hits squared errors of velocity and late ms.

    `middle` are the hits of the groove in the middle of all, told of the windows nothing but style and tempo; `shifted`
    those of the piece's other windows, each held against the one after it.
    """

    found: tuple[int, int, int]
    squared: float
    late: float
    hits: int
    divergence: float
    means: Any  # [windows, latent]
    middle: tuple[int, int, int]
    shifted: tuple[int, int, int]


def reconstruct_drums(model: Checkpoint, read: Split) -> dict[str, Any]:
    """What comes back of each two bars from the latent means: F1 of hits, errors of velocity and time at real hits.

    In the details: `active_units`, latent numbers whose means move from window to window, the divergence in nats, and
    the F1 of a groove that knows nothing of the window, and of the two bars before.
    """
    net: DrumVaeNet = checkpoint.build(DrumVaeNet, model)
    pieces = [piece for one, piece in drum_pieces(read.told, model.labels) if four_four(one)]
    rows = [returned(net, windows(piece)) for piece in pieces if len(piece.grid) >= STEPS // 2]
    if not rows:
        raise DatasetError("no piece of this split has a bar of drums in 4/4, of which this model knows alone")
    means = np.concatenate([one.means for one in rows])
    hits = [one.hits for one in rows]
    details = {
        "pieces": len(rows),
        "windows": len(means),
        "active_units": int((means.var(0) > ACTIVE).sum()) if len(means) > 1 else 0,
        "latent_numbers": means.shape[1],
        "divergence": mean([one.divergence for one in rows]),
        "hit_f1_of_the_middle_groove": f1([one.middle for one in rows]),
        "hit_f1_of_the_bars_before": f1([one.shifted for one in rows]),
    }
    return {
        "hit_f1": f1([one.found for one in rows]),
        "velocity_rmse": root([one.squared for one in rows], hits),
        "timing_mae_ms": ratio([one.late for one in rows], hits),
        "details": details,
    }


@torch.no_grad()
def returned(net: DrumVaeNet, cuts: list[DrumPiece]) -> Returned:
    """What comes back of one piece's windows."""
    batch = batch_of(cuts, STEPS)
    posterior = net.encode(batch)
    groove = net.decode(posterior.mean, batch.conditions)
    middle = net.decode(torch.zeros_like(posterior.mean), batch.conditions).hits > 0
    struck = batch.grid[..., 0] > 0
    played = struck.numpy()
    late = (groove.offset - batch.grid[..., 2]).abs()[struck].sum() * SIXTEENTH_MS / cuts[0].bpm
    return Returned(
        found_of((groove.hits > 0).numpy(), played),
        float((groove.velocity - batch.grid[..., 1])[struck].square().sum()),
        float(late),
        int(struck.sum()),
        float(divergence(posterior).mean()),
        posterior.mean.numpy(),
        found_of(middle.numpy(), played),
        found_of(played[:-1], played[1:]),
    )
