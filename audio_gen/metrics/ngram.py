"""Sequences by counting: an interpolated n-gram model, the floor that a network's figures stand beside.

With c(h x) how often x followed the history h and t(h) how many different symbols did (I. Witten and T. Bell, The
zero-frequency problem, 1991; they have s = 1):

    P(x | h) = (c(h x) + s t(h) P(x | h')) / (c(h) + s t(h))

where h' is h without its oldest symbol, at last the context alone (the place in the bar, say), then nothing, and P of
that is interpolated with 1 / symbols, so that every symbol has some probability.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError

START = -1  # what stands before a sequence
# s: music repeats itself, so what followed often may have followed in one piece only. Validation nats a step, order 4:
# OpenEWLD 0.996, 0.921, 0.901 and Nottingham 1.088, 1.012, 0.991 at s = 1, 4, 8; order 2 has 0.938 on OpenEWLD at s = 1
STRENGTH = 8.0
ORDER = 4

Figures = npt.NDArray[np.float64]
History = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class NGram:
    """An n-gram model of sequences of numbers 0 to `symbols` - 1, each step with a number as its context.

    Args:
        counts: for each history, how often each symbol followed it.
        symbols: how many there are.
        order: how many symbols before it a step depends on (an order-2 model counts trigrams).
        strength: s, how much a longer history must have been heard to be believed.
    """

    counts: dict[History, dict[int, int]]
    symbols: int
    order: int
    strength: float = STRENGTH

    @classmethod
    def fit(
        cls,
        sequences: Iterable[npt.ArrayLike],
        *,
        symbols: int,
        order: int = ORDER,
        strength: float = STRENGTH,
        contexts: Iterable[npt.ArrayLike] | None = None,
    ) -> "NGram":
        """Count sequences.

        Args:
            sequences: each `[T]`.
            symbols: how many different ones there are.
            order: 0 or more.
            strength: above 0.
            contexts: for each sequence `[T]` numbers; without, all steps have the same.

        Raises:
            ParameterError: a symbol outside, an order or a strength that is none, or contexts of another length.
        """
        if order < 0 or symbols < 1 or not strength > 0:
            raise ParameterError(f"order is ≥ 0, symbols ≥ 1 and strength > 0, not {order}, {symbols} and {strength}")
        counts: dict[History, dict[int, int]] = {}
        pieces = list(sequences)
        for sequence, context in zip(pieces, contexts if contexts is not None else [None] * len(pieces), strict=True):
            for symbol, histories in _steps(sequence, context, symbols, order):
                for history in histories:
                    followers = counts.setdefault(history, {})
                    followers[symbol] = followers.get(symbol, 0) + 1
        return cls(counts, symbols, order, strength)

    def nats(self, sequence: npt.ArrayLike, context: npt.ArrayLike | None = None) -> Figures:
        """`[T]`: -ln P of each step, given what came before.

        Raises:
            ParameterError: as `fit`.
        """
        steps = _steps(sequence, context, self.symbols, self.order)
        return np.array([-np.log(self._probability(symbol, histories)) for symbol, histories in steps], np.float64)

    def distribution(self, past: Sequence[int], context: int = 0) -> Figures:
        """`[symbols]`: the probability of each next symbol after `past`, at a step of that context."""
        shares = np.full(self.symbols, 1 / self.symbols)
        for history in _histories([START] * self.order + list(past), context, self.order):
            followers = self.counts.get(history)
            if followers:
                weight = self.strength * len(followers)
                shares *= weight
                shares[list(followers)] += list(followers.values())
                shares /= sum(followers.values()) + weight
        return shares

    def sample(
        self, steps: int, random: np.random.Generator, *, past: Sequence[int] = (), context: npt.ArrayLike | None = None
    ) -> npt.NDArray[np.int64]:
        """`[steps]` new symbols after `past`.

        Args:
            steps: how many.
            random: where chance comes from; the same state gives the same symbols.
            past: symbols that stand before.
            context: `[steps]` numbers; 0 without.
        """
        contexts = np.zeros(steps, np.int64) if context is None else np.asarray(context, np.int64)
        made = list(past)
        for step in range(steps):
            edges = self.distribution(made, int(contexts[step])).cumsum()
            made.append(int(np.searchsorted(edges, random.random() * edges[-1], "right")))
        return np.array(made[len(past) :], np.int64)

    def _probability(self, symbol: int, histories: list[History]) -> float:
        share = 1 / self.symbols
        for history in histories:
            followers = self.counts.get(history)
            if followers:
                weight = self.strength * len(followers)
                share = (followers.get(symbol, 0) + weight * share) / (sum(followers.values()) + weight)
        return share


def _steps(
    sequence: npt.ArrayLike, context: npt.ArrayLike | None, symbols: int, order: int
) -> Iterator[tuple[int, list[History]]]:
    """Each symbol of a sequence with its histories, the shortest first."""
    numbers = np.asarray(sequence, np.int64)
    contexts = np.zeros(len(numbers), np.int64) if context is None else np.asarray(context, np.int64)
    if len(contexts) != len(numbers) or (numbers.size and not 0 <= numbers.min() <= numbers.max() < symbols):
        raise ParameterError(
            f"a sequence has symbols 0-{symbols - 1} and a context for each, not {len(numbers)} steps, "
            f"{len(contexts)} contexts and symbols up to {numbers.max(initial=0)}"
        )
    padded = [START] * order + numbers.tolist()
    for step, (symbol, place) in enumerate(zip(padded[order:], contexts.tolist(), strict=True), order):
        yield symbol, _histories(padded[:step] if not order else padded[step - order : step], place, order)


def _histories(past: list[int], context: int, order: int) -> list[History]:
    """(), (context,), (context, last), (context, the one before, last) ..., up to `order` of the past."""
    recent = tuple(past[len(past) - order :])
    return [(), *((context, *recent[order - length :]) for length in range(order + 1))]
