"""Class-activation maps: which places of the picture an answer rests on (Zhou et al., CVPR 2016), without gradients.

The heads are linear and stand behind an average over all places, so an output is the average of what it takes from
each place: its row of weights times the feature maps there. A quadrant's probability isn't linear in the features; its
map is that of valence and arousal, each weighted by the slope of the quadrant's log-probability.
"""

import math

import torch

from audio_gen.models.classifier import ClassifierNet, Verdict

SURE = 4.0  # deviations from 0: beyond, the slope of a probability of nearly 1 vanishes, and with it the map
SIGNS = ((1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0))  # of valence and arousal in Q1 to Q4


def evidence(net: ClassifierNet, maps: torch.Tensor) -> torch.Tensor:
    """`[B, D, m, n] -> [B, R, m, n]`: what each of the R outputs takes from each cell of `net.features`.

    The outputs are the classes, then the means of the dimensions, then the terms. The mean over all cells plus the
    bias is the output.
    """
    rows = [net.classes.weight]
    if net.values is not None:
        rows.append(net.values.weight.chunk(2)[0])
    if net.terms is not None:
        rows.append(net.terms.weight)
    return torch.einsum("rd,bdmn->brmn", torch.cat(rows), maps)


def halves(maps: torch.Tensor) -> torch.Tensor:
    """`[B, D, m, n] -> [B, 2, D]`: the means over the first and over the second half of time; they share a middle cell.

    Their mean is the mean over all cells.
    """
    count = maps.shape[-1]
    first = (count / 2 - torch.arange(count, device=maps.device)).clamp(0, 1) / (count / 2)
    return (maps.mean(-2) @ torch.stack([first, first.flip(0)], 1)).transpose(1, 2)


def mixture(net: ClassifierNet, output: int, verdict: Verdict) -> torch.Tensor:
    """`[R]`: how much each row of `evidence` counts in the map of one output.

    That is the output's own row; for a quadrant, where quadrants follow from valence and arousal, the rows of these
    two with the slopes of log P(quadrant) at the verdict.
    """
    classes, dimensions = len(verdict.probs), len(verdict.values)
    weights = verdict.probs.new_zeros(classes + dimensions + len(verdict.terms))
    if net.quadrants and output < classes:
        weights[classes : classes + dimensions] = _slopes(verdict, verdict.values.new_tensor(SIGNS[output]))
    else:
        weights[output] = 1.0
    return weights


def _slopes(verdict: Verdict, signs: torch.Tensor) -> torch.Tensor:
    """d/dμ log Φ(± μ / σ) = ± φ(z) / (σ Φ(z)) with z = ± μ / σ, where that is more than SURE taken as SURE."""
    z = (signs * verdict.values / verdict.deviations).clamp_max(SURE)
    log_density = -z.square() / 2 - math.log(2 * math.pi) / 2
    return signs / verdict.deviations * torch.exp(log_density - torch.special.log_ndtr(z))


def interpolation(places: torch.Tensor, cells: int) -> torch.Tensor:
    """`[P] -> [P, cells]`: weights that read a row of cells, cell j at place j, linearly; the ends are held."""
    places = places.clamp(0, cells - 1)
    return (1 - (places[:, None] - torch.arange(cells, device=places.device)).abs()).clamp_min(0)


def upsample(cells: torch.Tensor, net: ClassifierNet, bands: int, columns: int) -> torch.Tensor:
    """`[..., m, n] -> [..., bands, columns]`: cells of the feature maps on the grid of the picture.

    Cell j is centred on place stride * j, where odd kernels with half a kernel's padding put it.
    """
    high, wide = (
        interpolation(torch.arange(count, device=cells.device) / stride, have)
        for count, stride, have in zip((bands, columns), net.stride, cells.shape[-2:], strict=True)
    )
    return high @ cells @ wide.T
