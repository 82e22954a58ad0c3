"""Correlations and errors."""

import math

import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.metrics.regression import concordance, mean_absolute_error, pearson_r, rmse


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    x = random.normal(size=200)
    return x, 0.6 * x + 0.5 * random.normal(size=200)


def test_pearson_equals_numpy_and_ignores_scale_and_offset(pair: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = pair
    assert pearson_r(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert pearson_r(x, 3 * y - 8) == pytest.approx(pearson_r(x, y))
    assert pearson_r(x, -y) == pytest.approx(-pearson_r(x, y))


def test_concordance_of_a_worked_example() -> None:
    # x = 1 2 3, y = 2 3 4: covariance 2/3, variances 2/3, offset 1: (4/3) / (4/3 + 1)
    assert concordance([1, 2, 3], [2, 3, 4]) == pytest.approx((4 / 3) / (7 / 3))


def test_concordance_is_r_times_the_bias_correction(pair: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = pair
    scale, offset = x.std() / y.std(), (x.mean() - y.mean()) / math.sqrt(x.std() * y.std())
    assert concordance(x, y) == pytest.approx(pearson_r(x, y) * 2 / (scale + 1 / scale + offset**2))
    assert concordance(x, x) == pytest.approx(1)
    assert concordance(x, y + 2) < concordance(x, y) < pearson_r(x, y)


def test_rmse() -> None:
    assert rmse([0, 0, 0, 0], [1, -1, 1, -1]) == 1.0
    assert rmse([0, 0], [3, 4]) == pytest.approx(math.sqrt(12.5))


def test_constants_have_no_correlation() -> None:
    assert math.isnan(pearson_r([1, 1, 1], [1, 2, 3]))
    assert math.isnan(pearson_r([1], [1]))
    assert math.isnan(concordance([2, 2], [2, 2]))
    assert concordance([2, 2], [1, 3]) == 0.0


@pytest.mark.parametrize(("x", "y"), [([], []), ([1], [1, 2]), ([math.nan], [1]), ([[1]], [[1]])])
def test_what_is_no_pair_of_figures_is_refused(x: list[float], y: list[float]) -> None:
    with pytest.raises(ParameterError, match="finite numbers"):
        pearson_r(x, y)


def test_mean_absolute_error_is_in_the_unit_of_the_figures(pair: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = pair
    assert mean_absolute_error(x, x - 0.25) == pytest.approx(0.25)
    assert mean_absolute_error(3 * x, 3 * y) == pytest.approx(3 * mean_absolute_error(x, y))
    assert mean_absolute_error(x, y) < rmse(x, y)
