from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.performer import ARTICULATION, TEMPO, TIMING, PerformerNet
from audio_gen.pipelines.humaniser import Humaniser, Touch
from audio_gen.pipelines.performer import Performer, toucher
from audio_gen.symbolic.files import read_notes, write_notes
from audio_gen.symbolic.score import Notes, Score, Tempo, Track, notes_of
from tests import notes
from tests.pipelines import drum_nets

RIGHT = Track(notes_of([(240 * step, 240, 72 + step % 3, 64) for step in range(32)]), "right")
LEFT = Track(notes_of([(960 * step, 960, 48 + 7 * (step % 2), 64) for step in range(8)]), "left")
DRUMS = Track(notes_of([(480 * step, 60, 36, 100) for step in range(16)]), is_drum=True)
SCORE = Score((RIGHT, LEFT, DRUMS), tempi=(Tempo(0, 90.0), Tempo(3840, 100.0)))


def taught(folder: Path, *, scores: bool = True) -> Path:
    """A network with random weights and real moments, which knows something of everything."""
    torch.manual_seed(0)
    net = PerformerNet(16, scores=scores)
    net.answer.weight.data *= 6
    net.mean[:] = torch.tensor([0.5, 0.0, -0.3, 0.0])
    net.scale[:] = torch.tensor([0.12, 0.05, 0.5, 0.15])
    net.spread[:] = 0.7
    path = folder / "piano.safetensors"
    config = {"width": 16, "scores": scores}
    Checkpoint(
        name="piano",
        family="performer",
        config=config,
        spec=MelSpec(),
        front_end={"name": "notes"},
        labels=(),
        training={},
        metrics={},
        licence="CC0-1.0, made by a test",
        state=net.state_dict(),
    ).save(path)
    return path


@pytest.fixture
def performer(tmp_path: Path) -> Performer:
    return Performer.load(taught(tmp_path))


def lines(score: Score) -> list[Notes]:
    """Notes of the pitched tracks by pitch and onset: there each is still where it was."""
    return [one.notes[np.lexsort((one.notes["onset"], one.notes["pitch"]))] for one in score.tracks[:2]]


def test_all_pitched_notes_are_played_and_all_else_stays(performer: Performer) -> None:
    made = performer.perform(SCORE)
    assert performer.knows == ("velocity", "timing", "articulation", "tempo")
    assert made.tracks[2] == DRUMS
    assert [(track.name, len(track.notes)) for track in made.tracks[:2]] == [("right", 32), ("left", 8)]
    for old, new in zip(lines(SCORE), lines(made), strict=True):
        assert np.array_equal(old["pitch"], new["pitch"])
        assert all((old[name] != new[name]).mean() > 0.5 for name in ("onset", "duration", "velocity"))
        assert np.abs(new["onset"] - old["onset"]).max() <= 0.45 * 240
    assert len(made.tempi) > 20
    assert made.tempi[0].onset == 0
    assert all(45 <= tempo.bpm <= 200 for tempo in made.tempi)


def test_what_is_played_is_what_the_network_says(performer: Performer) -> None:
    performer.net.spread.zero_()
    torch.nn.init.zeros_(performer.net.answer.weight)
    performer.net.answer.bias.copy_(torch.tensor([1.0, 0.5, 1.0, 1.0]))
    performer.net.mean.zero_()
    performer.net.scale.copy_(torch.tensor([100 / 127, 0.1, 1.0, 0.5]))
    made = performer.perform(SCORE)
    for old, new in zip(lines(SCORE), lines(made), strict=True):
        assert set(new["velocity"]) == {100}
        late = (new["onset"] - old["onset"])[old["onset"] > 0]
        assert set(late) == {24}  # 0.05 quarters
    assert [tempo.onset for tempo in made.tempi] == [0, 3840]
    assert [tempo.bpm for tempo in made.tempi] == pytest.approx([90 / 2**0.5, 100 / 2**0.5], abs=1e-3)
    basses = made.tracks[1].notes["duration"]
    assert set(basses) == {1920}  # twice as long
    half = performer.perform(SCORE, strength=0.5)
    assert set(half.tracks[1].notes["velocity"]) == {82}
    assert set(half.tracks[1].notes["duration"]) == {round(960 * 2**0.5)}


