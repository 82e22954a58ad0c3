"""Exponential moving average of a network's weights and buffers."""

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

Net = TypeVar("Net", bound=nn.Module)


class Ema(Generic[Net]):
    """Keeps `module`, a copy of the network that follows it slowly: a_t = d a_(t-1) + (1 - d) w_t.

    d is `min(decay, (1 + t) / (10 + t))`, so that early averages aren't tied to the initial weights.
    """

    def __init__(self, module: Net, decay: float) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, source: nn.Module, step: int) -> None:
        """Follow `source` by one step; `step` counts from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for kept, new in zip(self.module.state_dict().values(), source.state_dict().values(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(new, 1 - decay)
            else:
                kept.copy_(new)
