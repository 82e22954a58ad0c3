import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_gen.metrics.note_copies import CopyIndex, alarm_level, drum_share, drum_windows, melody_tokens

pieces = st.lists(st.lists(st.integers(1, 3), max_size=12), max_size=6)


def longest_by_search(query: list[int], training: list[list[int]], start: int) -> int:
    """The slow twin: every place of every piece, every length."""
    passages = {tuple(piece[i:j]) for piece in training for i in range(len(piece)) for j in range(i, len(piece) + 1)}
    return max((n for n in range(len(query) - start + 1) if tuple(query[start : start + n]) in passages), default=0)


@given(pieces, st.lists(st.integers(1, 4), max_size=15))
def test_matches_are_those_of_a_search_everywhere(training: list[list[int]], query: list[int]) -> None:
    index = CopyIndex.of(training)
    lengths, places = index.matches(query)
    assert lengths.tolist() == [longest_by_search(query, training, start) for start in range(len(query))]
    for start, (length, place) in enumerate(zip(lengths, places, strict=True)):
        assert index.tokens[place : place + length].tolist() == query[start : start + length]


@given(pieces, st.lists(st.integers(1, 4), min_size=1, max_size=15), st.integers(1, 5))
def test_shares_are_those_of_sets(training: list[list[int]], query: list[int], n: int) -> None:
    known = {tuple(piece[i : i + n]) for piece in training for i in range(len(piece) - n + 1)}
    grams = [tuple(query[i : i + n]) for i in range(len(query) - n + 1)]
    expected = np.mean([gram in known for gram in grams]) if grams else math.nan
    assert CopyIndex.of(training).report(query, [n]).shares[n] == pytest.approx(expected, nan_ok=True)


def test_a_transposed_copy_is_found_and_its_piece_told() -> None:
    random = np.random.default_rng(0)
    onsets = random.integers(1, 5, (3, 60)).cumsum(1)
    pitches = random.integers(50, 80, (3, 60))
    index = CopyIndex.of(melody_tokens(p, o) for p, o in zip(pitches, onsets, strict=True))
    copied = melody_tokens(pitches[1] + 5, onsets[1] + 32)
    assert index.report(copied) == ({4: 1.0, 8: 1.0, 16: 1.0}, 59, 1)
    partly = np.concatenate([melody_tokens(random.integers(50, 80, 30), np.arange(30) * 7), copied[10:30]])
    found = index.report(partly)
    assert (found.longest, found.piece) == (20, 1)
    assert found.shares[16] == pytest.approx(5 / (len(partly) - 15))


def test_a_long_copy_is_told_as_a_long_one() -> None:
    tokens = np.random.default_rng(0).integers(1, 9, 1000)
    assert CopyIndex.of([tokens]).report(tokens) == ({4: 1.0, 8: 1.0, 16: 1.0}, 256, 0)


def test_nothing_copies_nothing() -> None:
    found = CopyIndex.of([]).report([5, 6, 7, 8], [4])
    assert (found.shares, found.longest, found.piece) == ({4: 0}, 0, -1)
    assert CopyIndex.of([[1, 2], [3, 4]]).report([]).longest == 0
    assert CopyIndex.of([[1, 2], [3, 4]]).report([2, 3]).longest == 1  # pieces don't run into each other


def test_tokens_tell_interval_and_time_apart() -> None:
    assert len(melody_tokens([60], [0])) == 0
    tokens = melody_tokens(np.array([60, 59, 60, 60], np.uint8), [0, 2, 4, 7])
    assert len(set(tokens.tolist())) == 3
    assert tokens.min() > 0
    assert np.array_equal(tokens, melody_tokens([70, 69, 70, 70], [16, 18, 20, 23]))


def test_the_alarm_is_the_95th_percentile() -> None:
    assert alarm_level(np.arange(101)) == 95
    assert alarm_level([np.nan, 3]) == 3
    assert alarm_level([]) == math.inf


def test_drum_windows_are_compared_hit_for_hit() -> None:
    random = np.random.default_rng(0)
    train, other = random.random((2, 64, 9)) < 0.3
    pattern = np.concatenate([train[16:48], other[:32]])
    known = {bars: set(drum_windows(train, bars)) for bars in (1, 2)}
    assert drum_share(train, known[1]) == 1
    assert drum_share(pattern, known[1]) == 0.5
    assert drum_share(pattern, known[2], 2) == pytest.approx(1 / 3)
    changed = pattern.copy()
    changed[0, 0] ^= True
    assert drum_share(changed, known[1]) == 0.25


def test_silence_is_no_copy() -> None:
    silent = np.zeros((32, 9), bool)
    assert drum_windows(silent) == []
    assert math.isnan(drum_share(silent, set()))
