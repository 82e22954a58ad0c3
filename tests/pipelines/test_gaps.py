"""Real pieces gone on with and filled, by makers that do as they are told, and by some that don't."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.pipelines._gaps import Filled, cells, gaps, hits
from audio_gen.pipelines._patterns import Pattern
from audio_gen.pipelines._samples import Asked
from audio_gen.pipelines._tunes import controls, tune_of
from audio_gen.pipelines.maker import Gap, Maker
from audio_gen.pipelines.piece import Piece, Wish
from audio_gen.symbolic.score import Key, Score, Track, notes_of
from tests.pipelines import note_layouts

BARS = 12


def scale(pitch: int = 60) -> Score:
    return Score(
        (Track(notes_of([(480 * n, 480, pitch + n % 7, 80) for n in range(4 * BARS)])),), keys=(Key(0, 0, False),)
    )


def asked(score: Score) -> Asked:
    return Asked(3, score, BARS, Wish())


class Player(Maker):
    """Plays one pitch in gaps; a careless one moves the note after the gap, too."""

    def __init__(self, careless: int = 0) -> None:
        self.careless = careless

    def make(self, wish: Wish) -> Piece:
        raise AssertionError

    def continued(self, score: Score, wish: Wish, track: int | None = None) -> Piece:
        new = [(score.end + 480 * n, 480, 72, 80) for n in range(4 * (wish.bars or 0))]
        return self._piece(score, np.concatenate([score.tracks[0].notes[self.careless :], notes_of(new)]))

    def infilled(self, score: Score, wish: Wish, gap: Gap) -> Piece:
        notes = score.tracks[0].notes.copy()
        inside = (notes["onset"] >= (gap.first - 1) * 1920) & (notes["onset"] < gap.last * 1920)
        notes["pitch"][inside] = 62
        notes["velocity"][-1] += self.careless
        return self._piece(score, notes)

    @staticmethod
    def _piece(score: Score, notes: np.ndarray) -> Piece:
        return Piece(score.with_track(0, replace(score.tracks[0], notes=notes)), {}, {})


class Mute(Player):
    """Can't go on."""

    def continued(self, score: Score, wish: Wish, track: int | None = None) -> Piece:
        raise ParameterError("it can't")


def all_of(maker: Maker, count: int = 2) -> tuple[list[Filled], dict[str, Any]]:
    return gaps(maker, [asked(scale()), asked(scale(62)), asked(scale(64))], count, 0, lambda pieces, _, __: pieces)


def test_locked_notes_are_told_as_kept_only_where_all_are() -> None:
    filled, kept = all_of(Player())
    assert len(filled) == 2
    assert {name: one["value"] for name, one in kept.items()} == {
        "locked_notes_kept_by_continue": 1,
        "locked_notes_kept_by_infill": 1,
    }
    _, kept = all_of(Player(careless=1))
    assert {one["value"] for one in kept.values()} == {0}
    assert all_of(Mute())[1].keys() == {"locked_notes_kept_by_infill"}
    assert all_of(Player(), 9)[0][0].steps == slice(4 * 16, 8 * 16)  # the middle four of twelve bars


def test_cells_of_a_gap_by_hand() -> None:
    filled, _ = all_of(Player(), 1)
    found = cells(
        filled,
        lambda score, one: tune_of(score, [0], Key(0, 0, False), one.bars, one.group),
        controls([]),
        seed=0,
    )
    assert found.keys() == {"generated", "bars_before", "shuffled", "uniform"}
    there = np.array([n % 7 for n in range(16, 32)])
    assert found["generated"]["cells"]["value"] == (there == 2).mean()
    assert found["generated"]["changed_cells"]["value"] == (there == 2).mean()  # each quarter changes
    before = np.array([n % 7 for n in range(16)])
    assert found["bars_before"]["cells"]["value"] == (there == before).mean()


def test_hits_of_a_gap() -> None:
    grid = note_layouts.beat(np.random.default_rng(0), BARS)
    filled, _ = all_of(Player(), 1)
    found = hits(
        filled,
        lambda _, one: Pattern(grid, 100.0, one.group),
        {"none": lambda one, _: one._replace(grid=0 * grid)},
        seed=0,
    )
    assert found["generated"]["value"] == found["bars_before"]["value"] == 1  # the beat is one bar again and again
    assert found["none"]["value"] == pytest.approx(0)
