import math

import numpy as np
import pytest
import torch
from torch import nn

from audio_gen.training.losses import (
    correlation_loss,
    feature_matching,
    gradient_penalty,
    hinge_discriminator,
    hinge_generator,
    relativistic_discriminator,
    relativistic_generator,
    soft_cross_entropy,
    stft_distance,
)


def test_relativistic_pairing_by_hand() -> None:
    real, fake = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 3.0])
    assert relativistic_discriminator(real, fake).item() == pytest.approx(
        (math.log1p(math.exp(-1)) + math.log1p(math.exp(1))) / 2
    )
    assert relativistic_generator(real, fake) == relativistic_discriminator(fake, real)
    assert relativistic_discriminator(real + 5, fake + 5) == pytest.approx(relativistic_discriminator(real, fake))


def test_gradient_penalty_of_a_plane_is_its_slope_squared() -> None:
    plane = nn.Linear(6, 1, bias=False)
    inputs = torch.randn(4, 2, 3, requires_grad=True)
    penalty = gradient_penalty(plane(inputs.flatten(1)).squeeze(1), inputs)
    assert penalty.item() == pytest.approx(plane.weight.square().sum().item(), rel=1e-5)
    penalty.backward()
    assert torch.allclose(plane.weight.grad, 2 * plane.weight, rtol=1e-5)  # exact, so it can be descended


def test_gradient_penalty_does_not_grow_with_the_batch() -> None:
    inputs = torch.ones(2, 5, requires_grad=True)
    more = torch.ones(20, 5, requires_grad=True)
    assert gradient_penalty(inputs.square().sum(1), inputs) == gradient_penalty(more.square().sum(1), more)


def test_soft_cross_entropy() -> None:
    logits = torch.randn(5, 4)
    labels = torch.tensor([0, 3, 1, 1, 2])
    hard = nn.functional.one_hot(labels, 4).float()
    assert soft_cross_entropy(logits, hard).item() == pytest.approx(nn.functional.cross_entropy(logits, labels).item())
    assert soft_cross_entropy(torch.zeros(5, 4), torch.full((5, 4), 0.25)).item() == pytest.approx(math.log(4))


def test_correlation_loss_is_one_less_r() -> None:
    random = np.random.default_rng(0)
    x, y = random.standard_normal((2, 50))
    r = np.corrcoef(x, y)[0, 1]
    same = torch.ones(50)
    assert correlation_loss(torch.tensor(x), torch.tensor(y), same).item() == pytest.approx(1 - r, abs=1e-4)
    assert correlation_loss(torch.tensor(3 * x + 1), torch.tensor(x), same).item() == pytest.approx(0, abs=1e-4)
    assert correlation_loss(torch.tensor(-x), torch.tensor(x), same).item() == pytest.approx(2, abs=1e-4)


def test_correlation_loss_counts_by_weight() -> None:
    random = np.random.default_rng(0)
    x, y = random.standard_normal((2, 30))
    weight = random.integers(0, 4, 30)
    repeated = [torch.tensor(np.repeat(values, weight)) for values in (x, y)]
    weighted = correlation_loss(torch.tensor(x), torch.tensor(y), torch.tensor(weight, dtype=torch.float64))
    assert weighted.item() == pytest.approx(correlation_loss(*repeated, torch.ones(weight.sum())).item(), abs=1e-5)


def test_correlation_loss_of_constants_is_finite() -> None:
    flat = torch.zeros(8, requires_grad=True)
    loss = correlation_loss(flat, torch.ones(8), torch.zeros(8))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(flat.grad).all()


def test_stft_distance_is_nothing_of_equals_and_knows_gain() -> None:
    torch.manual_seed(0)
    sound = 0.1 * torch.randn(2, 8000)
    assert stft_distance(sound, sound).item() == 0
    half = stft_distance(sound / 2, sound).item()
    assert half == pytest.approx(0.5 + math.log(2), abs=0.02)
    assert stft_distance(sound + 0.001 * torch.randn(2, 8000), sound).item() < 0.1
    silent = torch.zeros(1, 8000, requires_grad=True)
    stft_distance(silent, torch.zeros(1, 8000)).backward()
    assert silent.grad is not None
    assert silent.grad.isfinite().all()


def test_hinge_by_hand() -> None:
    real, fake = [(torch.tensor([2.0, 0.5]), [])], [(torch.tensor([-3.0, 0.0]), [])]
    assert hinge_discriminator(real, fake).item() == pytest.approx(0.25 + 0.5)
    assert hinge_generator(fake).item() == pytest.approx(1.5)


def test_feature_matching_is_relative_and_leaves_the_real_side_alone() -> None:
    one, other = torch.full((2, 3), 2.0, requires_grad=True), torch.full((2, 3), 4.0, requires_grad=True)
    loss = feature_matching([(one, [one])], [(other, [other])])
    assert loss.item() == pytest.approx(0.5)
    loss.backward()
    assert one.grad is not None
    assert other.grad is None
