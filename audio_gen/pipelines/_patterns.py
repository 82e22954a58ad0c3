"""Windows of drums, real and made: what the battery measures, and the controls that it is held against."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.metrics.composition import LAGS
from audio_gen.metrics.ngram import NGram
from audio_gen.pipelines._note_pieces import Controls
from audio_gen.symbolic.encoders.drums import DRUMS, HIT, OFFSET, VELOCITY, Grid

BAR, BEAT = 16, 4  # sixteenths
WINDOW = 2  # bars
ORDER = 2  # of the n-gram model over whole steps, of which there are 512
SIXTEENTH_MS = 15_000  # over quarters a minute
_WEIGHTS = 1 << np.arange(len(DRUMS))


class Pattern(NamedTuple):
    """Drums in 4/4: grid `[T, 9, 3]`, quarters a minute, and the number of the real piece it is or was made after.

    `style` is that piece's.
    """

    grid: Grid
    bpm: float
    group: int
    style: str = ""


def windows(pattern: Pattern, most: int | None = None) -> list[Pattern]:
    """Its windows of two bars one after the other that aren't silent; `most` of them, evenly from all."""
    steps = WINDOW * BAR
    parts = [pattern.grid[start : start + steps] for start in range(0, len(pattern.grid) - steps + 1, steps)]
    parts = [part for part in parts if part[..., HIT].any()]
    if most is not None and len(parts) > most:
        parts = [parts[number * len(parts) // most] for number in range(most)]
    return [pattern._replace(grid=part) for part in parts]


def measures(pattern: Pattern) -> dict[str, float]:
    """Statistics of a window that isn't silent."""
    grid = pattern.grid
    step, drum = np.nonzero(grid[..., HIT] > 0.5)
    velocity, late = grid[step, drum, VELOCITY], grid[step, drum, OFFSET] * SIXTEENTH_MS / pattern.bpm
    bars = grid[..., HIT].reshape(-1, BAR * len(DRUMS)) > 0.5
    return {
        "hits_a_beat": len(step) * BEAT / len(grid),
        "drums_used": float(len(np.unique(drum))),
        "off_the_beat": float((step % BEAT != 0).mean()),
        "on_odd_sixteenths": float((step % 2 == 1).mean()),
        "syncopation": syncopation(grid),
        "bars_that_differ": float((bars[1:] != bars[:-1]).sum(1).mean()) if len(bars) > 1 else np.nan,
        "velocity": float(velocity.mean()),
        "velocity_sd": float(velocity.std()),
        "offset_ms": float(late.mean()),
        "offset_sd_ms": float(late.std()),
    }


def alike(pattern: Pattern) -> list[float]:
    """How alike bars are that lie 1, 2, 4, 8 bars apart: mean F1 of their hits; NaN where no two bars have any."""
    bars = pattern.grid[: len(pattern.grid) // BAR * BAR, :, HIT].reshape(-1, BAR * len(DRUMS)) > 0.5
    found = []
    for lag in LAGS:
        both, either = (bars[lag:] & bars[:-lag]).sum(1), bars[lag:].sum(1) + bars[:-lag].sum(1)
        found.append(float((2 * both[either > 0] / either[either > 0]).mean()) if either.any() else np.nan)
    return found


def syncopation(grid: Grid) -> float:
    """The share of kicks and snares off the beat after which the next beat has neither."""
    struck: npt.NDArray[np.bool_] = np.any(grid[:, :2, HIT] > 0.5, axis=1)
    steps = np.flatnonzero(struck)
    if not len(steps):
        return np.nan
    after = -(-steps // BEAT) * BEAT
    missed = np.array([(place < len(struck)) and not struck[place] for place in after])
    return float((missed & (steps % BEAT != 0)).mean())


def features(pattern: Pattern) -> Grid:
    """`[32, 27]`, for a classifier: hits, velocities and offsets."""
    grid = pattern.grid.copy()
    grid[..., OFFSET] *= 4  # as wide as the other two
    return grid.transpose(0, 2, 1).reshape(len(grid), -1).astype(np.float32)


def shuffled(pattern: Pattern, random: np.random.Generator) -> Pattern:
    """The same steps in another order."""
    return pattern._replace(grid=pattern.grid[random.permutation(len(pattern.grid))])


def uniform(pattern: Pattern, random: np.random.Generator) -> Pattern:
    """As many hits, in any cells, with any velocity and offset."""
    share = float(pattern.grid[..., HIT].mean())
    grid = random.random(pattern.grid.shape).astype(np.float32)
    hits = (grid[..., HIT] < share).astype(np.float32)
    return pattern._replace(grid=np.stack([hits, grid[..., 1] * hits, (grid[..., 2] - 0.5) * hits], -1))


def symbols_of(grid: Grid) -> npt.NDArray[np.int64]:
    """`[T]`: for each step one of 512 numbers, by the drums that are hit."""
    found: npt.NDArray[np.int64] = ((grid[..., HIT] > 0.5) * _WEIGHTS).sum(1)
    return found


def step_ngram(grids: Sequence[Grid]) -> NGram:
    """An n-gram model of whole steps in 4/4; the place in the bar is its context."""
    symbols = [symbols_of(grid) for grid in grids]
    places = [np.arange(len(one)) % BAR for one in symbols]
    return NGram.fit(symbols, symbols=1 << len(DRUMS), order=ORDER, contexts=places)


def controls(train: Sequence[Pattern]) -> Controls[Pattern]:
    """What made drums must be better than: own steps shuffled, hits anywhere; n-grams where there is a split train."""
    found: dict[str, Callable[[Pattern, np.random.Generator], Pattern]] = {"shuffled": shuffled, "uniform": uniform}
    if train:
        model, manners = step_ngram([one.grid for one in train]), manners_of(train)
        found["ngram"] = lambda pattern, random: by_ngram(pattern, model, manners, random)
    return found


def manners_of(train: Sequence[Pattern]) -> list[Grid]:
    """`[N, 2]` of each drum: velocity and offset of all its hits."""
    return [
        np.concatenate([one.grid[:, drum][one.grid[:, drum, HIT] > 0.5, 1:] for one in train])
        for drum in range(len(DRUMS))
    ]


def by_ngram(pattern: Pattern, model: NGram, manners: Sequence[Grid], random: np.random.Generator) -> Pattern:
    """A pattern as long, whose hits the n-gram model makes; each has the manner of any hit of its drum."""
    steps = model.sample(len(pattern.grid), random, context=np.arange(len(pattern.grid)) % BAR)
    grid = np.zeros_like(pattern.grid)
    grid[..., HIT] = (steps[:, None] & _WEIGHTS) > 0
    for drum, known in enumerate(manners):
        here = grid[:, drum, HIT] > 0
        if len(known) and here.any():
            grid[here, drum, 1:] = known[random.integers(0, len(known), int(here.sum()))]
    return pattern._replace(grid=grid)
