import math
from typing import Any

import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.models.classifier import ClassifierNet, Prediction, combine, joined, quadrant_log_probs, windows


def pictures(*shape: int, seed: int = 0) -> torch.Tensor:
    return -80 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def small(**options: Any) -> ClassifierNet:
    torch.manual_seed(0)
    return ClassifierNet(3, widths=(8, 8, 8, 8), **options).eval()


@pytest.mark.parametrize("columns", [1, 2, 15, 16, 17, 129])
@pytest.mark.parametrize("bands", [32, 128])
def test_shapes(bands: int, columns: int) -> None:
    net = small(dimensions=2)
    prediction = net(pictures(2, bands, columns))
    assert [list(part.shape) for part in prediction] == [[2, 3], [2, 4], [2, 8], [2, 0]]
    assert list(net.features(pictures(2, bands, columns)).shape) == [2, 8, bands // 32, -(-columns // 16)]
    assert small()(pictures(1, bands, columns)).values.shape == (1, 0)
    assert small(terms=("power", "tension"))(pictures(2, bands, columns)).terms.shape == (2, 2)


def test_batched_equals_one_by_one() -> None:
    net, image = small(dimensions=2, terms=("power",)), pictures(5, 128, 40)
    together = net(image)
    for row in range(5):
        for whole, alone in zip(together, net(image[row : row + 1]), strict=True):
            assert torch.allclose(whole[row], alone[0], atol=1e-5)
    assert not torch.allclose(together.logits[0], together.logits[1], atol=1e-5)


def test_the_class_activation_map_averages_to_the_logits() -> None:
    net, image = small(), pictures(2, 128, 40)
    maps = torch.einsum("kd,bdmn->bkmn", net.classes.weight, net.features(image)) + net.classes.bias[:, None, None]
    assert torch.allclose(maps.mean((-2, -1)), net(image).logits, atol=1e-5)


def test_every_weight_learns() -> None:
    net = small(dimensions=2, terms=("power",)).train()
    prediction = net(pictures(4, 128, 32))
    torch.cat([prediction.logits, prediction.values, prediction.terms], 1).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in net.parameters())


@pytest.mark.parametrize("widths", [(), (1, 8), (0,), (8, -1)])
def test_refuses_widths_that_hold_nothing(widths: tuple[int, ...]) -> None:
    with pytest.raises(ParameterError, match="widths from 2 on"):
        ClassifierNet(3, widths=widths)


@pytest.mark.parametrize("terms", ["power", ["power", "power"], ["power", ""]])
def test_refuses_terms_that_are_no_names(terms: Any) -> None:
    with pytest.raises(ParameterError, match="terms must be names, each once"):
        ClassifierNet(3, terms=terms)


def test_terms_change_nothing_else() -> None:
    plain, more, image = small(dimensions=2), small(dimensions=2, terms=("power", "tension")), pictures(2, 128, 40)
    assert plain.term_names == ()
    assert more.term_names == ("power", "tension")
    assert set(more.state_dict()) - set(plain.state_dict()) == {"terms.weight", "terms.bias"}
    for left, right in zip(plain(image)[:3], more(image)[:3], strict=True):
        assert torch.equal(left, right)


def test_several_batches_joined() -> None:
    net, image = small(dimensions=2, terms=("power",)), pictures(5, 128, 40)
    parts = joined([net(image[:2]), net(image[2:])])
    for part, whole in zip(parts, net(image), strict=True):
        assert torch.allclose(part, whole, atol=1e-5)


