"""A convolutional critic of drums: does a stretch of cells sound played?"""

from itertools import pairwise

import torch
from torch import nn

from audio_gen.models.drum_pieces import DRUM_COUNT

BEATS = 4  # sixteenths a beat, and the places in a bar that are told


class DrumCritic(nn.Module):
    """`[B, T, 9, 3]` and places in the bar `[B, T]` → one number each, the higher the more like real.

    Layer norms, since a gradient penalty asks that pieces of a batch don't see each other (I. Gulrajani et al.,
    "Improved training of Wasserstein GANs", NeurIPS 2017), but for one channel: how much the batch differs (T. Karras
    et al., "Progressive growing of GANs", ICLR 2018), which tells a generator off that repeats itself.
    """

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        channels = 3 * DRUM_COUNT + BEATS + 4
        sizes = (channels, width, 2 * width, 2 * width)
        self.layers = nn.ModuleList(nn.Conv1d(one, other, 5, stride=2, padding=2) for one, other in pairwise(sizes))
        self.norms = nn.ModuleList(nn.GroupNorm(1, size) for size in sizes[1:])
        self.last = nn.Linear(2 * width + 1, 1)

    def forward(self, grid: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        beat = nn.functional.one_hot(position // BEATS % 4, 4)
        step = nn.functional.one_hot(position % BEATS, BEATS)
        x = torch.cat([grid.flatten(2), beat, step], -1).mT
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = nn.functional.leaky_relu(norm(layer(x)), 0.2)
        differ = x.std(0).mean().expand(len(x), 1)
        scores: torch.Tensor = self.last(torch.cat([x.mean(-1), differ], 1))[:, 0]
        return scores
