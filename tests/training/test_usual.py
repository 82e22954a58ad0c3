"""What is usual: spreads of statistics, bins, and how far others are."""

import numpy as np
import pytest

from audio_gen.training.rewards._usual import QUANTILES, Usual


def test_bins_hold_equal_shares_and_the_untold_one_of_their_own() -> None:
    usual = Usual([*np.arange(800.0), np.nan])
    assert usual.median == 399.5
    assert len(usual.edges) == QUANTILES - 1
    assert usual.shares == pytest.approx([100.5 / 805.5] * QUANTILES + [1.5 / 805.5], rel=0.01)
    assert usual.shares.sum() == pytest.approx(1)
    assert usual.bins([-5.0, 5000.0, np.nan]).tolist() == [0, QUANTILES - 1, QUANTILES]


def test_what_most_are_is_a_bin_alone() -> None:
    usual = Usual([0.0] * 70 + [1.0, 2.0, 3.0] * 10)
    assert usual.bins([0.0, 0.1]).tolist() == [0, 1]
    assert usual.shares[0] == pytest.approx(0.7, abs=0.02)


def test_the_same_is_not_away_and_the_extreme_is() -> None:
    random = np.random.default_rng(0)
    usual = Usual(random.normal(size=2000))
    assert usual.away(random.normal(size=2000)) < 0.01
    assert usual.away(np.zeros(2000)) > 1  # all at the median is not usual
    assert usual.away(np.full(2000, np.nan)) > 1


def test_nothing_told_is_one_bin() -> None:
    usual = Usual([np.nan, np.nan])
    assert usual.median == 0
    assert usual.bins([np.nan, 3.0]).tolist() == [1, 0]
