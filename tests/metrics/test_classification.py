"""Accuracy, confusion and F1 against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sk

from audio_gen.errors import ParameterError
from audio_gen.metrics.classification import accuracy, confusion_matrix, macro_f1, per_class_f1


@pytest.fixture(params=[(5, 40), (10, 300), (2, 3)])
def labels(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    classes, rows = request.param
    random = np.random.default_rng(rows)
    true = random.integers(0, classes, rows)
    return true, np.where(random.random(rows) < 0.6, true, random.integers(0, classes, rows))


def test_equal_scikit_learn(labels: tuple[np.ndarray, np.ndarray]) -> None:
    true, told = labels
    present = np.unique(true)
    assert accuracy(true, told) == pytest.approx(sk.accuracy_score(true, told))
    assert macro_f1(true, told) == pytest.approx(sk.f1_score(true, told, labels=present, average="macro"))
    every = np.arange(12)
    assert np.array_equal(confusion_matrix(true, told, 12), sk.confusion_matrix(true, told, labels=every))
    expected = sk.f1_score(true, told, labels=every, average=None, zero_division=np.nan)
    assert np.allclose(per_class_f1(true, told, 12), expected, equal_nan=True)


def test_macro_f1_is_over_classes_of_the_reference_only() -> None:
    assert macro_f1([0, 0, 1, 1], [0, 0, 1, 7]) == pytest.approx((1 + 2 / 3) / 2)


def test_a_class_told_but_never_true_has_f1_zero_and_one_nowhere_has_none() -> None:
    f1 = per_class_f1([0, 0], [0, 2], 3)
    assert f1[2] == 0
    assert np.isnan(f1[1])


def test_right_and_wrong_are_told_apart() -> None:
    assert (accuracy([0, 1], [0, 1]), accuracy([0, 1], [1, 0])) == (1.0, 0.0)
    assert (macro_f1([0, 1], [0, 1]), macro_f1([0, 1], [1, 0])) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("true", "told"), [([], []), ([0, 1], [0]), ([0.5], [0.5]), ([-1], [0]), ([[0]], [[0]]), (["a"], ["a"])]
)
def test_what_is_no_pair_of_class_indices_is_refused(true: list[object], told: list[object]) -> None:
    with pytest.raises(ParameterError, match="class indices"):
        accuracy(np.array(true), np.array(told))


def test_a_class_beyond_those_there_are_is_refused() -> None:
    with pytest.raises(ParameterError, match="class 3 is beyond the 3"):
        confusion_matrix([0, 3], [0, 1], 3)
