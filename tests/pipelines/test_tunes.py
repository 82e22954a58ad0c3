"""Windows of tunes and drums, and their controls."""

from pathlib import Path

import numpy as np
import pytest

from audio_gen.models.melody import TOKENS
from audio_gen.pipelines import _patterns, _tunes
from audio_gen.pipelines._distances import distances
from audio_gen.pipelines._obedience import estimated
from audio_gen.pipelines._patterns import Pattern
from audio_gen.pipelines._samples import chord_text
from audio_gen.pipelines._tunes import Tune
from audio_gen.pipelines.piece import Wish
from audio_gen.symbolic.encoders.melody import FIRST, HOLD, REST, chord_steps
from audio_gen.symbolic.score import Chord, Key, Meter, Score, Track, notes_of
from tests.pipelines import note_layouts

NO_CHORDS = np.full(256, 108)


def random() -> np.random.Generator:
    return np.random.default_rng(0)


def tune(bars: int = 16) -> Tune:
    """Three-step notes, so that they cross the windows' edges."""
    tokens = np.full((1, 16 * bars), HOLD)
    tokens[0, ::3] = FIRST + 40 + np.arange(len(tokens[0, ::3])) % 7
    return Tune(tokens, NO_CHORDS[: 16 * bars], 5)


def test_a_score_is_seen_from_its_tonic() -> None:
    notes = notes_of([(0, 480, 62, 90), (480, 240, 66, 90), (1920, 1920, 69, 90)])
    score = Score((Track(notes),), chords=(Chord(0, 2, "maj", 2),))
    assert _tunes.bars_of(score) == 2
    made = _tunes.tune_of(score, [0], Key(0, 2, False), 2, 7)
    sung = _tunes.sung(made.tokens[0])
    assert sung.pitches.tolist() == [60, 64, 67]
    assert sung.onsets.tolist() == [0, 4, 16]
    assert sung.durations.tolist() == [4, 2, 16]
    assert (made.chords == 0).all()
    assert _tunes.measures(made)["chord_tones_by_note"] == 1
    assert _tunes.measures(made)["leaps"] == 0
    assert made.group == 7


def test_windows_begin_with_no_note_from_before() -> None:
    first, second = _tunes.windows(tune())
    assert first.tokens.shape == second.tokens.shape == (1, 128)
    assert second.tokens[0, :2].tolist() == [REST, FIRST + 40 + 43 % 7]
    assert second.group == 5
    assert _tunes.windows(tune(7)) == []
    empty = tune()._replace(tokens=np.full((1, 256), HOLD))
    assert _tunes.windows(empty) == []


def test_an_upbeat_is_left_out() -> None:
    rows = notes_of([(240, 240, 67, 90), (480, 480, 60, 90), (2400, 960, 62, 90)])
    score = Score(
        (Track(rows),),
        (Meter(0, 1, 4), Meter(480, 4, 4)),
        keys=(Key(0, 2, False),),
        chords=(Chord(0, 2, "maj", 2), Chord(960, 7, "maj", 7)),
    )
    found = _tunes.without_upbeat(score)
    assert found.tracks[0].notes.tolist() == [(0, 480, 60, 90), (1920, 960, 62, 90)]
    assert found.meters == (Meter(0, 4, 4),)
    assert found.chords == (Chord(0, 2, "maj", 2), Chord(480, 7, "maj", 7))
    assert (found.keys, found.tempi) == (score.keys, score.tempi)
    assert _tunes.without_upbeat(found) is found
    twice = Score(score.tracks, (Meter(0, 1, 4), Meter(960, 4, 4)))  # two short bars are no upbeat
    assert _tunes.without_upbeat(twice) is twice


def test_counts_of_what_follows_what() -> None:
    tokens = np.full((1, 32), HOLD)
    tokens[0, [0, 4, 8, 16]] = FIRST + np.array([12, 19, 12, 40])  # C, G, C, E two octaves above
    found = _tunes.counts(Tune(tokens, NO_CHORDS[:32], 0))
    assert found["pitch_classes"].tolist() == [2, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]
    steps = found["pitch_class_transitions"]
    assert (steps.sum(), steps[0, 7], steps[7, 0], steps[0, 4]) == (3, 1, 1, 1)
    assert found["interval_transitions"].shape == (25, 25)
    assert (found["interval_transitions"][19, 5], found["interval_transitions"][5, 24]) == (1, 1)  # 28 semitones are 12
    assert (found["duration_transitions"][3, 3], found["duration_transitions"][7, 15]) == (1, 1)


