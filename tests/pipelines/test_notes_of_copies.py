from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_gen.datasets._arrays import Arrays
from audio_gen.datasets._scores import scores
from audio_gen.errors import CheckpointError
from audio_gen.pipelines import note_copies
from audio_gen.symbolic.score import Score, Track, notes_of


def shifted(score: Score, semitones: int) -> Score:
    notes = score.tracks[0].notes.copy()
    notes["pitch"] += semitones
    return replace(score, tracks=(Track(notes),))


def reported(index: note_copies.NoteIndex, score: Score) -> dict[str, Any]:
    found = index.report(score)
    assert found is not None
    return found


def test_a_training_melody_is_found_in_another_key_and_another_is_not(tunes: Arrays, tmp_path: Path) -> None:
    note_copies.build(tunes).save(tmp_path / "melody.safetensors")
    index = note_copies.load(tmp_path / "melody.safetensors")
    track, score = scores(tunes, "train")[2]
    found = reported(index, shifted(score, 3))
    assert found["longest"] == len(score.tracks[0].notes) - 1
    assert (found["ngrams_8"], found["piece"], found["suspicious"]) == (1.0, track.id, True)
    wild = score.tracks[0].notes.copy()
    wild["pitch"] = np.random.default_rng(0).integers(30, 90, len(wild))
    other = reported(index, replace(score, tracks=(Track(wild),)))
    assert other["longest"] < 4
    assert not other["suspicious"]


def test_nothing_to_compare_is_no_figure(tunes: Arrays, grooves: Arrays) -> None:
    one_note = Score((Track(notes_of([(0, 480, 60, 80)])),))
    assert note_copies.build(tunes).report(one_note) is None
    assert note_copies.build(grooves).report(one_note) is None


def test_drums_are_compared_bar_by_bar(grooves: Arrays, tmp_path: Path) -> None:
    note_copies.build(grooves).save(tmp_path / "drums.safetensors")
    index = note_copies.load(tmp_path / "drums.safetensors")
    found = reported(index, scores(grooves, "train")[0][1])
    assert (found["bars"], found["pairs"]) == (1.0, 1.0)
    assert set(index.alarm) == {"drums"}


def test_what_is_no_index_is_refused(tunes: Arrays, tmp_path: Path) -> None:
    path = tmp_path / "melody.safetensors"
    note_copies.build(tunes).save(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(CheckpointError, match="no whole index"):
        note_copies.load(path)
    with pytest.raises(CheckpointError, match="no whole index"):
        note_copies.load(tmp_path / "none.safetensors")


def test_an_index_is_found_by_the_model_or_by_what_it_learnt_from(
    tunes: Arrays, grooves: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIO_GEN_CHECKPOINTS", str(tmp_path))
    (tmp_path / "copies").mkdir()
    note_copies.build(tunes).save(tmp_path / "copies" / "my_tunes.safetensors")
    assert note_copies.find("mine") is None
    found = note_copies.find("mine", "my_tunes.npz")
    assert found is not None
    assert "drums" not in found.alarm
    note_copies.build(grooves).save(tmp_path / "copies" / "mine.safetensors")
    own = note_copies.find("mine", "my_tunes.npz")
    assert own is not None
    assert "drums" in own.alarm
