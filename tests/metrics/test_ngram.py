import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_gen.errors import ParameterError
from audio_gen.metrics.ngram import NGram

sequences = st.lists(st.lists(st.integers(0, 4), max_size=20), max_size=5)


@given(sequences, st.integers(0, 3), st.lists(st.integers(0, 4), max_size=5), st.integers(0, 2))
def test_probabilities_sum_to_one_and_none_is_nought(
    pieces: list[list[int]], order: int, past: list[int], context: int
) -> None:
    contexts = [[step % 3 for step in range(len(piece))] for piece in pieces]
    model = NGram.fit(pieces, symbols=5, order=order, contexts=contexts)
    shares = model.distribution(past, context)
    assert shares.sum() == pytest.approx(1)
    assert shares.min() > 0


@given(sequences, st.integers(0, 3))
def test_nats_are_those_of_the_distributions(pieces: list[list[int]], order: int) -> None:
    model = NGram.fit(pieces, symbols=5, order=order)
    query = [0, 3, 3, 1, 0]
    expected = [-np.log(model.distribution(query[:step])[symbol]) for step, symbol in enumerate(query)]
    assert model.nats(query) == pytest.approx(expected)


def test_by_hand() -> None:
    unigram = NGram.fit([[0, 0, 1]], symbols=2, order=0, strength=1)
    # (): 2 and 1 of 3, 2 kinds: (2 + 2 · 1/2) / 5; the one context counts the same once more: (2 + 2 · 3/5) / 5
    assert unigram.distribution([]) == pytest.approx([3.2 / 5, 1.8 / 5])
    bigram = NGram.fit([[0, 0, 1]], symbols=2, order=1, strength=1)
    assert bigram.distribution([0]) == pytest.approx([(1 + 2 * 0.64) / 4, (1 + 2 * 0.36) / 4])
    assert bigram.distribution([1]) == pytest.approx([0.64, 0.36])  # nothing ever followed a 1
    assert bigram.distribution([]) == pytest.approx([(1 + 0.64) / 2, 0.36 / 2])  # sequences begin with a 0
    doubted = NGram.fit([[0, 0, 1]], symbols=2, order=0, strength=8)
    assert doubted.distribution([]) == pytest.approx([(2 + 16 * 10 / 19) / 19, (1 + 16 * 9 / 19) / 19])


def test_an_unknown_history_backs_off_and_an_empty_model_is_uniform() -> None:
    assert NGram.fit([], symbols=4, order=3).nats([0, 1]) == pytest.approx(np.log([4, 4]))
    model = NGram.fit([[0, 1, 2] * 20], symbols=4, order=2)
    assert np.array_equal(model.distribution([3, 3]), model.distribution([3]))


def test_context_and_order_help_where_they_tell() -> None:
    random = np.random.default_rng(0)
    beats = np.arange(400) % 4
    train = np.where(beats == 0, 1, 0)
    walk = (random.integers(0, 2, 400) * 2 + 1).cumsum() % 4  # always to another parity
    plain = NGram.fit([train[:300]], symbols=4, order=0)
    placed = NGram.fit([train[:300]], symbols=4, order=0, contexts=[beats[:300]])
    assert placed.nats(train[300:], beats[300:]).mean() < 0.1 < plain.nats(train[300:]).mean()
    nats = [NGram.fit([walk[:300]], symbols=4, order=order).nats(walk[300:]).mean() for order in (0, 1)]
    assert nats[0] == pytest.approx(np.log(4), abs=0.1)
    assert nats[1] == pytest.approx(np.log(2), abs=0.1)


def test_samples_are_those_of_the_seed_and_of_the_distribution() -> None:
    walk = np.random.default_rng(0).integers(0, 2, 500) * 2 + 1
    model = NGram.fit([walk.cumsum() % 4], symbols=4, order=1)
    made = model.sample(300, np.random.default_rng(1), past=[2])
    assert np.array_equal(made, model.sample(300, np.random.default_rng(1), past=[2]))
    assert not np.array_equal(made, model.sample(300, np.random.default_rng(2), past=[2]))
    assert np.mean(np.diff(made) % 2 == 1) > 0.95
    assert model.nats(made).mean() < 0.9
    beats = NGram.fit([[1, 0, 0, 0] * 50], symbols=2, order=0, contexts=[[0, 1, 2, 3] * 50])
    placed = beats.sample(40, np.random.default_rng(0), context=np.arange(40) % 4)
    assert placed.reshape(10, 4).mean(0)[0] > 0.8 > 0.2 > placed.reshape(10, 4).mean(0)[1:].max()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ParameterError, match="0-2"):
        NGram.fit([[0, 3]], symbols=3, order=1)
    with pytest.raises(ParameterError, match="contexts"):
        NGram.fit([[0, 1]], symbols=3, order=1, contexts=[[0]])
    with pytest.raises(ParameterError, match="order"):
        NGram.fit([], symbols=3, order=-1)
    with pytest.raises(ParameterError, match="strength"):
        NGram.fit([], symbols=3, strength=0)