def test_controls_keep_what_they_should() -> None:
    real = tune()
    shuffled, uniform = _tunes.shuffled(real, random()), _tunes.uniform(real, random())
    assert sorted(shuffled.tokens[0]) == sorted(real.tokens[0])
    for control in (shuffled, uniform):
        assert ((control.tokens >= FIRST) == (real.tokens >= FIRST)).all()
        assert (control.tokens != real.tokens).any()
    assert np.ptp(uniform.tokens[0][uniform.tokens[0] >= FIRST]) > 7
    learnt = _tunes.controls([real] * 3)["ngram"](real, random())
    assert learnt.tokens.shape == real.tokens.shape
    assert (learnt.tokens[0] == HOLD).mean() == pytest.approx(2 / 3, abs=0.15)


def test_a_classifier_hears_what_sounds_and_what_begins() -> None:
    (window, _) = _tunes.windows(tune())
    found = _tunes.features(window)
    assert found.shape == (128, TOKENS + 1 + 12)
    assert (found[:, :TOKENS].sum(1) == 1).all()
    assert found[:, TOKENS].sum() == (window.tokens >= FIRST).sum()
    assert found[1, FIRST + 40] == found[2, FIRST + 40] == 1
    assert found[:, TOKENS + 1 :].sum() == 0  # there are no chords


def test_chords_come_back_from_their_text_at_each_beat() -> None:
    told = (Chord(0, 0, "maj7", 0), Chord(960, 9, "m7b5", 9), Chord(1920, 7, "7", 7), Chord(2400, 0, "", 0))
    score = Score((Track(notes_of([(0, 3840, 60, 90)])),), chords=told)
    text = chord_text(score, 2)
    assert text == "Cmaj7 Cmaj7 Am7b5 Am7b5 | G7 N.C. N.C. N.C."
    placed = Wish(chords=text, bars=2).placed(2, 1920)
    assert (chord_steps(placed, 32) == chord_steps(told, 32)).all()
    assert chord_text(Score(score.tracks), 2) is None
    assert estimated(score, 2) is not None
    assert estimated(Score(()), 2) is None


def test_windows_of_drums_and_their_controls(tmp_path: Path) -> None:
    grid = note_layouts.beat(random())
    pattern = Pattern(grid, 120.0, 3)
    cut = _patterns.windows(pattern)
    assert [one.grid.shape for one in cut] == [(32, 9, 3)] * 4
    assert len(_patterns.windows(pattern, 2)) == 2
    assert _patterns.features(cut[0]).shape == (32, 27)
    silent = pattern._replace(grid=np.zeros_like(grid))
    assert _patterns.windows(silent) == []
    shuffled, uniform = _patterns.shuffled(cut[0], random()), _patterns.uniform(cut[0], random())
    assert shuffled.grid.sum() == pytest.approx(cut[0].grid.sum())
    assert uniform.grid[..., 0].mean() == pytest.approx(cut[0].grid[..., 0].mean(), abs=0.1)
    assert (uniform.grid[uniform.grid[..., 0] == 0] == 0).all()
    learnt = _patterns.controls([pattern])["ngram"](pattern, random())
    assert learnt.grid[..., 0].sum() == pytest.approx(grid[..., 0].sum(), rel=0.6)
    assert {*np.unique(learnt.grid[..., 1]).round(4)} <= {*np.unique(grid[..., 1]).round(4)}


def test_drums_are_measured() -> None:
    grid = np.zeros((32, 9, 3), np.float32)
    grid[::4, 0] = (1, 0.8, 0.0)
    grid[2, 1] = (1, 0.4, 0.25)
    found = _patterns.measures(Pattern(grid, 150.0, 0))
    assert found["hits_a_beat"] == pytest.approx(9 / 8)
    assert found["off_the_beat"] == pytest.approx(1 / 9)
    assert found["on_odd_sixteenths"] == 0
    assert found["offset_ms"] == pytest.approx(25 / 9)
    assert found["velocity"] == pytest.approx((8 * 0.8 + 0.4) / 9)
    assert found["bars_that_differ"] == 1
    assert found["syncopation"] == 0  # a beat follows
    grid[4, 0] = 0
    assert _patterns.syncopation(grid) == pytest.approx(1 / 8)


def test_distances_are_told_beside_controls() -> None:
    def rows(shift: float) -> list[tuple[int, dict[str, float]]]:
        return [(n, {"a": value + shift, "b": np.nan}) for n, value in enumerate(random().normal(size=40))]

    found = distances(rows(0), {"generated": rows(0.0), "far": rows(3.0)})
    assert found.keys() == {"a"}
    row = found["a"]
    assert 0.5 < row["generated"]["value"] < 1.5
    assert row["generated"]["low"] <= row["generated"]["value"] <= row["generated"]["high"]
    assert row["far"]["value"] > 4
    assert row["real_real"]["value"] == 1
    assert row["real_w1"] > 0
