"""Losses as pure functions."""

import torch
import torch.nn.functional as F


def relativistic_discriminator(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """softplus(D(fake) - D(real)), mean over pairs (RpGAN; Jolicoeur-Martineau, 2019; R3GAN, Huang et al., 2024)."""
    return F.softplus(fake - real).mean()


def relativistic_generator(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """softplus(D(real) - D(fake)), mean over pairs."""
    return F.softplus(real - fake).mean()


def gradient_penalty(logits: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """Mean over the batch of ‖∂D/∂x‖², exact (R1 on real, R2 on generated; Mescheder et al., ICML 2018)."""
    (gradient,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


def soft_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """`[B, C]` logits, `[B, C]` target probabilities → mean cross-entropy in nats."""
    return -(targets * F.log_softmax(logits, -1)).sum(-1).mean()


def correlation_loss(estimate: torch.Tensor, reference: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """1 - weighted Pearson r over a batch; weights are at least 0."""
    weight = weight / weight.sum().clamp_min(1e-6)
    x = estimate - (weight * estimate).sum()
    y = reference - (weight * reference).sum()
    covariance = (weight * x * y).sum()
    return 1 - covariance / torch.sqrt((weight * x * x).sum() * (weight * y * y).sum() + 1e-6)
