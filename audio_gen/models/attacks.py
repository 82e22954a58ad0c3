"""Attacks on a classifier: how far its answer moves when a picture changes by less than a listener would notice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.features.decibel_image import RANGE_DB

Pictures = torch.Tensor
Loss = Callable[[Pictures], torch.Tensor]


def fgsm(pictures: Pictures, loss: Loss, epsilon: float) -> Pictures:
    """Fast gradient sign method: x + ε sign(∂L/∂x), kept a picture (Goodfellow, Shlens & Szegedy, ICLR 2015).

    Args:
        pictures: `[B, n_mels, N]` relative decibels.
        loss: what the attacker wants to grow, of pictures; the gradient is its own.
        epsilon: the largest change of any point, in decibels.
    """
    return within(pictures + epsilon * gradient(pictures, loss).sign(), pictures)


def gradient(pictures: Pictures, loss: Loss) -> torch.Tensor:
    """`∂L/∂x` of each picture, of its shape; no gradient reaches any weight."""
    with torch.enable_grad():
        moved = pictures.detach().clone().requires_grad_()
        (slope,) = torch.autograd.grad(loss(moved), moved)
    return slope


def within(changed: Pictures, pictures: Pictures) -> Pictures:
    """`changed` as a relative picture again: at least -80 dB, the loudest point as it was, and nothing above it."""
    peak = pictures.amax((-2, -1), keepdim=True)
    return torch.where(pictures == peak, pictures, torch.minimum(changed, peak).clamp_min(-RANGE_DB))


def error(net: nn.Module, labels: torch.Tensor) -> Loss:
    """The cross-entropy of `net` on classes `[B]`, as an attacker's loss; summed, so that pictures don't share it."""
    return lambda pictures: F.cross_entropy(net(pictures).logits, labels, reduction="sum")


@contextmanager
def as_used(net: nn.Module) -> Iterator[nn.Module]:
    """Inside, a network in training answers as it will in use: no dropout, and its averages stand still."""
    training = net.training
    net.eval()
    try:
        yield net
    finally:
        net.train(training)
