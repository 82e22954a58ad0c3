"""Bootstrap intervals."""

import json
import math

import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.metrics.interval import Interval, bootstrap, ratio_interval
from audio_gen.metrics.regression import pearson_r


def mean(values: np.ndarray) -> float:
    return float(values.mean())


def test_interval_of_a_mean_is_that_of_the_textbook() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    found = bootstrap(mean, values)
    error = 1.96 * values.std() / math.sqrt(len(values))
    assert found.value == values.mean()
    assert found.low == pytest.approx(values.mean() - error, abs=0.03)
    assert found.high == pytest.approx(values.mean() + error, abs=0.03)


def test_same_seed_same_interval() -> None:
    values = np.random.default_rng(0).normal(size=50)
    assert bootstrap(mean, values, seed=4) == bootstrap(mean, values, seed=4)
    assert bootstrap(mean, values, seed=4) != bootstrap(mean, values, seed=5)


def test_rows_of_all_arrays_are_drawn_together() -> None:
    x = np.random.default_rng(0).normal(size=30)
    found = bootstrap(pearson_r, x, 2 * x + 1)
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 1.0, 1.0))


def test_undefined_draws_are_left_out() -> None:
    x = np.array([0.0, 0.0, 1.0])  # many draws are constant, and r is NaN there
    found = bootstrap(pearson_r, x, x)
    assert (found.low, found.high) == (1.0, 1.0)

    def picky(values: np.ndarray) -> float:
        if np.ptp(values) == 0:
            raise ParameterError("constant")
        return 2.0

    assert bootstrap(picky, x) == Interval(2.0, 2.0, 2.0)


def test_undefined_everywhere_is_null_in_json() -> None:
    found = bootstrap(pearson_r, np.zeros(5), np.ones(5))
    assert json.dumps(found.to_dict(), allow_nan=False) == '{"value": null, "low": null, "high": null}'


@pytest.mark.parametrize("arrays", [(), (np.zeros(0),), (np.zeros(3), np.zeros(4))])
def test_no_rows_or_unequal_rows_are_refused(arrays: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(ParameterError, match="arrays of one length"):
        bootstrap(lambda *_: 0.0, *arrays)


def test_an_interval_holds_its_value() -> None:
    def biased(rows: np.ndarray) -> float:  # a resample has fewer distinct rows, never more
        return float(len(np.unique(rows)))

    found = bootstrap(biased, np.arange(50))
    assert found.low < found.value == found.high == 50


def test_a_ratio_is_that_of_sums_and_has_the_interval_of_its_draws() -> None:
    random = np.random.default_rng(0)
    parts, wholes = random.normal(5, 1, 80), random.uniform(1, 3, 80)
    found, slow = ratio_interval(parts, wholes), bootstrap(lambda one, other: one.sum() / other.sum(), parts, wholes)
    assert found.value == slow.value == parts.sum() / wholes.sum()
    assert (found.low, found.high) == pytest.approx((slow.low, slow.high), rel=0.01)
    assert ratio_interval([1.0, 3.0], [1.0, 1.0], seed=4) == ratio_interval([1.0, 3.0], [1.0, 1.0], seed=4)
    assert all(map(math.isnan, [getattr(ratio_interval([0.0], [0.0]), name) for name in ("value", "low", "high")]))
    assert ratio_interval([2.0, 0.0], [1.0, 0.0]) == Interval(2.0, 2.0, 2.0)  # draws of nothing are left out
    with pytest.raises(ParameterError, match="one length"):
        ratio_interval([1.0], [1.0, 2.0])
