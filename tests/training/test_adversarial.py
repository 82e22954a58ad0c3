from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.nn import functional as F

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import ParameterError
from audio_gen.features.decibel_image import relative
from audio_gen.models.attacks import as_used, error, fgsm
from audio_gen.models.classifier import ClassifierNet
from audio_gen.training.adversarial import divergence, hardened_loss, virtual
from audio_gen.training.losses import soft_cross_entropy
from audio_gen.training.recipes import classifier
from audio_gen.training.settings import override

Small = Callable[[str], list[str]]


@pytest.fixture
def net() -> ClassifierNet:
    torch.manual_seed(0)
    return ClassifierNet(3, widths=(8, 8, 8, 8)).eval()


def music(count: int = 4) -> torch.Tensor:
    random = torch.Generator().manual_seed(1)
    return relative(-90 * torch.rand(count, 128, 24, generator=random))


def test_fgsm_moves_each_point_by_epsilon_along_the_sign_of_the_gradient(net: ClassifierNet) -> None:
    pictures, labels = music(), torch.tensor([0, 1, 2, 0])
    attacked = fgsm(pictures, error(net, labels), 2.0)
    free = (pictures > -78) & (pictures < -2)
    moved = pictures.clone().requires_grad_()
    F.cross_entropy(net(moved).logits, labels).backward()
    assert moved.grad is not None
    assert torch.allclose((attacked - pictures)[free], 2 * moved.grad.sign()[free], atol=1e-4)
    assert float((attacked - pictures).abs().max()) <= 2.0001
    with torch.no_grad():
        before, after = (error(net, labels)(x) for x in (pictures, attacked))
        other = error(net, labels)(pictures - (attacked - pictures))
    assert after > before > other


@pytest.mark.parametrize("epsilon", [0.5, 200.0])
def test_what_comes_out_is_a_relative_picture(net: ClassifierNet, epsilon: float) -> None:
    pictures = music()
    pictures[0, :, :12] = -80
    before = pictures.clone()
    for attacked in (fgsm(pictures, error(net, torch.zeros(4).long()), epsilon), virtual(pictures, net, epsilon)):
        assert attacked.min() >= -80
        assert torch.equal(relative(attacked), attacked)  # its loudest point is at 0 dB
        assert not torch.equal(attacked, pictures)
    assert torch.equal(pictures, before)
    assert all(weight.grad is None for weight in net.parameters())


def test_silence_stays_silent(net: ClassifierNet) -> None:
    silence = torch.full((2, 128, 24), -80.0)
    assert torch.equal(fgsm(silence, error(net, torch.tensor([0, 1])), 3.0), silence)
    assert torch.equal(virtual(silence, net, 3.0), silence)


def test_the_virtual_attack_moves_the_answer_more_than_chance_does(net: ClassifierNet) -> None:
    pictures = music(8)
    torch.manual_seed(3)
    attacked = virtual(pictures, net, 1.0)
    noise = torch.randn_like(pictures)
    random = pictures + noise / noise.square().mean((-2, -1), keepdim=True).sqrt()
    with torch.no_grad():
        answer = net(pictures).logits
        found, chance = (float(divergence(answer, net(x).logits)) for x in (attacked, random))
    assert found > 5 * chance
    distance = (attacked - pictures).square().mean((-2, -1)).sqrt()
    assert torch.all((distance > 0.9) & (distance < 1.01))


def test_divergence_is_that_of_the_textbook() -> None:
    one, other = torch.randn(5, 4), torch.randn(5, 4)
    p, q = one.softmax(-1), other.softmax(-1)
    assert torch.allclose(divergence(one, other), (p * (p / q).log()).sum(-1).mean())
    assert float(divergence(one, one)) == pytest.approx(0, abs=1e-6)


def test_inside_as_used_averages_stand_still_and_nothing_drops_out(net: ClassifierNet) -> None:
    net.train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    with as_used(net):
        assert torch.equal(net(music()).logits, net(music()).logits)
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    assert net.training


