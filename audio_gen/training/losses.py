"""Losses as pure functions."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from audio_gen.models.wave_discriminators import Judged

STFT_WINDOWS = (128, 256, 512, 1024, 2048, 4096)


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


def stft_distance(estimate: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Waveforms `[B, T]`: mean over windows of 128 to 4096 of spectral convergence + mean |ln |X| - ln |Y||."""
    total = estimate.new_zeros(())
    for window in STFT_WINDOWS:
        hann = torch.hann_window(window, device=estimate.device)

        def magnitude(samples: torch.Tensor, window: int = window, hann: torch.Tensor = hann) -> torch.Tensor:
            found = torch.stft(samples, window, window // 4, window=hann, pad_mode="constant", return_complex=True)
            scaled = torch.view_as_real(found) * (2 / hann.sum())
            return (scaled.square().sum(-1) + 1e-10).sqrt()

        x, y = magnitude(estimate), magnitude(reference)
        convergence = (x - y).norm(dim=(1, 2)) / y.norm(dim=(1, 2)).clamp_min(1e-2)
        total = total + convergence.mean() + (x.log() - y.log()).abs().mean()
    return total / len(STFT_WINDOWS)


def hinge_discriminator(real: Sequence[Judged], fake: Sequence[Judged]) -> torch.Tensor:
    """Mean over discriminators of max(0, 1 - D(real)) + max(0, 1 + D(fake)) (Lim & Ye, 2017)."""
    pairs = zip(real, fake, strict=True)
    return torch.stack([F.relu(1 - one).mean() + F.relu(1 + other).mean() for (one, _), (other, _) in pairs]).mean()


def hinge_generator(fake: Sequence[Judged]) -> torch.Tensor:
    """Mean over discriminators of -D(fake)."""
    return -torch.stack([logits.mean() for logits, _ in fake]).mean()


def feature_matching(fake: Sequence[Judged], real: Sequence[Judged]) -> torch.Tensor:
    """Mean absolute difference of the maps inside the discriminators, against the mean size of the real ones."""
    pairs = [pair for (_, one), (_, other) in zip(fake, real, strict=True) for pair in zip(one, other, strict=True)]
    sizes = [y.detach().abs().mean().clamp_min(1e-3) for _, y in pairs]
    return torch.stack([(x - y.detach()).abs().mean() / s for (x, y), s in zip(pairs, sizes, strict=True)]).mean()
