"""Playing on with the drum network so that gradients pass: hits and their manner are drawn, and learnt through.

Straight-through draws: forwards a hit is 0 or 1, backwards it is its relaxation (Y. Bengio et al., 2013; the concrete
distribution of C. Maddison et al. and the Gumbel softmax of E. Jang et al., ICLR 2017).
"""

import torch
import torch.nn.functional as F

from audio_gen.models.drum_pieces import DrumBatch
from audio_gen.models.drum_rnn import BINS, DrumRnnNet

TEMPERATURE = 0.7  # of the relaxations


def play_on(net: DrumRnnNet, batch: DrumBatch, known: int) -> torch.Tensor:
    """The grids `[B, T, 9, 3]` of a batch with all after the first `known` steps played anew.

    Each piece of the batch is in 4/4 and begins with a bar, or `batch.bar` is the same for all.
    """
    bar = int(batch.bar[0])
    given = batch._replace(grid=batch.grid[:, :known], position=batch.position[:, :known])
    with torch.no_grad():
        _, state = net.hidden(net.features(given.grid, given.bar, given.position, given.conditions))
    told = torch.cat([net.style(batch.conditions.style), batch.conditions.scalars(batch.bar)], 1)
    cells = list((given.grid * given.grid[..., :1]).unbind(1))
    for step in range(known, batch.grid.shape[1]):
        features = torch.cat([_lookback(cells, bar), net.position(batch.position[:, step]), told], -1)
        hidden, state = net.hidden(features[:, None], state)
        cells.append(_cells(net, hidden[:, 0]))
    return torch.stack(cells, 1)


def _lookback(cells: list[torch.Tensor], bar: int) -> torch.Tensor:
    """`drum_rnn.lookback` of the step that comes next."""

    def ago(steps: int) -> torch.Tensor:
        return cells[-steps] if steps <= len(cells) else torch.zeros_like(cells[-1])

    one, two, four = ago(bar), ago(2 * bar), ago(4 * bar)
    hits, loud = one[..., 0], one[..., 0] * one[..., 1]
    further, louder = two[..., 0], two[..., 0] * two[..., 1]
    ahead = [ago(bar - 1)[..., 0], ago(bar - 2)[..., 0]]
    return torch.cat([cells[-1].flatten(1), hits, loud, further, louder, four[..., 0], *ahead], -1)


def _cells(net: DrumRnnNet, hidden: torch.Tensor) -> torch.Tensor:
    """One step `[B, 9, 3]`: drum after drum, then the manner of those that were hit."""
    hits = net.in_turn(hidden, lambda _, logits: _hit(logits))
    velocity, offset = net.manner(hidden, hits)
    return torch.stack([hits, _value(velocity, 0.0) * hits, _value(offset, -0.5) * hits], -1)


def _hit(logits: torch.Tensor) -> torch.Tensor:
    chance = torch.rand_like(logits).clamp(1e-6, 1 - 1e-6)
    soft = torch.sigmoid((logits + torch.log(chance) - torch.log1p(-chance)) / TEMPERATURE)
    return (soft > 0.5).float() + soft - soft.detach()


def _value(logits: torch.Tensor, low: float) -> torch.Tensor:
    """A number drawn from the histogram, anywhere within its bin."""
    chosen = F.gumbel_softmax(logits, TEMPERATURE, hard=True)
    bins = torch.arange(BINS, device=logits.device) + torch.rand_like(logits[..., :1])
    return low + (chosen * bins).sum(-1) / BINS
