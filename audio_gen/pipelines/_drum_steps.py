"""Hits drawn from the drum network, one sixteenth after the other, several takes side by side."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.models.drum_pieces import DRUM_COUNT, Conditions
from audio_gen.models.drum_rnn import BINS, DrumRnnNet
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.symbolic.encoders.drums import bar_positions
from audio_gen.symbolic.score import SIXTEENTH, Score

SHORTEST_BAR = 4  # sixteenths; a shorter one is told as several of its kind: lookback looks ahead in the bar before
LOOKS_BACK = 4  # bars
# Whole files are fills in training. A bar told so as strongly has 1.8 hits of toms, told thrice 4.3, as real fills have
FILL = 3.0
DICE = 5  # numbers in [0, 1) a cell: hit; bin of velocity, place in it; bin of offset, place in it


class Plan(NamedTuple):
    """What is told of each of T sixteenths, all `[T]`, and the style's number."""

    style: int
    position: npt.NDArray[np.int64]
    bar: npt.NDArray[np.int64]  # sixteenths of the bar that it lies in
    bpm: npt.NDArray[np.float64]
    fill: npt.NDArray[np.float64]  # how strongly a fill is told


class Taste(NamedTuple):
    """How hits are drawn.

    Args:
        temperature: logits are divided by it.
        top_p: what is less likely than all that makes up this share of the probability is never drawn.
        lean: added to the logits of hits: above 0 there are more.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    lean: float = 0.0


def plan_of(score: Score, steps: int, style: int, *, fill_every: int = 0) -> Plan:
    """Metre and tempo of a score, step by step; of every `fill_every` bars the last is a fill (0: none is)."""
    place = np.arange(steps) * SIXTEENTH
    position = bar_positions(score, steps)
    meters = np.searchsorted([meter.onset for meter in score.meters], place, side="right") - 1
    bars = np.array([max(1, meter.bar // SIXTEENTH) for meter in score.meters])[meters]
    tempi = np.searchsorted([tempo.onset for tempo in score.tempi], place, side="right") - 1
    number, before = np.zeros(steps, np.int64), 0  # of the bar, from 1
    for which, meter in enumerate(score.meters):
        here = meters == which
        number[here] = before + 1 + (place[here] - meter.onset) // meter.bar
        before = int(number.max(initial=0))
    fill = (number % fill_every == 0).astype(np.float64) if fill_every else np.zeros(steps)
    fill *= 1.0 if fill.all() else FILL
    return Plan(style, position, bars, np.array([tempo.bpm for tempo in score.tempi])[tempi], fill)


def dice(generators: Sequence[torch.Generator], steps: int) -> torch.Tensor:
    """`[B, steps, 9, 5]`: the luck of each take, from its own generator."""
    return torch.stack([torch.rand(steps, DRUM_COUNT, DICE, generator=each) for each in generators])


@torch.no_grad()
def played(
    net: DrumRnnNet, plan: Plan, luck: torch.Tensor, taste: Taste, *, before: torch.Tensor | None = None, must: int = -1
) -> torch.Tensor:
    """Grids `[B, T, 9, 3]`, one for each row of `luck [B, T, 9, 5]`.

    Args:
        net: what is asked; on the CPU or elsewhere.
        plan: T steps.
        luck: from `dice`.
        taste: how to draw.
        before: `[K, 9, 3]`, what was played in the first K steps; it stays.
        must: a step with at least one hit: where none is drawn, the likeliest; -1 is none.
    """
    device = next(net.parameters()).device
    takes, steps = luck.shape[:2]
    grid, luck = torch.zeros(takes, steps, DRUM_COUNT, 3, device=device), luck.to(device)
    known = 0 if before is None else min(len(before), steps)
    if before is not None:
        grid[:, :known] = before[:known].to(device)
    state = None
    for step in range(steps):
        stop_here_if_asked()
        hidden, state = net.hidden(_features(net, plan, grid, step), state)
        if step >= known:
            grid[:, step] = _drawn(net, hidden[:, 0], luck[:, step], taste, forced=step == must)
    return grid


def _features(net: DrumRnnNet, plan: Plan, grid: torch.Tensor, step: int) -> torch.Tensor:
    """What the network is told before a step, `[B, 1, F]`: of the past only as much as it looks back to."""
    takes, device = len(grid), grid.device
    bar = int(plan.bar[step])
    bar *= -(-SHORTEST_BAR // bar)
    first = max(0, step - LOOKS_BACK * bar)
    conditions = Conditions(
        torch.full((takes,), plan.style, device=device),
        torch.full((takes,), float(plan.bpm[step]), device=device),
        torch.full((takes,), float(plan.fill[step]), device=device),
    )
    position = torch.from_numpy(plan.position[first : step + 1]).to(device).expand(takes, -1)
    told = net.features(grid[:, first : step + 1], torch.full((takes,), bar, device=device), position, conditions)
    return told[:, -1:]


def _drawn(net: DrumRnnNet, hidden: torch.Tensor, luck: torch.Tensor, taste: Taste, *, forced: bool) -> torch.Tensor:
    """One step `[B, 9, 3]` from what the LSTM made of all before, `[B, width]`."""
    sure = max(taste.top_p, 0.5)

    def strike(drum: int, logits: torch.Tensor) -> torch.Tensor:
        chance = torch.sigmoid((logits + taste.lean) / taste.temperature)
        chance = chance.masked_fill(chance <= 1 - sure, 0.0).masked_fill(chance > sure, 1.0)
        return (luck[:, drum, 0] < chance).float()

    hits = net.in_turn(hidden, strike)
    if forced:
        likeliest = net.hits(hidden, hits).argmax(1)
        rows = torch.arange(len(hits), device=hits.device)
        hits[rows, likeliest] = torch.maximum(hits[rows, likeliest], (hits.sum(1) == 0).float())
    velocity, offset = net.manner(hidden, hits)
    loud = in_bins(velocity, luck[..., 1], luck[..., 2], 0.0, taste)
    late = in_bins(offset, luck[..., 3], luck[..., 4], -0.5, taste)
    return torch.stack([hits, loud * hits, late * hits], -1)


def in_bins(logits: torch.Tensor, luck: torch.Tensor, within: torch.Tensor, low: float, taste: Taste) -> torch.Tensor:
    """Values in (low, low + 1] drawn from histograms `[..., 32]`: a bin by `luck [...]`, evenly `within [...]` it."""
    chances = torch.softmax(logits / taste.temperature, -1)
    if taste.top_p < 1:
        ranked, order = chances.sort(-1, descending=True)
        kept = ranked.cumsum(-1) - ranked < taste.top_p
        chances = torch.zeros_like(chances).scatter(-1, order, ranked * kept)
    edges = chances.cumsum(-1)
    drawn = (edges <= luck[..., None] * edges[..., -1:]).sum(-1).clamp_max(BINS - 1)
    return low + (drawn + 1 - within) / BINS
