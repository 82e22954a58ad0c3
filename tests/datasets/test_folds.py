from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from audio_gen.datasets._arrays import Arrays, Track
from audio_gen.datasets._folds import folds_of, piece, without
from audio_gen.errors import DatasetError, ParameterError
from audio_gen.features.mel_spec import MelSpec


def arrays(*tracks: Track) -> Arrays:
    mel = np.zeros((len(tracks), 128, 4), np.uint8)
    return Arrays("image", mel, np.arange(len(tracks)), tracks, MelSpec(n_mels=128), ("a", "b"), "CC0-1.0")


def track(name: str, **changes: Any) -> Track:
    usual = {"dataset": "made", "split": "train", "group": name, "label": "", "targets": {}, "fold": ""}
    return Track(name, **{**usual, **changes})


def own(count: int = 8, folds: int = 4) -> list[Track]:
    """As VGMIDI: the last fold is valid."""
    return [
        track(f"{n}", fold=str(n % folds), split="valid" if n % folds == folds - 1 else "train") for n in range(count)
    ]


def everything(data: Arrays) -> range:
    return range(len(data.tracks))


@pytest.mark.parametrize(
    ("wish", "names"), [("4", ["0", "1", "2", "3"]), ("0-3", ["0", "1", "2", "3"]), ("1-2", ["1", "2"])]
)
def test_the_datasets_own_folds_go_before(wish: str, names: list[str]) -> None:
    data = arrays(*own(), track("other"))
    folds, chosen = folds_of(data, everything(data), wish)
    assert chosen == names
    assert folds == {n: str(n % 4) for n in range(8)}
    part = without(data, folds, "1")
    assert [t.split for t in part.tracks] == ["train", "valid", "train", "train"] * 2 + ["train"]
    assert [t._replace(split="") for t in part.tracks] == [t._replace(split="") for t in data.tracks]


def test_tenth_folds_come_after_the_ninth() -> None:
    data = arrays(*own(24, 12))
    assert folds_of(data, everything(data), "12")[1] == [str(n) for n in range(12)]


def test_other_datasets_teach_with_train_only_and_test_takes_no_part() -> None:
    more = [track("t"), track("v", split="valid"), track("x", split="test"), track("y", split="test", fold="4")]
    data = arrays(*own(4), *more)
    folds, _ = folds_of(data, everything(data), "4")
    for name in "0123":
        splits = [t.split for t in without(data, folds, name).tracks]
        assert splits.count("valid") == 1
        assert splits[4:] == ["train", "aside", "aside", "aside"]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ("5", "the data have 4 folds of their own: 0, 1, 2, 3"),
        ("2-5", "tell no fold 4, 5; its folds are 0, 1, 2, 3"),
        ("1", "a number from 2 on"),
        ("0", "a number from 2 on"),
        ("3-1", "a number from 2 on"),
        ("-3", "a number from 2 on"),
        ("all", "not 'all'"),
        ("", "not ''"),
    ],
)
def test_wishes_that_the_data_dont_fit(wish: str, message: str) -> None:
    data = arrays(*own())
    with pytest.raises(ParameterError, match=message):
        folds_of(data, everything(data), wish)


def test_arrays_that_tell_no_fold_have_none_of_their_own() -> None:
    data = arrays(*(track(str(n)) for n in range(8)))
    with pytest.raises(ParameterError, match="tell no fold 0, 1, 2, 3; prepare it again, or give --folds K"):
        folds_of(data, everything(data), "0-3")


def test_made_folds_keep_groups_whole_and_classes_even() -> None:
    random = np.random.default_rng(0)
    tracks = [
        track(f"{n}", group=f"artist {random.integers(40)}", label="ab"[n % 2], split=["train", "valid"][n % 3 == 0])
        for n in range(200)
    ]
    data = arrays(*tracks)
    folds, chosen = folds_of(data, everything(data), "5")
    assert chosen == ["0", "1", "2", "3", "4"]
    assert folds.keys() == set(range(200))  # valid takes part, too
    lies = {tracks[n].group: fold for n, fold in folds.items()}
    assert all(lies[tracks[n].group] == fold for n, fold in folds.items())
    counts = Counter((fold, tracks[n].label) for n, fold in folds.items())
    assert all(17 <= counts[fold, label] <= 23 for fold in chosen for label in "ab")
    again = arrays(*reversed(tracks))
    assert folds_of(again, everything(again), "5")[0] == {199 - n: fold for n, fold in folds.items()}


def test_a_group_is_one_within_its_dataset() -> None:
    tracks = [track(f"{name}{n}", dataset=name, group=f"{n}") for name in ("one", "two") for n in range(2)]
    data = arrays(*tracks)
    folds, _ = folds_of(data, everything(data), "4")
    assert sorted(folds.values()) == ["0", "1", "2", "3"]
    with pytest.raises(DatasetError, match=r"5 folds need 5 groups or more .*there are 4"):
        folds_of(data, everything(data), "5")


def test_only_what_can_be_measured_is_put_into_folds() -> None:
    data = arrays(*(track(str(n)) for n in range(6)))
    folds, _ = folds_of(data, [0, 1, 2, 3], "2")
    assert folds.keys() == {0, 1, 2, 3}
    assert [t.split for t in without(data, folds, "0").tracks][4:] == ["train", "train"]


def test_a_piece_rendered_twice_teaches_twice_and_is_measured_once() -> None:
    tracks = [t._replace(id=f"{t.id}.mid#{font}", group=t.id) for t in own(8) for font in ("FluidR3_GM", "TimGM6mb")]
    data = arrays(*tracks)
    folds, _ = folds_of(data, everything(data), "4")
    splits = [t.split for t in without(data, folds, "0").tracks]
    assert splits == (["valid", "aside"] + ["train"] * 6) * 2
    bare = arrays(*(t._replace(fold="", group="") for t in tracks))
    made, _ = folds_of(bare, everything(bare), "4")
    assert all(made[n] == made[n + 1] for n in range(0, 16, 2))


def test_only_what_it_was_rendered_with_is_taken_off() -> None:
    names = ["a.mid#font", "a.MIDI#font#-3", "a.mid#+2", "C#1.mid", "C#2.mid", "take#2.wav", "a.mid"]
    bare = ["a.mid", "a.MIDI", "a.mid", "C#1.mid", "C#2.mid", "take#2.wav", "a.mid"]
    assert [piece(track(name)) for name in names] == bare


def test_tracks_of_older_files_have_no_fold(tmp_path: Any) -> None:
    from audio_gen.datasets._arrays import load_arrays

    data = arrays(*own(4))
    data.save(tmp_path / "new.npz")
    assert load_arrays(tmp_path / "new.npz", "image").tracks == data.tracks
    with np.load(tmp_path / "new.npz") as stored:
        parts = dict(stored)
    about = str(parts["about"])
    for fold in "0123":
        about = about.replace(f', "fold": "{fold}"', "")
    np.savez(tmp_path / "old.npz", **{**parts, "about": np.array(about)})
    assert "fold" not in about
    old = load_arrays(tmp_path / "old.npz", "image")
    assert old.tracks == replace(data, tracks=tuple(t._replace(fold="") for t in data.tracks)).tracks
