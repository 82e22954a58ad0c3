"""Expected calibration error, its band, and temperature scaling."""

import math

import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.metrics.calibration import brier, coverage, ece, ece_upper_band, fit_temperature, selective_accuracy


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def draw(probs: np.ndarray, seed: int) -> np.ndarray:
    """A label for each row, as likely as the row says."""
    return (probs.cumsum(1) < np.random.default_rng(seed).random(len(probs))[:, None]).sum(1)


@pytest.fixture
def logits() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 2, (2000, 5))


def slow_ece(probs: np.ndarray, labels: np.ndarray, bins: int) -> float:
    rows = sorted(range(len(probs)), key=lambda i: probs[i].max())
    total = 0.0
    for part in np.array_split(np.array(rows), bins):
        right = np.mean([probs[i].argmax() == labels[i] for i in part])
        total += len(part) / len(rows) * abs(right - np.mean([probs[i].max() for i in part]))
    return total


def test_ece_equals_its_slow_twin(logits: np.ndarray) -> None:
    probs = softmax(logits[:203])
    labels = np.random.default_rng(1).integers(0, 5, 203)
    assert ece(probs, labels) == pytest.approx(slow_ece(probs, labels, 10))
    assert ece(probs, labels, bins=7) == pytest.approx(slow_ece(probs, labels, 7))


def test_ece_of_worked_examples() -> None:
    sure = np.tile([1.0, 0.0], (20, 1))
    assert ece(sure, np.zeros(20, int)) == 0.0
    assert ece(sure, np.ones(20, int)) == 1.0
    assert ece(np.tile([0.7, 0.3], (4, 1)), np.array([0, 0, 0, 1]), bins=1) == pytest.approx(0.05)


def test_fewer_rows_than_bins() -> None:
    assert ece([[0.8, 0.2], [0.4, 0.6]], [0, 0]) == pytest.approx((0.2 + 0.6) / 2)


def test_a_calibrated_model_stays_below_the_band_and_an_overconfident_one_does_not(logits: np.ndarray) -> None:
    probs = softmax(logits)
    band = ece_upper_band(probs, samples=300)
    below = [ece(probs, draw(probs, seed)) < band for seed in range(60)]
    assert 0.85 <= np.mean(below) < 1.0
    assert ece(softmax(3 * logits), draw(probs, 0)) > ece_upper_band(softmax(3 * logits), samples=300)


def test_the_band_narrows_with_more_rows(logits: np.ndarray) -> None:
    probs = softmax(logits)
    assert ece_upper_band(probs, samples=200) < ece_upper_band(probs[:100], samples=200)


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.5])
def test_temperature_is_found_again(truth: float, logits: np.ndarray) -> None:
    labels = draw(softmax(logits / truth), 2)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(truth, rel=0.12)
    assert ece(softmax(logits / found), labels) < ece_upper_band(softmax(logits / found), samples=200, level=0.999)


def test_temperature_takes_log_probabilities_and_finds_the_least_loss(logits: np.ndarray) -> None:
    labels = draw(softmax(logits / 1.7), 5)
    found = fit_temperature(np.log(softmax(logits)), labels)
    assert found == pytest.approx(fit_temperature(logits, labels), rel=1e-4)

    def loss(temperature: float) -> float:
        return -float(np.log(softmax(logits / temperature)[np.arange(len(labels)), labels]).mean())

    assert loss(found) <= min(loss(found * 1.01), loss(found / 1.01))


def test_temperature_stays_in_range_where_all_or_nothing_is_right() -> None:
    logits = np.tile([3.0, 0.0, -np.inf], (4, 1))
    assert fit_temperature(logits, [0, 0, 0, 0]) == pytest.approx(0.05, rel=1e-3)
    assert fit_temperature(logits, [1, 1, 1, 1]) == pytest.approx(20.0, rel=1e-3)


@pytest.mark.parametrize(("probs", "labels"), [([[0.5, 0.5]], [2]), ([[0.5, 0.5]], [0, 1]), ([0.5], [0]), ([], [])])
def test_what_does_not_fit_is_refused(probs: list[object], labels: list[int]) -> None:
    with pytest.raises(ParameterError, match=r"class indices|finite figures"):
        ece(probs, labels)


def test_brier_is_the_squared_distance_to_the_truth(logits: np.ndarray) -> None:
    probs = softmax(logits)
    labels = draw(probs, 4)
    textbook = sum(((row - np.eye(len(row))[label]) ** 2).sum() for row, label in zip(probs, labels, strict=True))
    assert brier(probs, labels) == pytest.approx(textbook / len(labels))
    assert brier(np.eye(3), [0, 1, 2]) == 0
    assert brier(np.eye(3), [1, 2, 0]) == 2
    expected = (1 - (probs**2).sum(1)).mean()  # of a calibrated model
    assert brier(probs, labels) == pytest.approx(expected, rel=0.1)


def test_abstaining_trades_tracks_for_accuracy(logits: np.ndarray) -> None:
    probs = softmax(logits)
    labels = draw(probs, 6)
    thresholds = (0.0, 0.5, 0.8)
    shares = [coverage(probs, threshold) for threshold in thresholds]
    right = [selective_accuracy(probs, labels, threshold) for threshold in thresholds]
    assert shares[0] == 1
    assert right[0] == np.mean(probs.argmax(1) == labels)
    assert shares == sorted(shares, reverse=True)
    assert right == sorted(right)
    assert shares[2] < 0.9 * shares[0]


def test_nothing_answered_has_no_accuracy() -> None:
    probs = [[0.6, 0.4], [0.5, 0.5]]
    assert (coverage(probs, 0.6), selective_accuracy(probs, [0, 1], 0.6)) == (0.5, 1.0)  # the threshold itself answers
    assert coverage(probs, 0.7) == 0
    assert math.isnan(selective_accuracy(probs, [0, 1], 0.7))