def test_a_hardened_loss_counts_the_attacked_pictures_too() -> None:
    torch.manual_seed(0)
    net = ClassifierNet(3, widths=(8, 8, 8, 8), dropout=0.0)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.track_running_stats = False
    net.train()
    pictures, targets = music(), F.one_hot(torch.tensor([0, 1, 2, 0]), 3).float()
    plain = hardened_loss("none", net, pictures, targets)
    assert torch.equal(plain, soft_cross_entropy(net(pictures).logits, targets))
    for kind in ("fgsm", "vat"):
        torch.manual_seed(1)
        weak = hardened_loss(kind, net, pictures, targets, 1e-4).detach()
        torch.manual_seed(1)
        strong = hardened_loss(kind, net, pictures, targets, 3.0)
        assert weak == pytest.approx(float(plain.detach()), rel=1e-2)
        assert strong > weak
        strong.backward()
    assert all(weight.grad is not None for weight in net.parameters() if weight.requires_grad)


def trained(pictures: Arrays, texts: list[str], steps: int = 60) -> Any:
    torch.manual_seed(0)
    recipe = classifier.build(pictures, override(classifier.Settings(), texts))
    recipe.setup(Fabric(accelerator="cpu", devices=1))
    for step in range(steps):
        torch.manual_seed(step)
        recipe.step(step, step / steps)
    return recipe


def attacked_accuracy(recipe: Any, epsilon: float) -> float:
    net, right = recipe.ema.module, []
    for track in recipe.valid:
        image = recipe.images.mel[recipe.images.rows[track]].float() * (80 / 255) - 80
        pictures = relative(image[:, :, :16])
        labels = torch.full((len(pictures),), recipe.labels.index(recipe.arrays.tracks[track].label))
        told = net(fgsm(pictures, error(net, labels), epsilon)).logits.argmax(-1)
        right += (told == labels).tolist()
    return float(np.mean(right))


@pytest.fixture
def faint(pictures: Arrays) -> Arrays:
    """The same classes, hardly louder in their bands than elsewhere."""
    random = np.random.default_rng(1)
    images = []
    for row, number in enumerate(pictures.index):
        image = random.integers(60, 180, pictures.mel[row].shape)
        image[30 * (number % 4) : 30 * (number % 4) + 25] += 40
        images.append(image.astype(np.uint8))
    return replace(pictures, mel=np.stack(images))


@pytest.mark.parametrize("kind", ["fgsm", "vat"])
def test_training_against_attacks_helps_against_attacks(faint: Arrays, tiny_settings: Small, kind: str) -> None:
    texts = [*tiny_settings("classifier"), "mixup=0", "strength=0", "stretch=0.001", "dropout=0"]
    plain = trained(faint, texts)
    hard = trained(faint, [*texts, f"adversarial={kind}", "epsilon=6"])
    assert plain.validate()["accuracy"] > 0.8
    assert hard.validate()["accuracy"] > 0.8
    assert attacked_accuracy(hard, 6.0) > attacked_accuracy(plain, 6.0) + 0.1


def test_attacks_begin_late_and_are_random_by_the_step_alone(pictures: Arrays, tiny_settings: Small) -> None:
    texts = [*tiny_settings("classifier"), "epsilon=3"]
    plain, hard, again = (
        trained(pictures, [*texts, f"adversarial={kind}"], 4).net.state_dict() for kind in ("none", "vat", "vat")
    )
    assert all(torch.equal(again[key], value) for key, value in hard.items())
    assert not torch.equal(plain["classes.weight"], hard["classes.weight"])
    early = [trained(pictures, [*texts, f"adversarial={kind}"], 1).net.state_dict() for kind in ("none", "vat")]
    assert all(torch.equal(early[0][key], value) for key, value in early[1].items())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("adversarial=pgd", "adversarial must be one of none, fgsm, vat, not 'pgd'"),
        ("epsilon=-1", "epsilon must be above 0 and at most 80 dB, not -1.0"),
        ("epsilon=0", "not 0.0"),
    ],
)
def test_refuses_what_it_does_not_know(text: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        override(classifier.Settings(), [text])
