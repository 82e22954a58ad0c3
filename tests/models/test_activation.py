import math

import pytest
import torch
import torch.nn.functional as F

from audio_gen.models.activation import evidence, halves, interpolation, mixture, upsample
from audio_gen.models.classifier import ClassifierNet, Verdict, combine, quadrant_log_probs

SHARE = 0.2  # of a picture that is removed


def pictures(*shape: int, seed: int = 0) -> torch.Tensor:
    return -80 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def emotion() -> ClassifierNet:
    torch.manual_seed(0)
    return ClassifierNet(4, 2, (8, 8, 8), quadrants=True, terms=("power", "tension")).eval()


def test_evidence_averages_to_every_output() -> None:
    net, image = emotion(), pictures(3, 64, 40)
    net.quadrants = False
    found = net(image)
    outputs = torch.cat([found.logits, found.values[:, :2], found.terms], 1)
    bias = torch.cat([net.classes.bias, net.values.bias[:2], net.terms.bias])
    taken = evidence(net, net.features(image))
    assert taken.shape == (3, 8, 64 // 16, 40 // 8)
    assert torch.allclose(taken.mean((-2, -1)) + bias, outputs, atol=1e-5)
    torch.manual_seed(0)
    plain = ClassifierNet(3, widths=(8, 8)).eval()
    assert evidence(plain, plain.features(image)).shape == (3, 3, 64 // 8, 40 // 4)


@pytest.mark.parametrize("columns", [1, 2, 5, 8])
def test_halves_are_means_over_time_that_share_the_middle(columns: int) -> None:
    maps = torch.rand(3, 6, 2, columns, generator=torch.Generator().manual_seed(0))
    found = halves(maps)
    assert found.shape == (3, 2, 6)
    assert torch.allclose(found.mean(1), maps.mean((-2, -1)))
    twice = maps.repeat_interleave(2, -1)  # so that the middle lies between two cells
    assert torch.allclose(found[:, 0], twice[..., :columns].mean((-2, -1)))
    assert torch.allclose(found[:, 1], twice[..., columns:].mean((-2, -1)))


@pytest.mark.parametrize("quadrant", range(4))
@pytest.mark.parametrize("means", [(0.4, -0.2), (-0.9, 0.7), (1.8, 0.9)])
def test_a_quadrant_counts_valence_and_arousal_by_their_slopes(quadrant: int, means: tuple[float, float]) -> None:
    deviations = torch.tensor([0.5, 0.25])
    values = torch.tensor(means, requires_grad=True)
    quadrant_log_probs(torch.cat([values, 2 * deviations.log()]))[quadrant].backward()
    assert values.grad is not None
    verdict = Verdict(torch.ones(4) / 4, values.detach(), deviations, torch.ones(8), torch.ones(2))
    weights = mixture(emotion(), quadrant, verdict)
    assert weights[[0, 1, 2, 3, 6, 7]].eq(0).all()
    assert torch.allclose(weights[4:6], values.grad, rtol=1e-4)
    assert weights[4:6].sign().tolist() == [[1, 1], [-1, 1], [-1, -1], [1, -1]][quadrant]


def test_other_answers_count_themselves() -> None:
    net, image = emotion(), pictures(3, 64, 40)
    for answer in (4, 5, 6, 7):  # valence, arousal and two terms
        assert mixture(net, answer, combine(net(image), net)).tolist() == [float(k == answer) for k in range(8)]
    net.quadrants = False
    assert mixture(net, 2, combine(net(image), net)).tolist() == [0, 0, 1, 0, 0, 0, 0, 0]


def test_interpolation_is_linear_and_holds_its_ends() -> None:
    weights = interpolation(torch.tensor([-3.0, 0.0, 0.25, 1.5, 2.0, 9.0]), 3)
    assert weights.tolist() == [[1, 0, 0], [1, 0, 0], [0.75, 0.25, 0], [0, 0.5, 0.5], [0, 0, 1], [0, 0, 1]]
    assert interpolation(torch.tensor([0.0, 5.0]), 1).tolist() == [[1], [1]]


def test_a_cell_lies_where_the_convolutions_look() -> None:
    net = emotion()
    cells = torch.rand(2, 4, 5)
    fine = upsample(cells, net, 64, 40)
    assert net.stride == (16, 8)
    assert torch.equal(fine[:, ::16, ::8], cells)
    image = pictures(1, 64, 80).requires_grad_()
    net.features(image)[0, :, 2, 5].sum().backward()
    assert image.grad is not None
    rows, columns = image.grad[0].abs().sum(1), image.grad[0].abs().sum(0)
    for sensitivity, place, stride in ((rows, 32, 16), (columns, 40, 8)):
        centre = float((sensitivity * torch.arange(len(sensitivity))).sum() / sensitivity.sum())
        assert abs(centre - place) < stride / 2


def striped(count: int, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`[B, 64, 64]` noise with a patch of stripes somewhere, which way they run, and where the patch is."""
    image = -60 + 6 * torch.randn(count, 64, 64, generator=random)
    truth = torch.arange(count) % 2
    patch = torch.zeros(count, 64, 64, dtype=torch.bool)
    stripes = (20.0 * (torch.arange(20) % 4 < 2)).expand(20, 20)
    for picture, where, kind in zip(image, patch, truth.tolist(), strict=True):
        top, left = torch.randint(45, (2,), generator=random).tolist()
        picture[top : top + 20, left : left + 20] += stripes if kind else stripes.T
        where[top : top + 20, left : left + 20] = True
    return image.clamp(-80, 0), truth, patch


def trained(random: torch.Generator, steps: int = 60) -> ClassifierNet:
    """A small network that knows the stripes, also where points are missing: noise alone shall not mislead it."""
    torch.manual_seed(0)
    net = ClassifierNet(2, widths=(8, 16), dropout=0.0)
    adam = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(steps):
        image, truth, _ = striped(16, random)
        missing = torch.rand(image.shape, generator=random) < SHARE * torch.rand(16, 1, 1, generator=random)
        adam.zero_grad()
        F.cross_entropy(net(torch.where(missing, -80.0, image)).logits, truth).backward()
        adam.step()
    return net.eval()


def hottest(heat: torch.Tensor) -> torch.Tensor:
    """The highest fifth of each picture."""
    rest = math.floor((1 - SHARE) * heat[0].numel())
    return heat > heat.flatten(1).kthvalue(rest, 1).values[:, None, None]


def test_removing_the_hottest_fifth_hurts_more_than_removing_another() -> None:
    random = torch.Generator().manual_seed(0)
    net = trained(random)
    image, truth, patch = striped(40, random)
    with torch.no_grad():
        before = torch.softmax(net(image).logits, -1)[range(40), truth]
        assert before.mean() > 0.9
        cells = evidence(net, net.features(image))[range(40), truth]

        def hurt(mask: torch.Tensor) -> float:
            left = torch.softmax(net(torch.where(mask, -80.0, image)).logits, -1)[range(40), truth]
            return float((before - left).mean())

        heat = upsample(cells, net, 64, 64)
        hot = hurt(hottest(heat))
        points = hurt(hottest(torch.rand(image.shape, generator=random)))
        areas = hurt(hottest(upsample(torch.rand(cells.shape, generator=random), net, 64, 64)))
    assert hottest(heat)[patch].float().mean() > 2 * SHARE  # it points at the stripes
    assert hot > 0.2
    assert hot > 2 * max(points, areas)


def test_the_surest_answer_has_a_map_too() -> None:
    net = ClassifierNet(4, 2, (8, 8, 8, 8), quadrants=True).eval()
    values, deviations = torch.tensor([-0.9, 1.0]), torch.tensor([0.05, 0.04])
    probs = torch.tensor([0.0, 1.0, 0.0, 0.0])
    weights = mixture(net, 1, Verdict(probs, values, deviations, torch.zeros(8), torch.zeros(0)))[4:]
    assert weights[0] < -1e-3
    assert weights[1] > 1e-3
