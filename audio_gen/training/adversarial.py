"""Adversarial training: the answer is to stay the same when a picture changes a little in the worst direction."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.models.attacks import as_used, fgsm, gradient, within
from audio_gen.training.losses import soft_cross_entropy

KINDS = ("none", "fgsm", "vat")
PROBE = 0.1  # dB: the step of the power iteration, ξ in the paper
LATE = 2 / 3  # of the training is over before attacks begin: the gradient of an untaught network points nowhere


def check(kind: str, epsilon: float) -> None:
    """Whether there is such an adversarial training.

    Raises:
        ParameterError: an unknown kind, or an epsilon outside of (0, 80] dB.
    """
    if kind not in KINDS:
        raise ParameterError(f"adversarial must be one of {', '.join(KINDS)}, not {kind!r}")
    if not 0 < epsilon <= 80:
        raise ParameterError(f"epsilon must be above 0 and at most 80 dB, not {epsilon}")


def hardened_loss(
    kind: str, net: Any, pictures: torch.Tensor, targets: torch.Tensor, epsilon: float = 1.0
) -> torch.Tensor:
    """Cross-entropy of `[B, n_mels, N]` pictures against `[B, classes]` targets, with attacked pictures beside them.

    "fgsm": half the cross-entropy of the pictures, half that of the attacked ones (Goodfellow et al., 2015, α = ½).
    "vat": the cross-entropy, plus KL(answer ‖ answer to the attacked picture) (Miyato et al., TPAMI 2018).
    Clean and attacked pictures pass in one batch, so that batch normalisation sees both alike.
    """
    if kind == "none":
        return soft_cross_entropy(net(pictures).logits, targets)
    with as_used(getattr(net, "module", net)) as bare:  # what Fabric wrapped wants no backward but its own
        if kind == "fgsm":
            attacked = fgsm(pictures, lambda x: soft_cross_entropy(bare(x).logits, targets), epsilon)
        else:
            attacked = virtual(pictures, bare, epsilon)
    clean, moved = net(torch.cat([pictures, attacked])).logits.chunk(2)
    if kind == "fgsm":
        return (soft_cross_entropy(clean, targets) + soft_cross_entropy(moved, targets)) / 2
    return soft_cross_entropy(clean, targets) + divergence(clean.detach(), moved)


def virtual(pictures: torch.Tensor, net: nn.Module, epsilon: float) -> torch.Tensor:
    """Pictures moved by `epsilon` dB (root mean square) where the answer changes most; needs no label.

    One power iteration from a random direction d: the gradient of KL(p(x) ‖ p(x + ξ d)) over d is H d to first order,
    H being the divergence's Hessian, whose leading eigenvector is sought.
    """
    with torch.no_grad():
        answer = net(pictures).logits
    probe = PROBE * _unit(torch.randn_like(pictures))
    slope = gradient(pictures + probe, lambda x: divergence(answer, net(x).logits))
    return within(pictures + epsilon * _unit(slope), pictures)


def divergence(reference: torch.Tensor, estimate: torch.Tensor) -> torch.Tensor:
    """KL(reference ‖ estimate) of two `[B, classes]` logits in nats, mean over the batch."""
    return F.kl_div(estimate.log_softmax(-1), reference.log_softmax(-1), reduction="batchmean", log_target=True)


def _unit(direction: torch.Tensor) -> torch.Tensor:
    """Each picture scaled to a root mean square of 1; zeros stay zeros."""
    return direction / direction.square().mean((-2, -1), keepdim=True).sqrt().clamp_min(1e-30)
