"""Real pieces gone on with, and real bars filled anew: is all else as it was, and how much of what was there is found?

The bars that were taken out are no only answer, so what is found of them means something beside its controls alone:
the four bars before played again, and the bars themselves with their notes shuffled or drawn evenly.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.pipelines._note_pieces import Controls, mean, ratio
from audio_gen.pipelines._patterns import Pattern
from audio_gen.pipelines._samples import Asked, Progress
from audio_gen.pipelines._tunes import Tune, sounding
from audio_gen.pipelines.evaluate_drums import f1, found_of
from audio_gen.pipelines.maker import Gap, Maker
from audio_gen.pipelines.piece import Wish
from audio_gen.symbolic.encoders.drums import HIT
from audio_gen.symbolic.score import SIXTEENTH, Notes, Score

TRIALS = 12
BARS, BAR = 4, 16  # of a gap; sixteenths
PRIMER, MORE = 8, 2  # bars that are gone on with, and that are new
Steps = npt.NDArray[np.int64]


class Filled(NamedTuple):
    """A real piece, the bars that were made anew (from 1, both in), and what it became."""

    asked: Asked
    first: int
    last: int
    score: Score

    @property
    def steps(self) -> slice:
        """The gap, in sixteenths."""
        return slice((self.first - 1) * BAR, self.last * BAR)


def gaps(
    maker: Maker, real: Sequence[Asked], count: int | None, seed: int, progress: Progress
) -> tuple[list[Filled], dict[str, Any]]:
    """Real pieces with their middle four bars made anew, and shares of pieces whose other notes are all as they were.

    Args:
        maker: of a family that continues, or fills gaps; what it can't do is left out.
        real: pieces in 4/4.
        count: at most so many; None is 12.
        seed: of what is made.
        progress: wraps the passage of pieces.
    """
    wanted = min(TRIALS if count is None else min(TRIALS, count), len(real))
    chosen = [real[number * len(real) // wanted] for number in range(wanted)]
    filled: list[Filled] = []
    kept: dict[str, list[float]] = {"continue": [], "infill": []}
    for one in progress(chosen, "gaps", len(chosen)):
        wish = Wish(style=one.wish.style, bars=MORE, top_p=0.95, seed=seed, index=one.group)
        with suppress(ParameterError):  # not its verb, or not a piece for it
            maker.check_verb("continue")
            primer = _cut(one.score, min(PRIMER, one.bars) * BAR * SIXTEENTH)
            kept["continue"].append(_all_first(primer, maker.continued(primer, wish).score))
        with suppress(ParameterError):
            maker.check_verb("infill")
            gap = _middle(one.bars)
            new = Filled(one, gap.first, gap.last, maker.infilled(one.score, replace(wish, bars=None), gap).score)
            filled.append(new)
            kept["infill"].append(_all_outside(one.score, new.score, new.steps))
    return filled, {f"locked_notes_kept_by_{verb}": mean(shares) for verb, shares in kept.items() if shares}


def cells(
    filled: Sequence[Filled], tune: Callable[[Score, Asked], Tune], controls: Controls[Tune], seed: int
) -> dict[str, dict[str, Any]]:
    """The share of a gap's cells (a voice's sixteenth) that sound as before, and of those at which a voice changed.

    Args:
        filled: pieces with their gaps made anew.
        tune: the voices of a piece, as it was or as it is now.
        controls: each of the whole tune.
        seed: of the controls.
    """
    random = np.random.default_rng(seed)
    found: dict[str, list[Steps]] = {}
    for one in filled:
        true = tune(one.asked.score, one.asked)
        others = {"generated": tune(one.score, one.asked), "bars_before": true._replace(tokens=_again(true, one))}
        others |= {name: make(true, random) for name, make in controls.items()}
        there = sounding(true.tokens)
        moved = (np.diff(there, axis=1, prepend=-1) != 0)[:, one.steps]
        for name, other in others.items():
            same = (sounding(other.tokens) == there)[:, one.steps]
            row = [same.sum(), same.size, same[moved].sum(), moved.sum()]
            found.setdefault(name, []).append(np.array(row))
    return {
        name: {
            "cells": ratio([row[0] for row in rows], [row[1] for row in rows]),
            "changed_cells": ratio([row[2] for row in rows], [row[3] for row in rows]),
        }
        for name, rows in found.items()
    }


def hits(
    filled: Sequence[Filled], pattern: Callable[[Score, Asked], Pattern], controls: Controls[Pattern], seed: int
) -> dict[str, dict[str, float | None]]:
    """F1 of the hits in a gap against those that were there; the arguments are as for `cells`."""
    random = np.random.default_rng(seed)
    found: dict[str, list[tuple[int, int, int]]] = {}
    for one in filled:
        true = pattern(one.asked.score, one.asked)
        before = true.grid.copy()
        before[one.steps] = true.grid[_before(one)]
        others = {"generated": pattern(one.score, one.asked), "bars_before": true._replace(grid=before)}
        others |= {name: make(true, random) for name, make in controls.items()}
        for name, other in others.items():
            told, played = (grid[one.steps, :, HIT] > 0.5 for grid in (other.grid, true.grid))
            found.setdefault(name, []).append(found_of(told, played))
    return {name: f1(counts) for name, counts in found.items()}


def _middle(bars: int) -> Gap:
    first = max(1, (bars - BARS) // 2 + 1)
    return Gap(first, min(first + BARS - 1, bars))


def _cut(score: Score, end: int) -> Score:
    """The notes that end by then."""
    tracks = [one.notes[one.notes["onset"] + one.notes["duration"] <= end] for one in score.tracks]
    return replace(
        score, tracks=tuple(replace(one, notes=notes) for one, notes in zip(score.tracks, tracks, strict=True))
    )


def _all_first(before: Score, after: Score) -> float:
    """1 where each track begins with the notes that it had, bit by bit; else 0."""
    pairs = zip(before.tracks, after.tracks[: len(before.tracks)], strict=True)
    return float(all(np.array_equal(old.notes, new.notes[: len(old.notes)]) for old, new in pairs))


def _all_outside(before: Score, after: Score, gap: slice) -> float:
    """1 where the notes that begin outside of the gap are those that were there, bit by bit; else 0."""
    start, end = gap.start * SIXTEENTH, gap.stop * SIXTEENTH

    def outside(notes: Notes) -> Notes:
        found: Notes = notes[(notes["onset"] < start) | (notes["onset"] >= end)]
        return found

    pairs = zip(before.tracks, after.tracks[: len(before.tracks)], strict=True)
    return float(all(np.array_equal(outside(old.notes), outside(new.notes)) for old, new in pairs))


def _before(one: Filled) -> Steps:
    """For each sixteenth of the gap the one as many bars before it as the gap has; from the start on where none is."""
    places = np.arange(one.steps.start, one.steps.stop)
    back = places - (one.last - one.first + 1) * BAR
    return np.where(back >= 0, back, places % BAR)


def _again(tune: Tune, one: Filled) -> Steps:
    tokens = tune.tokens.copy()
    tokens[:, one.steps] = tune.tokens[:, _before(one)]
    return tokens
