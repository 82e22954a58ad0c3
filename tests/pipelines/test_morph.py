from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.pipelines.morph import Morph, Way, hit_f1
from audio_gen.symbolic.encoders.drums import encode
from audio_gen.symbolic.score import Meter, Score, Tempo, Track, notes_of
from tests.pipelines import drum_nets


@pytest.fixture
def morph(tmp_path: Path) -> Morph:
    return Morph.load(drum_nets.vae(tmp_path))


def pattern(pitch: int, every: int, bars: int = 2, bpm: float = 100.0) -> Score:
    rows = [(120 * step + 5, 60, pitch, 40 + step % 64) for step in range(0, 16 * bars, every)]
    return Score((Track(notes_of(rows), is_drum=True),), (Meter(0, 4, 4),), (Tempo(0, bpm),))


def test_the_ends_are_the_files_and_tempo_goes_over(morph: Morph) -> None:
    start, end = pattern(36, 4), pattern(42, 2, bpm=144.0)
    piece = morph.made(start, end, Way(3, "rock"))
    notes = piece.score.tracks[0].notes
    span = 2 * 1920
    assert np.array_equal(notes[notes["onset"] < span], start.tracks[0].notes)
    last = notes[notes["onset"] >= 2 * span].copy()
    last["onset"] -= 2 * span
    assert np.array_equal(last, end.tracks[0].notes)
    assert [(tempo.onset, round(tempo.bpm, 6)) for tempo in piece.score.tempi] == [
        (0, 100.0),
        (span, 120.0),
        (2 * span, 144.0),
    ]
    assert (piece.measured["steps"], piece.measured["bars_a_step"], piece.measured["bars"]) == (3, 2, 6)
    assert all(0 <= one <= 1 for one in piece.measured["ends_hit_f1"])
    assert morph.morph(start, end, steps=3, style="rock") == piece.score


def test_what_is_between_changes_on_the_way(morph: Morph) -> None:
    score = morph.morph(pattern(36, 4), pattern(42, 1), steps=6)
    grid = encode(score.tracks[0].notes, 6 * 32).grid
    steps = [grid[start : start + 32] for start in range(0, 192, 32)]
    assert any(not np.array_equal(one, other) for one, other in pairwise(steps[1:5]))
    assert morph.morph(pattern(36, 4), pattern(42, 1), steps=2).notes == 8 + 32


def test_a_shorter_pattern_comes_round(morph: Morph) -> None:
    score = morph.morph(pattern(36, 4, bars=1), pattern(42, 2, bars=5), steps=2)
    notes = score.tracks[0].notes
    first = notes[notes["onset"] < 6 * 1920]
    assert len(first) == 3 * 4  # a bar is filled up to two, three times
    assert first["onset"].max() < 5 * 1920
    assert len(notes) == len(first) + 40


def test_hit_f1_counts_hits() -> None:
    real, made = np.zeros((1, 4, 9, 3)), np.zeros((1, 4, 9, 3))
    real[0, :3, 0, 0], made[0, 2:, 0, 0] = 1, 1
    assert hit_f1(made, real) == pytest.approx(2 / 5)
    assert hit_f1(0 * made, 0 * real) == 0


@pytest.mark.parametrize(
    ("scores", "way", "message"),
    [
        ((drum_nets.tune(meter=Meter(0, 4, 4)), pattern(36, 4)), {}, "start: this model needs drums"),
        ((pattern(36, 4), drum_nets.tune(meter=Meter(0, 4, 4))), {}, "end: this model needs drums"),
        ((pattern(36, 4), drum_nets.flat(meter=Meter(0, 3, 4))), {}, "end: only 4/4 can be morphed, not 3/4"),
        ((pattern(36, 4), pattern(36, 16, bars=130)), {}, "130 bars are too many to morph; 128 are the most"),
        ((pattern(36, 4), pattern(36, 4)), {"steps": 1}, "2 to 128 steps, not 1"),
        ((pattern(36, 4), pattern(36, 4)), {"style": "polka"}, "it knows: funk, rock"),
    ],
)
def test_what_cannot_be_is_refused(
    morph: Morph, scores: tuple[Score, Score], way: dict[str, object], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        morph.morph(*scores, **way)  # type: ignore[arg-type]
