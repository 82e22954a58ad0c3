"""Does a melody, or a drum pattern, repeat the training music note for note?

A melody is a sequence of (interval, time from onset to onset in steps), which no transposition changes. The training
melodies' suffixes are sorted once (U. Manber and G. Myers, Suffix arrays, 1993); a search in them finds for each note
of a new melody how long a passage from there on occurs in training. All shares of n-grams follow from that.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

NGRAMS = (4, 8, 16)
LONGEST_IOI = 1 << 10  # steps; a longer rest counts as that
LONGEST_COPY = 256  # tokens; a longer one is told as that, so that a search in a long piece stays short
ALARM = 0.95  # quantile of held-out music above which a figure is suspicious

Tokens = npt.NDArray[np.int32]


def melody_tokens(pitches: npt.ArrayLike, onsets: npt.ArrayLike) -> Tokens:
    """Notes `[N]` in order of onset (steps) → `[N - 1]` numbers from 1, one for each (interval, onset to onset)."""
    intervals = np.diff(np.asarray(pitches, np.int64))
    between = np.diff(np.asarray(onsets, np.int64)).clip(0, LONGEST_IOI - 1)
    tokens: Tokens = ((intervals + 128) * LONGEST_IOI + between + 1).astype(np.int32)
    return tokens


class CopyReport(NamedTuple):
    """What of a melody occurs in training music.

    `shares` of its n-grams at each n (NaN where it is shorter), the `longest` passage (tokens; that many notes and one
    more), and which training piece that passage is from (-1: none).
    """

    shares: dict[int, float]
    longest: int
    piece: int


@dataclass(frozen=True, eq=False)
class CopyIndex:
    """The training melodies' tokens, end to end, each followed by 0, and the order of their suffixes.

    Args:
        tokens: `[T]`; `CopyIndex.of` makes them.
    """

    tokens: Tokens
    order: npt.NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", _suffix_order(self.tokens))

    @classmethod
    def of(cls, pieces: Iterable[npt.ArrayLike]) -> "CopyIndex":
        """An index of `melody_tokens` of each training piece."""
        parts = [np.concatenate([np.asarray(piece, np.int32), [0]]) for piece in pieces]
        return cls(np.concatenate([np.zeros(0), *parts]).astype(np.int32))

    def report(self, tokens: npt.ArrayLike, ngrams: Sequence[int] = NGRAMS) -> CopyReport:
        """How much of a melody (its `melody_tokens`) is in training."""
        lengths, places = self.matches(tokens)
        shares = {
            n: float((lengths[: len(lengths) - n + 1] >= n).mean()) if len(lengths) >= n else np.nan for n in ngrams
        }
        best = int(lengths.argmax()) if len(lengths) and lengths.max() else -1
        piece = int((self.tokens[: places[best]] == 0).sum()) if best >= 0 else -1
        return CopyReport(shares, int(lengths.max(initial=0)), piece)

    def matches(self, tokens: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """For each place of a melody: how many tokens from it on (up to 256) one training piece has, and where."""
        query, known = np.asarray(tokens, np.int32), self.tokens
        found = np.zeros((2, len(query)), np.int64)
        for start in range(len(query)):
            rest = query[start : start + LONGEST_COPY]
            wanted = rest.tolist()
            above = bisect_left(self.order, wanted, key=lambda place: known[place : place + len(wanted)].tolist())
            for place in self.order[max(0, above - 1) : above + 1]:
                length = _common(rest, known[place : place + len(rest)])
                if length > found[0, start]:
                    found[:, start] = length, place
        return found[0], found[1]


def alarm_level(held_out: npt.ArrayLike) -> float:
    """The 95th percentile of a copying figure of real music that training hasn't seen; what lies above is suspicious.

    NaN (pieces too short for the figure) are left out; of nothing else it is infinite.
    """
    figures = np.asarray(held_out, np.float64)
    figures = figures[np.isfinite(figures)]
    return float(np.quantile(figures, ALARM)) if figures.size else np.inf


def drum_windows(hits: npt.ArrayLike, bars: int = 1, *, bar: int = 16) -> list[bytes]:
    """Hits `[T, drums]` (bool) → each window of so many whole bars, from each bar on; silent ones are left out."""
    rows = np.asarray(hits, bool)
    starts = range(0, len(rows) - bars * bar + 1, bar)
    cuts = [rows[start : start + bars * bar] for start in starts]
    return [np.packbits(cut).tobytes() for cut in cuts if cut.any()]


def drum_share(hits: npt.ArrayLike, known: set[bytes], bars: int = 1, *, bar: int = 16) -> float:
    """The share of a pattern's windows that occur hit for hit among `known` `drum_windows` of as many bars."""
    windows = drum_windows(hits, bars, bar=bar)
    return sum(window in known for window in windows) / len(windows) if windows else np.nan


def _suffix_order(tokens: Tokens) -> npt.NDArray[np.int64]:
    """Where each suffix begins, in the order of the suffixes: ranks by 1, 2, 4 ... tokens, until all differ."""
    rank = np.unique(tokens, return_inverse=True)[1].astype(np.int64).reshape(-1)
    width, size = 1, len(tokens)
    while size and rank.max() < size - 1:
        after = np.full(size, -1, np.int64)
        after[: max(0, size - width)] = rank[width:]
        rank = np.unique(rank * (size + 1) + after + 1, return_inverse=True)[1].astype(np.int64).reshape(-1)
        width *= 2
    return np.argsort(rank)


def _common(one: Tokens, other: Tokens) -> int:
    differ = one[: len(other)] != other
    return int(differ.argmax()) if differ.any() else len(other)
