import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_gen.metrics import composition as c

melodies = st.lists(st.tuples(st.integers(0, 127), st.integers(0, 200)), min_size=2, max_size=40).map(
    lambda notes: (np.array([p for p, _ in notes], np.uint8), np.sort([o for _, o in notes]))
)
SHARES = ["scale_consistency", "pitch_change_rate", "leaps", "groove_consistency", "rhythm_similarity"]
SHARES += [f"self_similarity_{lag}" for lag in c.LAGS]


@given(melodies)
def test_bounds(melody: tuple[np.ndarray, np.ndarray]) -> None:
    figures = c.statistics(*melody)
    for name in SHARES:
        assert math.isnan(figures[name]) or 0 <= figures[name] <= 1, name
    assert 0 <= figures["pitch_class_entropy"] <= math.log2(12) + 1e-9
    assert figures["scale_consistency"] >= 7 / 12  # some scale holds its share of any notes
    assert 0 <= figures["mean_absolute_interval"] <= figures["pitch_range"] <= 127
    assert 0 < figures["notes_a_bar"] <= len(melody[0])


@given(melodies, st.integers(-40, 40), st.integers(0, 5))
def test_neither_transposition_nor_a_later_start_changes_anything(
    melody: tuple[np.ndarray, np.ndarray], steps: int, bars: int
) -> None:
    pitches, onsets = melody
    moved = c.statistics(pitches.astype(int) + steps, onsets + 16 * bars)
    assert moved == pytest.approx(c.statistics(pitches, onsets), nan_ok=True)


@given(melodies, st.randoms(use_true_random=False))
def test_entropy_and_scale_see_no_order(melody: tuple[np.ndarray, np.ndarray], random: object) -> None:
    pitches = melody[0].copy()
    random.shuffle(pitches)  # type: ignore[attr-defined]
    for statistic in (c.pitch_class_entropy, c.scale_consistency, c.pitch_range):
        assert statistic(pitches) == pytest.approx(statistic(melody[0]))


def test_intervals_see_order() -> None:
    scale = np.arange(60, 80)
    shuffled = np.random.default_rng(0).permutation(scale)
    assert c.mean_absolute_interval(scale) == 1 < c.mean_absolute_interval(shuffled)
    assert c.leaps(scale) == 0 < c.leaps(shuffled)


@given(st.lists(st.integers(0, 15), min_size=1, max_size=16, unique=True), st.integers(2, 9))
def test_identical_bars_have_a_consistency_of_exactly_1(steps: list[int], bars: int) -> None:
    onsets = np.sort([16 * bar + step for bar in range(bars) for step in steps])
    assert c.groove_consistency(onsets) == 1
    assert c.groove_consistency(onsets + 48) == 1
    assert c.rhythm_similarity(onsets) == pytest.approx(1)
    assert c.notes_a_bar(onsets) == len(steps)


def test_pitches_by_hand() -> None:
    assert c.pitch_class_entropy([60, 60, 72]) == 0
    assert c.pitch_class_entropy([60, 62, 64, 65]) == 2
    assert c.pitch_class_entropy(np.arange(60, 72)) == pytest.approx(math.log2(12))
    assert c.scale_consistency([62, 64, 66, 67, 69, 71, 73]) == 1  # D major
    assert c.scale_consistency([60, 61, 62, 63]) == 0.75
    assert c.scale_consistency(np.arange(12)) == pytest.approx(7 / 12)
    assert c.pitch_change_rate([60, 60, 62, 60]) == pytest.approx(2 / 3)
    assert c.mean_absolute_interval([60, 64, 62]) == 3
    assert c.leaps([60, 67, 75]) == 0.5  # a fifth is none
    assert c.pitch_range(np.array([40, 90], np.uint8)) == 50


def test_small_unsigned_pitches_do_not_wrap_around() -> None:
    assert c.mean_absolute_interval(np.array([64, 60], np.uint8)) == 4


def test_rhythm_by_hand() -> None:
    onsets = [0, 4, 8, 12, 16, 24]  # bars of 4 and 2 notes
    assert c.groove_consistency(onsets) == pytest.approx(1 - 2 / 16)
    assert c.rhythm_similarity(onsets) == pytest.approx(2 / math.sqrt(8))
    assert c.notes_a_bar(onsets) == 3
    assert c.notes_a_bar(onsets, bar=12) == 2
    assert c.onset_rows([17, 40]).nonzero()[0].tolist() == [0, 1]


def test_an_empty_bar_between_is_no_neighbour_of_rhythm_but_one_of_groove() -> None:
    onsets = [0, 32, 48]
    assert c.rhythm_similarity(onsets) == 1
    assert c.groove_consistency(onsets) == pytest.approx(1 - 2 / 48)


def test_chord_agreement_by_hand() -> None:
    c_major, nothing = np.isin(np.arange(12), [0, 4, 7]), np.zeros(12, bool)
    found = c.chord_agreement([60, 62, 64, 61], [0, 2, 4, 8], [2, 2, 4, 8], [c_major, c_major, c_major, nothing])
    assert found == pytest.approx((2 / 3, 1, 6 / 8))
    everything = c.chord_agreement([60, 61], [0, 3], [1, 1], np.ones((2, 12)))
    assert everything == (1, 1, 1)
    assert all(map(math.isnan, c.chord_agreement([60], [0], [1], [nothing])))


def test_self_similarity_by_hand() -> None:
    pitches, onsets = [60, 62, 60, 62, 67, 67], [0, 8, 16, 24, 32, 33]
    # bars: (0, 0) (8, 2) | (0, -2) (8, 2) | (0, 5) (1, 0)
    assert c.self_similarity(pitches, onsets, lags=(1, 2, 3)) == pytest.approx([0.25, 0, math.nan], nan_ok=True)


def test_self_similarity_of_a_repeated_pair_of_bars_peaks_at_its_length() -> None:
    onsets = np.concatenate([32 * np.arange(6)[:, None] + [0, 4, 8, 16, 18, 30]]).ravel()
    pitches = np.tile([60, 62, 64, 67, 65, 60], 6)
    curve = c.self_similarity(pitches, onsets)
    assert curve[1:] == pytest.approx([1, 1, 1])
    assert curve[0] < 0.5


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8), st.lists(st.just((0, 0)), max_size=8))
def test_edit_distance_is_a_metric(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    assert c.edit_distance(one, one) == 0
    assert c.edit_distance(one, other) == c.edit_distance(other, one)
    assert abs(len(one) - len(other)) <= c.edit_distance(one, other) <= max(len(one), len(other))


def test_edit_distance_by_hand() -> None:
    letters = {word: [(ord(letter), 0) for letter in word] for word in ("kitten", "sitting")}
    assert c.edit_distance(letters["kitten"], letters["sitting"]) == 3


def test_distinct_grams() -> None:
    assert c.distinct_share([1] * 10) == pytest.approx(1 / 7)
    assert c.distinct_share(np.arange(10)) == 1
    assert c.distinct_share([1, 2, 1, 2, 1], n=2) == 0.5
    assert math.isnan(c.distinct_share([1, 2, 3]))


def test_too_few_notes_have_no_figures() -> None:
    assert all(map(math.isnan, c.statistics([], []).values()))
    one = c.statistics([60], [3])
    assert (one["pitch_class_entropy"], one["notes_a_bar"], one["pitch_range"]) == (0, 1, 0)
    assert math.isnan(one["leaps"])
    assert math.isnan(one["groove_consistency"])
