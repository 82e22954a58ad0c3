"""`prepare --as score`: datasets of notes → arrays of notes."""

import logging
from pathlib import Path

import numpy as np
import pytest

from audio_gen.datasets._arrays import load_arrays
from audio_gen.datasets._scores import scores
from audio_gen.errors import DatasetError, ParameterError
from audio_gen.pipelines.prepare import prepare
from audio_gen.symbolic.files import write_notes
from audio_gen.symbolic.score import Meter, Score, Tempo, Track, notes_of
from tests.datasets import layouts
from tests.datasets.test_contract import write_table


def beat(seed: int) -> Score:
    random = np.random.default_rng(seed)
    notes = [(120 * n, 60, int(random.choice([36, 38, 42])), int(random.integers(1, 128))) for n in range(16)]
    return Score((Track(notes_of(notes), is_drum=True),), (Meter(0, 4, 4),), (Tempo(0, 100.0),))


@pytest.fixture
def groove(tmp_path: Path) -> Path:
    """Four performances a split; the last of train is also in valid."""
    rows = [row for split in layouts.SPLITS for row in layouts.groove_rows(split)]
    write_table(tmp_path / "groove", rows)
    for number, row in enumerate(rows):
        write_notes(tmp_path / "groove" / row["path"], beat(4 if number == 3 else number))
    return tmp_path


def test_groove(groove: Path, caplog: pytest.LogCaptureFixture) -> None:
    arrays = prepare(["groove"], groove, "score")
    arrays.save(groove / "x.npz")
    found = scores(load_arrays(groove / "x.npz", "score"))
    assert [track.id for track, _ in found[:3]] == [f"midi/train_{n}.mid" for n in range(3)]
    assert [track.split for track, _ in found] == ["train"] * 3 + ["valid"] * 4 + ["test"] * 4
    assert "left out: 'midi/train_3.mid' (train) has the notes of 'midi/valid_0.mid' (valid)" in caplog.text
    for (track, score), number in zip(found, [0, 1, 2, *range(4, 12)], strict=True):
        assert np.array_equal(score.tracks[0].notes, beat(number).tracks[0].notes)
        assert score.tracks[0].is_drum
        assert track.targets["bpm"] > 0
    assert arrays.credits == ("Groove MIDI Dataset by Gillick et al., 2019, CC BY 4.0",)
    assert arrays.licence == "CC BY 4.0"
    assert arrays.labels[0] == "afrobeat"


def test_a_file_without_notes_is_left_out(groove: Path, caplog: pytest.LogCaptureFixture) -> None:
    (groove / "groove/midi/valid_0.mid").write_bytes(b"MThd and nothing more")
    with caplog.at_level(logging.WARNING, "audio_gen"):
        arrays = prepare(["groove"], groove, "score")
    assert len(arrays.tracks) == 11
    assert "valid_0.mid" in caplog.text


def test_sets_in_tables_and_two_at_once(tmp_path: Path) -> None:
    layouts.jsb(tmp_path / "jsb", layouts.SPLITS[:1])
    layouts.openewld(tmp_path / "openewld", layouts.SPLITS[:1])
    arrays = prepare(["jsb", "openewld"], tmp_path, "score")
    assert [track.dataset for track in arrays.tracks] == ["jsb"] * 2 + ["openewld"] * 2
    assert [len(score.tracks) for _, score in scores(arrays)] == [4, 4, 1, 1]
    assert arrays.licence.startswith("music public domain; encoding without stated licence: benchmark only; public-dom")


def test_what_makes_sound_is_refused_for_scores(tmp_path: Path) -> None:
    layouts.jsb(tmp_path, layouts.SPLITS)
    with pytest.raises(ParameterError, match="scores are kept as they are"):
        prepare(["jsb"], tmp_path, "score", transpositions=[2])
    with pytest.raises(ParameterError, match="scores are kept as they are"):
        prepare(["jsb"], tmp_path, "score", seconds=3.0)
    with pytest.raises(DatasetError, match=r"train/0 has no audio, only notes; prepare it `--as score`"):
        prepare(["jsb"], tmp_path, "log_mel")