def test_no_strength_changes_nothing_and_a_seed_tells_all(performer: Performer) -> None:
    assert performer.perform(SCORE, strength=0.0) == SCORE
    assert performer.perform(SCORE, seed=3) == performer.perform(SCORE, seed=3)
    assert performer.perform(SCORE, seed=3) != performer.perform(SCORE, seed=4)


def test_velocity_and_timing_apart(performer: Performer) -> None:
    loud = performer.touched(SCORE, Touch(timing=False))
    assert loud.tempi == SCORE.tempi
    assert all(np.array_equal(a["onset"], b["onset"]) for a, b in zip(lines(loud), lines(SCORE), strict=True))
    assert (loud.tracks[0].notes["velocity"] != 64).any()
    timed = performer.touched(SCORE, Touch(velocity=False))
    assert set(timed.tracks[0].notes["velocity"]) == {64}
    assert timed.tempi != SCORE.tempi


def test_one_track_changes_and_the_tempo_stays(performer: Performer) -> None:
    made = performer.touched(SCORE, Touch(), 2)
    assert made.tracks[0] == RIGHT
    assert made.tracks[1] != LEFT
    assert made.tempi == SCORE.tempi
    with pytest.raises(ParameterError, match="track 3 has no pitched notes; they are in 1, 2"):
        performer.touched(SCORE, Touch(), 3)


def test_who_has_seen_no_scores_changes_velocity_alone(tmp_path: Path) -> None:
    performer = Performer.load(taught(tmp_path, scores=False))
    assert performer.knows == ("velocity",)
    made = performer.perform(SCORE)
    assert made.tempi == SCORE.tempi
    for old, new in zip(lines(SCORE), lines(made), strict=True):
        assert np.array_equal(old[["onset", "duration", "pitch"]], new[["onset", "duration", "pitch"]])
        assert (old["velocity"] != new["velocity"]).any()


def test_notes_close_together_keep_their_number_and_order(performer: Performer) -> None:
    performer.net.scale[TIMING] = 5.0
    performer.net.scale[ARTICULATION] = 5.0
    trill = [(onset, 1, 60, 64) for onset in (0, 1, 2, 4, 7, 8, 20, 21, 480)]
    made = performer.perform(Score((Track(notes_of(trill)),)))
    assert len(made.tracks[0].notes) == len(trill)
    assert (made.tracks[0].notes["onset"] >= 0).all()


def test_a_performance_can_be_written_and_read(performer: Performer, tmp_path: Path) -> None:
    performer.net.scale[TEMPO] = 100.0  # far beyond what MIDI holds, if nobody held it
    made = performer.perform(replace(SCORE, tempi=(Tempo(0, 6.0),)))
    write_notes(tmp_path / "played.mid", made)
    again = read_notes(tmp_path / "played.mid")
    assert again.notes == made.notes
    assert min(tempo.bpm for tempo in again.tempi) == 4.0


def test_what_it_refuses(performer: Performer, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no pitched notes"):
        performer.perform(Score((DRUMS,)))
    with pytest.raises(ParameterError, match="strength must lie between 0 and 1, not 2"):
        performer.perform(SCORE, strength=2)
    with pytest.raises(ParameterError, match="knows no styles, such as 'funk'"):
        performer.check(Touch(style="funk"))
    with pytest.raises(CheckpointError):
        Performer.load(notes.melody(tmp_path))


def test_a_checkpoint_says_who_plays(tmp_path: Path) -> None:
    assert isinstance(toucher(taught(tmp_path)), Performer)
    assert isinstance(toucher(drum_nets.feeling(tmp_path)), Humaniser)
    with pytest.raises(CheckpointError, match="no velocity and timing; take `humanise`, or another"):
        toucher(notes.melody(tmp_path))
