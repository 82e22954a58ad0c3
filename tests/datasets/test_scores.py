"""Arrays of kind "score"."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audio_gen.datasets._arrays import Arrays, Track, joined, load_arrays
from audio_gen.datasets._item import Item
from audio_gen.datasets._scores import score_of, scores, without_copies
from audio_gen.errors import DatasetError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.symbolic import score as notes
from audio_gen.symbolic.score import Key, Score, Tempo, notes_of
from audio_gen.symbolic.table import to_rows


def tune(*pitches: int, tempo: float = 120, start: int = 0) -> Score:
    """Quarters."""
    played = notes_of((start + 480 * n, 480, pitch, 90) for n, pitch in enumerate(pitches))
    return Score((notes.Track(played, program=4),), tempi=(Tempo(0, tempo),), keys=(Key(0, 0, False),))


def arrays(**by_split: list[Score]) -> Arrays:
    told = [(split, score) for split, found in by_split.items() for score in found]
    tables = [to_rows(score) for _, score in told]
    tracks = tuple(Track(f"{n}", "tunes", split, f"{n}", "", {}) for n, (split, _) in enumerate(told))
    return Arrays("score", np.concatenate(tables), np.cumsum([0, *map(len, tables)]), tracks, MelSpec(), (), "CC0")


def test_scores_come_back_from_the_file_by_split(tmp_path: Path) -> None:
    whole = arrays(train=[tune(60, 62), tune(), tune(64)], valid=[tune(65, tempo=90.5)])
    whole.save(tmp_path / "x.npz")
    loaded = load_arrays(tmp_path / "x.npz", "score")
    assert loaded.digest() == whole.digest()
    assert [(track.id, score) for track, score in scores(loaded, "train")] == [
        ("0", tune(60, 62)),
        ("1", tune()),
        ("2", tune(64)),
    ]
    assert [score for _, score in scores(loaded)][3].tempi[0].bpm == 90.5
    with pytest.raises(DatasetError, match="no track of split 'test'; there are: train, valid"):
        scores(loaded, "test")


def test_two_sets_are_joined() -> None:
    one, other = arrays(train=[tune(60), tune(61)]), arrays(train=[tune(62)])
    assert [score for _, score in scores(joined([one, other]))] == [tune(60), tune(61), tune(62)]


def test_other_arrays_are_told(tmp_path: Path, mels: Arrays) -> None:
    with pytest.raises(DatasetError, match="these are log_mel arrays, not scores"):
        scores(mels)
    arrays(train=[tune(60)]).save(tmp_path / "x.npz")
    with pytest.raises(DatasetError, match="holds score arrays; this needs image"):
        load_arrays(tmp_path / "x.npz", "image")
    broken = arrays(train=[tune(60)])
    replace(broken, mel=broken.mel[:, :5]).save(tmp_path / "y.npz")
    with pytest.raises(DatasetError, match="no array file"):
        load_arrays(tmp_path / "y.npz", "score")


def test_copies_give_way_to_the_later_split() -> None:
    whole = arrays(
        train=[tune(60, 62), tune(64), tune(65), tune(), tune(67), tune(67)],
        valid=[tune(60, 62, tempo=90), tune(64, start=960), tune()],
        test=[tune(64), tune(69)],
    )
    left, told = without_copies(whole)
    assert [track.id for track in left.tracks] == ["2", "3", "4", "5", "6", "8", "9", "10"]
    assert told == [
        "left out: '0' (train) has the notes of '6' (valid)",
        "left out: '1' (train) has the notes of '9' (test)",
        "left out: '7' (valid) has the notes of '9' (test)",
    ]
    kept = dict(enumerate(score for _, score in scores(whole)))
    assert [score for _, score in scores(left)] == [kept[int(track.id)] for track in left.tracks]
    same, none = without_copies(left)
    assert (same.digest(), none) == (left.digest(), [])


def test_an_item_tells_its_score_or_has_none(tmp_path: Path) -> None:
    assert score_of(Item("a", "train", "a", score=tune(60))) == tune(60)
    with pytest.raises(DatasetError, match="a has no notes, only a picture"):
        score_of(Item("a", "train", "a", image=np.zeros((128, 4), np.uint8)))
