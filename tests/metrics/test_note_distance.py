import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_gen.errors import ParameterError
from audio_gen.metrics import note_distance as d

counts = st.lists(st.integers(0, 50), min_size=12, max_size=12)
samples = st.lists(st.floats(-100, 100), min_size=1, max_size=20)


def test_bigrams_by_hand() -> None:
    assert d.bigrams([0, 1, 0, 1, 1], 2).tolist() == [[0, 2], [1, 1]]
    assert d.bigrams([1], 3).sum() == 0
    assert d.bigrams([], 32).shape == (32, 32)
    with pytest.raises(ParameterError, match="0-11"):
        d.bigrams([3, 12], 12)


def test_tonic_histogram() -> None:
    assert d.tonic_histogram([62, 74, 69], 2).tolist() == [2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]


@given(counts, counts)
def test_divergences_are_bounded(p: list[int], q: list[int]) -> None:
    assert d.kullback_leibler(p, p) == 0
    assert d.kullback_leibler(p, q) >= -1e-12
    assert -1e-12 <= d.jensen_shannon(p, q) <= 1
    assert d.jensen_shannon(p, q) == pytest.approx(d.jensen_shannon(q, p))


def test_divergences_by_hand() -> None:
    assert d.kullback_leibler([1, 1], [1, 3], smoothing=0) == pytest.approx(0.5 * math.log2(2) + 0.5 * math.log2(2 / 3))
    assert d.kullback_leibler([0, 0], [0, 2]) == pytest.approx(0.5 * math.log2(2) + 0.5 * math.log2(2 / 3))
    assert d.jensen_shannon([1, 0], [0, 1], smoothing=0) == 1
    with pytest.raises(ParameterError, match="one shape"):
        d.jensen_shannon([1, 2], [1, 2, 3])


@given(samples, samples, st.floats(-10, 10))
def test_wasserstein_is_a_metric_that_a_shift_moves_by_itself(one: list[float], other: list[float], by: float) -> None:
    assert d.wasserstein(one, one) == 0
    assert d.wasserstein(one, other) == pytest.approx(d.wasserstein(other, one), abs=1e-9)
    assert d.wasserstein(one, np.add(one, by)) == pytest.approx(abs(by), abs=1e-6)
    assert d.wasserstein(one, other) == pytest.approx(d.wasserstein(one * 3, other * 2), abs=1e-6)


def test_wasserstein_of_equal_sizes_pairs_the_sorted_values() -> None:
    one, other = np.random.default_rng(0).normal(0, (1, 2), (50, 2)).T
    assert d.wasserstein(one, other) == pytest.approx(np.abs(np.sort(one) - np.sort(other)).mean())
    assert d.wasserstein([0, np.nan], [0, 0, 3]) == 1
    with pytest.raises(ParameterError, match="finite"):
        d.wasserstein([np.nan], [1])
