"""maker: what every model that writes notes can be asked for, and the best of several takes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch

from audio_gen.errors import ParameterError
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.note_copies import NoteIndex
from audio_gen.pipelines.piece import DENSITIES, Piece, Wish
from audio_gen.symbolic.score import Score


class Gap(NamedTuple):
    """What is made anew: bars from `first` to `last` (from 1, both in) of these tracks (from 1; () is all)."""

    first: int
    last: int
    tracks: tuple[int, ...] = ()


class Maker(ABC):
    """Makes pieces of notes with one checkpoint, on the CPU and in one thread, so that a seed tells all.

    A subclass says what it can do by overriding; the rest is refused with a message.

    Args:
        model: the checkpoint.
        index: of the notes that it learnt from, for the copy report.
    """

    def __init__(self, model: Checkpoint, index: NoteIndex | None = None) -> None:
        self.checkpoint, self.index = model, index

    @property
    def labels(self) -> tuple[str, ...]:
        """The styles that it can be asked for."""
        return self.checkpoint.labels

    def check(self, wish: Wish) -> None:
        """Refuse what can be refused without any work; a subclass may refuse more.

        Raises:
            ParameterError: a style that this checkpoint doesn't know.
        """
        wish.label(self.labels, self.checkpoint.name)

    @abstractmethod
    def make(self, wish: Wish) -> Piece:
        """A new piece.

        Raises:
            ParameterError: a wish that this checkpoint can't meet; the message lists what it can.
        """

    def continued(self, score: Score, wish: Wish, track: int | None = None) -> Piece:
        """The score, its notes as they are, and then `wish.bars` new bars; `track` counts from 1."""
        raise self._refusal("continue")

    def infilled(self, score: Score, wish: Wish, gap: Gap) -> Piece:
        """The score with the gap made anew, and all notes outside as they are."""
        raise self._refusal("infill")

    def harmonised(self, score: Score, wish: Wish, track: int | None = None) -> Piece:
        """A melody, its notes as they are, with what goes with it: `wish.voices`."""
        raise self._refusal("harmonise")

    def check_verb(self, verb: str) -> None:
        """Whether this model can "continue", "infill" or "harmonise", before any file is read.

        Raises:
            ParameterError: it can't.
        """
        method = {"continue": "continued", "infill": "infilled", "harmonise": "harmonised"}[verb]
        if getattr(type(self), method) is getattr(Maker, method):
            raise self._refusal(verb)

    def _refusal(self, verb: str) -> ParameterError:
        model = self.checkpoint
        return ParameterError(
            f"{model.name!r} (family {model.family!r}) can't {verb}; leave --model out for one that can"
        )

    def best(self, wish: Wish, make: Callable[[list[Wish]], list[Piece]], fit: Callable[[Piece], float]) -> Piece:
        """Of `wish.best_of` takes the first of those that fit best (the smallest figure); a copy comes last.

        A thin one, or one off its chords (`spoilt`), comes before that; while no better is there, up to `wish.redraws`
        more are made.
        """

        def taken(first: int, count: int) -> list[Piece]:
            stop_here_if_asked()
            with one_thread(), torch.no_grad():
                return make([replace(wish, take=wish.take + first + number, best_of=1) for number in range(count)])

        def unfit(piece: Piece) -> tuple[bool, int, float]:
            return bool((piece.copies or {}).get("suspicious")), spoilt(piece), fit(piece)

        made = taken(0, wish.best_of)
        kept = min(made, key=unfit)
        for more in range(wish.redraws):
            if not spoilt(kept):
                break
            kept = min(kept, *taken(wish.best_of + more, 1), key=unfit)
        style = self.labels[wish.label(self.labels, self.checkpoint.name)] if wish.style is not None else None
        told = {**wish.to_dict(), "take": kept.wish["take"]}
        return replace(kept, wish=told, more={"style": style, **kept.more})


def spoilt(piece: Piece) -> int:
    """How many of these hold: it is thin; its tune is off its chords (`thin`)."""
    return bool(piece.measured.get("thin")) + bool(piece.measured.get("off_chords"))


def density_error(density: str | None, figure: float, thirds: Sequence[float]) -> float:
    """How far a figure lies outside the third of real music that `density` names, as a ratio; 0 inside.

    Args:
        density: low, mid or high; None is content with any.
        figure: of a new piece.
        thirds: the two that part real music's into thirds.
    """
    if density is None:
        return 0.0
    low, high = [(0.0, thirds[0]), (thirds[0], thirds[1]), (thirds[1], float("inf"))][DENSITIES.index(density)]
    return max(0.0, low - figure, figure - high) / thirds[1]
