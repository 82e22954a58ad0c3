"""What single datasets say beyond the common contract."""

import csv
from pathlib import Path

import numpy as np
import pytest

from audio_gen.datasets import drums, emopia, emotify, free_music, gtzan_mel, vgmidi
from audio_gen.errors import DatasetError


def write(home: Path, rows: list[dict[str, str]]) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        (home / row["path"]).touch()
    return home


def test_emotify_targets_are_the_signed_sums(tmp_path: Path) -> None:
    shares = dict.fromkeys(emotify.EMOTIONS, "0.0")
    glad = shares | {"joyful_activation": "0.7", "power": "0.3", "nostalgia": "0.2"}
    low = shares | {"sadness": "0.95", "calmness": "0.9", "tenderness": "0.9", "nostalgia": "1.0"}
    rows = [{"path": "a.ogg", "split": "train"} | glad, {"path": "b.ogg", "split": "train"} | low]
    first, second = emotify.items(write(tmp_path, rows))
    assert first.targets["valence"] == pytest.approx(0.7 / emotify.VALENCE_SCALE)
    assert first.targets["arousal"] == pytest.approx((0.7 + 0.3 - 0.1) / emotify.AROUSAL_SCALE)
    assert second.targets["arousal"] == -1.0  # clipped
    assert {name: first.targets[name] for name in emotify.EMOTIONS} == {k: float(v) for k, v in glad.items()}


def test_vgmidi_folds_and_groups(tmp_path: Path) -> None:
    told = {"valence": "0.1", "arousal": "-0.1"}
    rows = [{"path": f"{f}.mid", "fold": f, "series": "Other" if f in "01" else "Mana"} | told for f in "01239"]
    home = write(tmp_path, rows)
    assert [item.split for item in vgmidi.items(home)] == ["train", "train", "train", "valid", "test"]
    assert [item.id for item in vgmidi.items(home, "fold1")] == ["1.mid"]
    assert [item.id for item in vgmidi.items(home, "fold3")] == ["3.mid"]
    assert [item.group for item in vgmidi.items(home)][:3] == ["0.mid", "1.mid", "Mana"]


def test_vgmidi_split_column_goes_before_the_fold(tmp_path: Path) -> None:
    home = write(tmp_path, [{"path": "a.mid", "split": "test", "fold": "1", "valence": "0", "arousal": "0"}])
    assert [item.split for item in vgmidi.items(home)] == ["test"]


def test_free_music_labels_only_the_coherent_set(tmp_path: Path) -> None:
    rows = [
        {"path": "a.ogg", "style": "electronic", "set": "styles"},
        {"path": "b.ogg", "style": "electronic", "set": "varied"},
        {"path": "c.ogg", "style": "jazz", "set": "varied"},
    ]
    items = free_music.items(write(tmp_path, rows), "test")
    assert [item.label for item in items] == ["electronic", None, None]
    assert [(item.extra["set"], item.extra["style"]) for item in items][1:] == [
        ("varied", "electronic"),
        ("varied", "jazz"),
    ]


@pytest.mark.parametrize(("plug", "column"), [(emopia, "quadrant"), (drums, "label")])
def test_a_label_that_is_none_of_the_names_is_refused(plug, column: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"a\.x.*'bongo'.*not one of"):
        plug.items(write(tmp_path, [{"path": "a.x", column: "bongo"}]))


@pytest.mark.parametrize("cell", ["nan", "inf", "high"])
def test_a_target_that_is_no_number_is_refused(cell: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=rf"a\.mid.*valence.*{cell}"):
        vgmidi.items(write(tmp_path, [{"path": "a.mid", "valence": cell, "arousal": "0"}]))


def test_rows_that_partly_tell_a_split_are_refused(tmp_path: Path) -> None:
    rows = [{"path": f"{split}.mid", "quadrant": "Q1", "split": split} for split in ("train", "")]
    with pytest.raises(DatasetError, match="1 of 2 rows tell no split"):
        emopia.items(write(tmp_path, rows), "train")


def test_a_path_listed_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"more than once: a\.mid"):
        emopia.items(write(tmp_path, [{"path": "a.mid", "quadrant": "Q1"}] * 2))


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes("path,quadrant\né.mid,Q1\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="UTF-8"):
        emopia.items(tmp_path)


def test_a_table_with_byte_order_mark_semicolons_and_capitals_is_read(tmp_path: Path) -> None:
    (tmp_path / "a, b.mid").touch()
    (tmp_path / "labels.csv").write_text("\ufeffPath; Quadrant\r\na, b.mid;Q2\r\n\r\n", encoding="utf-8")
    assert [(item.id, item.label) for item in emopia.items(tmp_path)] == [("a, b.mid", "Q2")]


def test_gtzan_images_are_what_was_stored(tmp_path: Path) -> None:
    mel = np.arange(2 * 128 * 5, dtype=np.uint8).reshape(2, 128, 5)
    np.savez(tmp_path / "test.npz", mel=mel, label=[1, 0], name=["x", "y"], genres=["rock", "pop"])
    items = gtzan_mel.items(tmp_path, "test")
    assert [(item.id, item.label) for item in items] == [("x", "pop"), ("y", "rock")]
    assert np.array_equal(np.stack([item.image for item in items if item.image is not None]), mel)


def test_gtzan_names_and_genres_may_be_missing(tmp_path: Path) -> None:
    np.savez(tmp_path / "test.npz", mel=np.zeros((2, 128, 5), np.uint8), label=[9, 0])
    assert [item.label for item in gtzan_mel.items(tmp_path)] == ["rock", "blues"]


@pytest.mark.parametrize(("mel", "label"), [(np.zeros((2, 128, 5)), [0, 1]), (np.zeros((2, 128, 5), np.uint8), [0])])
def test_gtzan_arrays_of_another_shape_are_refused(mel, label, tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", mel=mel, label=label)
    with pytest.raises(DatasetError, match="needs mel uint8"):
        gtzan_mel.items(tmp_path)


def test_gtzan_broken_file_and_wrong_label_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", mel=np.zeros((1, 128, 5), np.uint8), label=[10])
    (tmp_path / "valid.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(DatasetError, match="label 10"):
        gtzan_mel.items(tmp_path, "train")
    with pytest.raises(DatasetError, match=r"can't read .*valid\.npz"):
        gtzan_mel.items(tmp_path, "valid")