def slow_windows(image: torch.Tensor, columns: int) -> list[torch.Tensor]:
    length = image.shape[1]
    if length < columns:
        image, length = image[:, [column % length for column in range(columns)]], columns
    starts = [start for start in range(length) if start % max(1, columns // 2) == 0 and start + columns <= length]
    if (starts[-1] + columns) % length:
        starts.append(length - columns)
    found = []
    for start in starts:
        window = image[:, start : start + columns]
        found.append((window - window.max()).clamp(min=-80))
    return found


@pytest.mark.parametrize("columns", [1, 2, 9, 10])
@pytest.mark.parametrize("length", [1, 3, 9, 10, 14, 15, 37])
def test_windows_equal_the_slow_way(length: int, columns: int) -> None:
    image = pictures(4, length)
    right = torch.stack(slow_windows(image, columns))
    assert torch.allclose(windows(image, columns), right)


def tempered(temperature: float, **options: Any) -> ClassifierNet:
    net = small(**options)
    net.temperature.fill_(temperature)
    return net


def test_combine_is_a_geometric_mean_and_a_mixture() -> None:
    random = torch.Generator().manual_seed(0)
    prediction = Prediction(*(torch.randn(3, size, generator=random) for size in (4, 4, 5, 2)))
    verdict = combine(prediction, tempered(1.7))
    logs = [row.log_softmax(-1) for row in prediction.logits]
    scores = [math.exp(float(sum(row[k] for row in logs)) / 3 / 1.7) for k in range(4)]
    assert torch.allclose(verdict.probs, torch.tensor([score / sum(scores) for score in scores]))
    for axis in range(2):
        means = prediction.values[:, axis]
        variances = prediction.values[:, 2 + axis].exp()
        second = (variances + means.square()).mean()  # E[x²] of the mixture
        assert torch.isclose(verdict.values[axis], means.mean())
        assert torch.isclose(verdict.deviations[axis], torch.sqrt(second - means.mean() ** 2))
    assert torch.isclose(verdict.embedding.norm(), torch.ones(()))
    shares = [sum(1 / (1 + math.exp(-float(logit))) for logit in column) / 3 for column in prediction.terms.T]
    assert verdict.terms.tolist() == pytest.approx(shares, rel=1e-5)


def test_temperature_flattens_and_never_changes_the_label() -> None:
    prediction = Prediction(torch.tensor([[2.0, 0.0, -1.0]]), torch.zeros(1, 0), torch.ones(1, 2), torch.zeros(1, 0))
    sharp, flat = (combine(prediction, tempered(t)).probs for t in (0.5, 5.0))
    assert sharp.argmax() == flat.argmax() == 0
    assert sharp[0] > flat[0] > 1 / 3


def test_quadrants_follow_valence_and_arousal() -> None:
    log_variances = torch.full((4, 2), -2.0)
    means = torch.tensor([[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]])
    log_probs = quadrant_log_probs(torch.cat([means, log_variances], 1))
    assert log_probs.argmax(1).tolist() == [0, 1, 2, 3]
    assert torch.allclose(log_probs.exp().sum(1), torch.ones(4))
    above = torch.special.ndtr(torch.tensor(0.5 * math.e))  # P(N(0.5, e^-1) > 0), in both dimensions
    assert log_probs[0, 0].exp().item() == pytest.approx(above.item() ** 2, rel=1e-5)


def test_quadrants_never_contradict_the_signs_of_valence_and_arousal() -> None:
    torch.manual_seed(0)
    net = ClassifierNet(4, 2, (8, 8, 8, 8), quadrants=True).eval()
    net.temperature.fill_(2.5)
    random = torch.Generator().manual_seed(0)
    quadrants = {(True, True): 0, (False, True): 1, (False, False): 2, (True, False): 3}
    seen = set()
    for _ in range(200):
        prediction = Prediction(*(torch.randn(3, size, generator=random) for size in (4, 4, 5, 2)))
        verdict = combine(prediction, net)
        best = int(verdict.probs.argmax())
        assert best == quadrants[tuple((verdict.values > 0).tolist())]
        seen.add(best)
    assert seen == {0, 1, 2, 3}


def test_quadrant_logits_come_from_the_dimensions_outside_training() -> None:
    torch.manual_seed(0)
    net = ClassifierNet(4, 2, (8, 8, 8, 8), dropout=0.0, quadrants=True)
    image = -80 * torch.rand(3, 128, 40)
    net.train()(image)
    said = net.eval()(image)
    assert torch.allclose(said.logits, quadrant_log_probs(said.values))
    net.quadrants = False
    assert not torch.allclose(said.logits, net(image).logits, atol=1e-2)
    with pytest.raises(ParameterError, match="4 classes of 2 dimensions"):
        ClassifierNet(4, 0, quadrants=True)
