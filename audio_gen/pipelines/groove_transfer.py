"""groove_transfer: the hits of one file with the feel of another, or of a style."""

import copy

import numpy as np
import torch

from audio_gen.pipelines._feel import Cells, Numbers, cells_of, offsets_of
from audio_gen.pipelines.generate import clip_generator
from audio_gen.pipelines.humaniser import Answer, Humaniser, Touch, moved
from audio_gen.pipelines.leaning import leaning
from audio_gen.symbolic.encoders.drums import bar_positions
from audio_gen.symbolic.files import drum_track
from audio_gen.symbolic.score import Score

BEAT = 4  # sixteenths
TIDY = 0.0, 0.0
# at 3 velocities and offsets are still likelier than those of a real piece of the style, put on hit for hit, and nearer
# to the style; at 9 they no longer are likelier (scripts/bench transfer)
GUIDANCE = 3.0


def styled(
    humaniser: Humaniser, score: Score, touch: Touch, *, track: int | None = None, guidance: float = GUIDANCE
) -> Score:
    """The hits of `score` with the feel of the touch's style, which is made more of than the network learnt.

    Args:
        humaniser: knows the style.
        score: with drums.
        touch: how far, what, and in which style.
        track: of `score`, counted from 1.
        guidance: how many times as far as learnt the style leads away from any style (`leaning`).

    Raises:
        ParameterError: no drums, or an unknown style.
    """
    found = copy.copy(humaniser)
    found.net = leaning(humaniser.net, humaniser.check(touch), guidance)
    return found.touched(score, touch, track)


def like(humaniser: Humaniser, score: Score, model: Score, touch: Touch, *, track: int | None = None) -> Score:
    """The hits of `score` with the feel of `model`: each as loud and as late as one of its hits.

    That is the one of the same drum at the same sixteenth of the piece, else one drawn from those at its place in the
    bar, else in the beat, else from the drum's, else from all. A mean of them would be too tidy. One of another drum
    lends only what it has over what the network expects of it, beside what it expects of the hit. (With that alone for
    all hits a judge of the feel believed less in the other piece's style, .21 for .28, and `drums-rnn` found velocities
    and offsets unlikelier, 6.97 nats for 6.74: 33 pieces.)

    Args:
        humaniser: tells what is to be expected.
        score: with drums.
        model: with drums.
        touch: how far, and what; `keep_accents` has no say, and a style only where `model` lacks a drum.
        track: of `score`, counted from 1.

    Raises:
        ParameterError: either has no drums.
    """
    number, other = drum_track(score, track), drum_track(model)
    cells, theirs = cells_of(score.tracks[number].notes), cells_of(model.tracks[other].notes)
    kind = humaniser.check(touch)
    expected = humaniser.answer(score, cells, kind, drawn=TIDY)
    usual = humaniser.answer(model, theirs, kind, drawn=TIDY)
    notes = model.tracks[other].notes
    picked = partners(score, cells, model, theirs, touch.seed)
    own = np.stack([notes["velocity"][theirs.note], offsets_of(notes, theirs)])[:, picked]
    felt = np.where(theirs.drum[picked] == cells.drum, own, expected + (own - np.stack(usual)[:, picked]))
    return moved(score, number, cells, Answer(*felt), touch)


def partners(score: Score, cells: Cells, model: Score, theirs: Cells, seed: int) -> Numbers:
    """For each note of the one the number of a note of the other."""
    heads = np.flatnonzero(theirs.head == np.arange(len(theirs.head)))
    pools: dict[tuple[int, ...], list[int]] = {}
    for note, keys in zip(heads, _keys(model, theirs, heads), strict=True):
        for key in keys:
            pools.setdefault(key, []).append(int(note))
    luck = torch.rand(len(cells.note), generator=clip_generator(seed, 0)).tolist()
    picked = []
    for keys, one in zip(_keys(score, cells, np.arange(len(cells.note))), luck, strict=True):
        pool = next(pools[key] for key in keys if key in pools)
        picked.append(pool[int(one * len(pool))])
    return np.array(picked, np.int64)


def _keys(score: Score, cells: Cells, chosen: Numbers) -> list[list[tuple[int, ...]]]:
    """Of each note what it can be paired by, the most telling first; any is paired by the last."""
    steps, drums = cells.step[chosen], cells.drum[chosen].tolist()
    places = bar_positions(score, cells.steps)[steps].tolist()
    return [
        [(0, drum, step), (1, drum, place), (2, drum, place % BEAT), (3, drum), (4,)]
        for drum, step, place in zip(drums, steps.tolist(), places, strict=True)
    ]
