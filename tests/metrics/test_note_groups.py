"""Distances of made pieces from real ones over those of real from real, with intervals over pieces."""

import math
from typing import Any

import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.metrics import note_groups as g
from audio_gen.metrics.note_distance import jensen_shannon, wasserstein


def values(numbers: Any, pieces: Any = None) -> g.Values:
    return g.Values(np.asarray(numbers, float), np.arange(len(numbers)) if pieces is None else np.asarray(pieces))


def test_what_is_drawn_from_the_real_lies_one_real_real_away() -> None:
    random = np.random.default_rng(0)
    real, same, other = (values(random.normal(middle, 1, 200)) for middle in (0, 0, 2))
    near, far = g.wasserstein_over_real(same, real), g.wasserstein_over_real(other, real)
    assert near.ratio.value == pytest.approx(1, abs=0.3)
    assert far.ratio.value > 8
    assert far.made == pytest.approx(2, abs=0.3)
    assert g.wasserstein_over_real(same, real) == near  # the seed is fixed
    assert far.ratio.value == pytest.approx(far.made / far.real)
    assert far.ratio.low < far.ratio.value < far.ratio.high


def test_one_split_by_hand() -> None:
    real, made = values([0.0, 1.0, 5.0, 7.0]), values([2.0, 3.0, 4.0, 9.0])
    half = np.random.default_rng(3).permutation(4)[:2]
    other = np.setdiff1d(np.arange(4), half)
    found = g.wasserstein_over_real(made, real, splits=1, draws=1, seed=3)
    assert found.real == pytest.approx(wasserstein(real.values[half], real.values[other]))
    assert found.made == pytest.approx(wasserstein(real.values[half], made.values[other]))


def test_draws_are_those_of_pieces_counted_again() -> None:
    random = np.random.default_rng(0)
    pieces = np.repeat(np.arange(6), 3)
    real, made = values(random.normal(0, 1, 18), pieces), values(random.normal(1, 1, 18), pieces)
    drawn = np.random.default_rng(0).integers(0, 6, 6)
    again = values(*(np.concatenate([part[pieces == one] for one in drawn]) for part in made))
    (low, high) = (
        g.wasserstein_over_real(made, real, draws=1)[0].low,
        g.wasserstein_over_real(made, real, draws=1)[0].high,
    )
    assert g.wasserstein_over_real(again, real, draws=1).ratio.value == pytest.approx(
        {low, high}.difference({g.wasserstein_over_real(made, real, draws=1).ratio.value}).pop()
    )


def test_pieces_are_compared_with_other_pieces() -> None:
    random = np.random.default_rng(0)
    pieces = np.repeat(np.arange(40), 10)
    level = random.normal(0, 1, 40)
    real = values(level[pieces] + random.normal(0, 0.1, 400), pieces)
    again = values(level[pieces] + random.normal(0, 0.1, 400), pieces)
    alike = g.wasserstein_over_real(again, real)
    assert 0.8 < alike.ratio.value < 1.2
    assert alike.real > 2 * g.wasserstein_over_real(values(again.values), values(real.values)).real
    assert g.wasserstein_over_real(values(again.values + 2, pieces), real).ratio.value > 3
    with pytest.raises(ParameterError, match="2 real pieces"):
        g.wasserstein_over_real(again, values(real.values, np.zeros(400)))
    with pytest.raises(ParameterError, match="a made one"):
        g.wasserstein_over_real(values([np.nan]), real)


def test_a_constant_has_no_unit() -> None:
    assert g.wasserstein_over_real(values([1.0, 1.0]), values([1.0, 1.0])).ratio.value == 1
    assert g.wasserstein_over_real(values([2.0, 2.0]), values([1.0, 1.0])).ratio.value == math.inf
    undefined = values([np.nan, 1.0, 2.0, 3.0])
    assert g.wasserstein_over_real(undefined, undefined).ratio.value == 1


def test_divergence_of_halves_by_hand_and_of_real_from_real() -> None:
    random = np.random.default_rng(0)
    share, other = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.2, 0.7])
    pieces = np.arange(30)
    real, alike, far = (
        g.Tables(random.multinomial(40, one, 30).astype(float), pieces) for one in (share, share, other)
    )
    by_chance, near, away = (g.divergence_from_real(one, real) for one in (real, alike, far))
    assert 0 < near.value < 3 * by_chance.value
    assert away.low > 20 * by_chance.high
    half = np.random.default_rng(1).permutation(pieces)[:15]
    inside = np.isin(pieces, half)
    wanted = jensen_shannon(real.counts[inside].sum(0), far.counts[~inside].sum(0))
    assert g.divergence_from_real(far, real, splits=1, seed=1).value == pytest.approx(wanted)
