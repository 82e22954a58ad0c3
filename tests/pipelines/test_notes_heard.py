"""What listeners hear in notes; a synthesizer of sines plays them, so that no SoundFont has to be there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from audio_gen.audio.clip import Clip
from audio_gen.errors import ParameterError
from audio_gen.models.melody import LOWEST, MelodyNet
from audio_gen.pipelines import _notes_heard
from audio_gen.pipelines._notes_heard import NoteEars, Said, other_pieces, total_variation
from audio_gen.pipelines._notes_sound import Played, drum_sets, played_drums, played_tune
from audio_gen.pipelines._patterns import Pattern, controls
from audio_gen.pipelines._tunes import Tune, tune_of
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.evaluate_notes import evaluate_notes
from audio_gen.pipelines.hearing import verdict_of, verdicts_of
from audio_gen.symbolic.encoders import drums
from audio_gen.symbolic.encoders.melody import FIRST, HOLD
from audio_gen.symbolic.score import TICKS, Key, Score, Tempo, Track, notes_of
from tests import notes
from tests.pipelines import drum_nets, note_layouts

RATE = 22050


@pytest.fixture(autouse=True)
def _sines(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(score: Score, *, soundfont: Path, sample_rate: int, seconds: float) -> Clip:
        time = np.arange(round(seconds * sample_rate)) / sample_rate
        sound = np.zeros(len(time))
        for track in score.tracks:
            for onset, duration, pitch, velocity in track.notes.tolist():
                begin, length = (ticks / TICKS * 60 / score.tempi[0].bpm for ticks in (onset, duration))
                inside = (time >= begin) & (time < begin + length)
                sound[inside] += velocity * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time[inside])
        return Clip(torch.from_numpy(sound / 1000).float()[None], sample_rate)

    monkeypatch.setattr(_notes_heard, "render_score", play)


def plain(found: Any, *_: Any) -> Iterator[Any]:
    return iter(found)


def ears(*listeners: Classifier) -> NoteEars:
    return NoteEars(listeners, 0, plain, Path("sines.sf2"))


def melody(random: np.random.Generator, low: int, high: int) -> Played:
    """Two seconds of eight notes."""
    pitches = random.integers(low, high, 8)
    rows = [(240 * step, 200, int(pitch), 90) for step, pitch in enumerate(pitches)]
    return Played(Score((Track(notes_of(rows)),)), 2.0)


def test_a_tune_comes_back_in_its_key() -> None:
    rows = [(0, 480, 62, 90), (480, 240, 66, 90), (1920, 1920, 69, 90)]
    score = Score((Track(notes_of(rows)),), tempi=(Tempo(0, 90.0),))
    played = played_tune(tune_of(score, [0], Key(0, 2, False), 2, 7), Key(0, 2, False), 90.0)
    (voice,) = played.score.tracks
    for name in ("onset", "duration", "pitch"):
        assert voice.notes[name].tolist() == score.tracks[0].notes[name].tolist()
    assert played.score.tempi == (Tempo(0, 90.0),)
    assert played.seconds == pytest.approx(8 * 60 / 90 + 1)


def test_a_long_tune_is_heard_for_sixteen_bars() -> None:
    tokens = np.full((1, 20 * 16), HOLD)
    tokens[0, ::4] = FIRST + 60 - LOWEST
    played = played_tune(Tune(tokens, np.full(20 * 16, 108), 0), Key(0, 0, False), 120.0)
    assert played.score.end == 16 * 4 * TICKS
    assert played.seconds == 16 * 2 + 1


def test_drums_keep_velocities_and_offsets() -> None:
    grid = note_layouts.beat(np.random.default_rng(0), bars=2)
    played = played_drums(Pattern(grid, 80.0, 0))
    assert np.allclose(drums.encode(played.score.tracks[0].notes, 32).grid, grid, atol=0.01)
    assert played.score.tracks[0].is_drum
    assert played.seconds == pytest.approx(8 * 60 / 80 + 1)


def test_sets_of_drums_leave_out_what_is_silent_and_what_came_second() -> None:
    patterns = [Pattern(note_layouts.beat(np.random.default_rng(number), 2), 100.0, number) for number in range(3)]
    silent = patterns[1]._replace(grid=np.zeros_like(patterns[1].grid))
    again = patterns[0]._replace(grid=patterns[2].grid)
    sets = drum_sets(patterns, [patterns[0], silent, patterns[2], again], controls([]), 0)
    assert sets.keys() == {"real", "generated", "shuffled", "uniform"}
    assert sets["generated"].keys() == {0, 2}
    assert sets["generated"][0].score == sets["real"][0].score
    assert all(rows[2].seconds == sets["real"][2].seconds for rows in sets.values())
    assert "ngram" in drum_sets(patterns, patterns, controls(patterns), 0)


def test_models_that_hear_together_say_what_each_says_alone(tiny: Any) -> None:
    models = [Classifier.load(tiny.classifier()), Classifier.load(tiny.emotion())]
    clip = Clip(0.1 * torch.randn(1, 3 * RATE, generator=torch.Generator().manual_seed(0)), RATE)
    for together, model in zip(verdicts_of(models, clip), models, strict=True):
        alone = verdict_of(model, clip)
        assert torch.allclose(together.probs, alone.probs, atol=1e-5)
        assert torch.allclose(together.embedding, alone.embedding, atol=1e-5)
        quiet = verdict_of(model, Clip(clip.samples / 8, RATE))
        assert torch.allclose(alone.embedding, quiet.embedding, atol=1e-4)  # loudness says nothing


def test_what_sounds_otherwise_is_farther_than_real_from_real(tiny: Any) -> None:
    random, pieces = np.random.default_rng(0), range(16)
    spans = {"real": (48, 60), "generated": (48, 60), "uniform": (84, 108), "shuffled": (48, 60)}
    sets = {name: {piece: melody(random, *span) for piece in pieces} for name, span in spans.items()}
    del sets["uniform"][15]
    found: Any = ears(Classifier.load(tiny.classifier()), Classifier.load(tiny.emotion())).heard(sets)
    for listener in ("genre", "emotion"):
        table = found[listener]
        assert table["pieces"] == 15
        assert table["soundfont"] == "sines.sf2"
        floor = table["real_real"]["kad"]
        assert floor["low"] < 0 < floor["high"]
        assert table["uniform"]["kad"]["low"] > floor["high"] > table["generated"]["kad"]["value"]
        assert table["uniform"]["p"] == 0.001
        assert table["not_told_from_real"] == "generated, shuffled"
        assert sum(found[f"labels_{listener}"]["real"].values()) == pytest.approx(1)
    figures = {"kad", "p", "same_label", "total_variation"}
    assert found["genre"]["generated"].keys() == figures
    assert found["emotion"]["generated"].keys() == figures | {"valence_difference", "arousal_difference"}
    assert found["emotion"]["real_real"].keys() == found["emotion"]["generated"].keys() - {"p"}
    assert ears(Classifier.load(tiny.classifier())).heard({**sets, "uniform": {}}) == (
        "none: 0 pieces have notes in all sets, and it takes 4"
    )


def test_the_same_music_gets_the_same_label_and_no_difference(tiny: Any) -> None:
    random = np.random.default_rng(0)
    real = {piece: melody(random, 48, 84) for piece in range(6)}
    found: Any = ears(Classifier.load(tiny.emotion())).heard({"real": real, "generated": real})
    row = found["emotion"]["generated"]
    assert row["same_label"] == {"value": 1, "low": 1, "high": 1}
    assert row["valence_difference"] == row["arousal_difference"] == {"value": 0, "low": 0, "high": 0}
    # as sets they are one, and pairs of a piece with itself don't count: as far as real from real, which is 0
    assert row["kad"]["value"] == pytest.approx(0, abs=1e-9)
    assert row["p"] == 1
    assert row["total_variation"] == found["emotion"]["real_real"]["total_variation"]


def test_figures_by_hand() -> None:
    assert other_pieces(np.array([0, 0, 0, 1])) == pytest.approx(6 / 12)
    assert total_variation(np.array([[0.5, 0.5], [0.7, 0.3]]), np.array([[0.2, 0.8]])) == pytest.approx(0.4)
    assert Said(np.array([[0.2, 0.8], [0.9, 0.1]]), np.zeros((2, 0)), np.zeros((2, 3))).labels.tolist() == [1, 0]


def test_listeners_that_do_not_fit_are_refused_at_once(tiny: Any) -> None:
    one = Classifier.load(tiny.classifier())
    with pytest.raises(ParameterError, match="two models of one name"):
        ears(one, one)


@pytest.mark.parametrize("dataset", ["openewld", "groove"])
def test_the_whole_evaluation(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str) -> None:
    note_layouts.quick(monkeypatch)
    if dataset == "groove":
        model = drum_nets.rnn(tmp_path)
        note_layouts.groove(tmp_path, ["test"], 4, fill=False)
    else:
        config = {"styles": 1, "width": 8}
        model = notes.saved(tmp_path, "tunes", "melody", note_layouts.seeded(MelodyNet, config), config, ("Jazz",))
        note_layouts.openewld(tmp_path, ["test"], 4, bars=8)
    (tmp_path / "none.sf2").write_bytes(b"RIFF0000sfbk")
    monkeypatch.setenv("AUDIO_GEN_SOUNDFONT", str(tmp_path / "none.sf2"))
    listeners = [Classifier.load(tiny.classifier())]
    found = evaluate_notes(str(model), dataset, tmp_path, "test", listeners=listeners)["details"]["rendered"]
    assert found.keys() == {"genre", "labels_genre"}
    assert found["genre"].keys() >= {"real_real", "generated", "shuffled", "uniform"}
    assert (found["genre"]["pieces"], found["genre"]["soundfont"]) == (4, "none.sf2")
    with pytest.raises(ParameterError, match="there are no new pieces"):
        evaluate_notes(str(model), dataset, tmp_path, "test", count=0, listeners=listeners)
