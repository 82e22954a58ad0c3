"""A user's own music: class folders and tables."""

from collections import Counter
from pathlib import Path

import pytest

from audio_gen.datasets import folder
from audio_gen.errors import DatasetError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def ten_each(*labels: str) -> list[str]:
    return [f"{label}/{i}.wav" for label in labels for i in range(10)]


def test_each_sub_folder_is_a_class(tmp_path: Path) -> None:
    touch(tmp_path, *ten_each("rock", "jazz"), "rock/notes.txt", "rock/._0.wav", ".hidden/a.wav", "loose.wav")
    items = folder.items(tmp_path)
    assert Counter(item.label for item in items) == {"rock": 10, "jazz": 10}
    assert Counter((item.label, item.split) for item in items if item.split == "valid") == {
        ("rock", "valid"): 2,
        ("jazz", "valid"): 2,
    }
    assert [item.id for item in folder.items(tmp_path, "valid")] == [item.id for item in items if item.split == "valid"]


def test_upper_case_suffixes_midi_and_folders_below_count(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.WAV", "a/deep/er/2.mid", "b/album.wav/1.flac", "b/2.mp3")
    assert [item.id for item in folder.items(tmp_path)] == [
        "a/1.WAV",
        "a/deep/er/2.mid",
        "b/2.mp3",
        "b/album.wav/1.flac",
    ]


def test_albums_are_kept_together(tmp_path: Path) -> None:
    touch(tmp_path, *[f"{c}/album {a}/{i}.wav" for c in "xy" for a in range(5) for i in range(4)])
    parts: dict[str, set[str]] = {}
    for item in folder.items(tmp_path):
        parts.setdefault(item.group, set()).add(item.split)
    assert len(parts) == 10
    assert all(len(splits) == 1 for splits in parts.values())
    assert Counter(split for splits in parts.values() for split in splits) == {"train": 8, "valid": 2}


def test_folders_named_after_splits_hold_the_classes(tmp_path: Path) -> None:
    touch(tmp_path, "train/a/1.wav", "train/b/1.wav", "val/a/2.wav", "test/b/3.wav")
    assert [(item.split, item.label) for item in folder.items(tmp_path)] == [
        ("test", "b"), ("train", "a"), ("train", "b"), ("valid", "a")
    ]  # fmt: skip
    assert [item.id for item in folder.items(tmp_path, "valid")] == ["val/a/2.wav"]


def test_another_split_name_stands_for_everything(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.wav", "b/1.wav", "b/2.wav")
    assert [(item.id, item.split) for item in folder.items(tmp_path, "test")] == [
        ("a/1.wav", "test"), ("b/1.wav", "test"), ("b/2.wav", "test")
    ]  # fmt: skip


def test_linked_folders_are_not_followed_in_circles(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert len(folder.items(tmp_path)) == 4


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["loose.wav"], "no class folder"),
        (["a/notes.txt", "b/notes.txt"], "no class folder"),
        (["a/1.wav", "a/2.wav"], "only one class, 'a'"),
        (["a/1.wav", "a/2.wav", "b/1.wav"], "a single file of b"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(names: list[str], says: str, tmp_path: Path) -> None:
    touch(tmp_path, *names)
    with pytest.raises(DatasetError, match=says):
        folder.items(tmp_path, "train")


def test_any_table_may_be_the_root(tmp_path: Path) -> None:
    touch(tmp_path, *[f"{i}.mp3" for i in range(20)])
    lines = [f"{i}.mp3,{'ab'[i % 2]},{i // 4}" for i in range(20)]
    (tmp_path / "mine.csv").write_text("path,genre,artist\n" + "\n".join(lines))
    items = folder.items(tmp_path / "mine.csv")
    valid = [item for item in items if item.split == "valid"]
    assert {item.label for item in items} == {"a", "b"}
    assert len(valid) == 4
    assert len({item.group for item in valid}) == 1  # one artist whole


def test_a_table_of_valence_and_arousal_needs_no_label(tmp_path: Path) -> None:
    touch(tmp_path, *[f"{i}.mp3" for i in range(5)])
    (tmp_path / "labels.csv").write_text(
        "path,valence,arousal\n" + "\n".join(f"{i}.mp3,{i / 5},-0.5" for i in range(5))
    )
    items = folder.items(tmp_path)
    assert [item.targets["valence"] for item in items] == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert {item.label for item in items} == {None}
    assert Counter(item.split for item in items) == {"train": 4, "valid": 1}


def test_valence_on_another_scale_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "1.mp3")
    (tmp_path / "labels.csv").write_text("path,valence,arousal\n1.mp3,7.5,3\n")
    with pytest.raises(DatasetError, match=r"1\.mp3: valence is 7\.5; scale"):
        folder.items(tmp_path, "test")


def test_a_table_without_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,loudness\n1.mp3,3\n")
    with pytest.raises(DatasetError, match=r"label, genre, .*it has: path, loudness"):
        folder.items(tmp_path)
