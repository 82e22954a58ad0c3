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
        ([*ten_each("Rock", "rock")], "'Rock' and 'rock' differ only by case"),
        ([*ten_each("hip hop", "hip  hop")], "differ only by case, spaces"),
        ([*ten_each("caf\u00e9", "cafe\u0301")], "spelling of a character"),
        ([*ten_each("a", "b\x07")], "can't be written"),
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


def write(root: Path, **contents: bytes) -> Path:
    """Files by class and name: `a_1` is a/1.wav."""
    for name, content in contents.items():
        path = root / name.split("_")[0] / f"{name.split('_')[1]}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def test_copies_stay_in_one_part(tmp_path: Path) -> None:
    for seed in range(6):
        files = {f"{label}_{n}": f"{seed} {label} {n // 2}".encode() for label in "ab" for n in range(10)}
        items = folder.items(write(tmp_path / str(seed), **files))
        parts: dict[str, set[str]] = {}
        for item in items:
            assert item.path is not None
            parts.setdefault(item.path.read_text(), set()).add(item.split)
        assert len(parts) == 10
        assert all(len(splits) == 1 for splits in parts.values())
        assert Counter(item.split for item in items) == {"train": 16, "valid": 4}
        assert len({item.group for item in items}) == 10


def test_copies_join_the_groups_they_lie_in(tmp_path: Path) -> None:
    for label in "ab":
        for n in range(12):
            content = b"shared" if n in (0, 1, 6) and label == "a" else f"{label}{n}".encode()
            path = tmp_path / label / f"album {n // 2}" / f"{n}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    items = {item.id: item for item in folder.items(tmp_path)}
    one, other = items["a/album 0/0.wav"], items["a/album 3/6.wav"]
    assert one.group == other.group == items["a/album 3/7.wav"].group == items["a/album 0/1.wav"].group
    assert one.split == other.split
    assert len({item.group for item in items.values()}) == 11


def test_two_classes_that_share_a_file_are_refused_with_both_paths(tmp_path: Path) -> None:
    write(tmp_path, a_1=b"one", a_2=b"two", b_1=b"six", b_2=b"two", b_3=b"")
    (tmp_path / "a" / "3.wav").touch()  # empty like b/3.wav: not the same music
    with pytest.raises(DatasetError, match=r"two classes share a file: 'a/2\.wav' \(a\) and 'b/2\.wav' \(b\)"):
        folder.items(tmp_path)


def test_told_splits_that_share_a_file_are_refused_with_both_paths(tmp_path: Path) -> None:
    write(tmp_path / "train", a_1=b"one", a_2=b"two", b_1=b"six", b_2=b"ten")
    write(tmp_path / "valid", a_5=b"one", b_5=b"nil")
    with pytest.raises(DatasetError, match=r"two splits share a file: 'train/a/1\.wav' \(train\) and 'valid/a/5\.wav'"):
        folder.items(tmp_path)
    assert len(folder.items(tmp_path, "valid")) == 2  # who only evaluates isn't stopped


def table(root: Path, columns: str, *rows: str) -> Path:
    touch(root, *[row.split(",")[0] for row in rows])
    (root / "mine.csv").write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    return root / "mine.csv"


def test_a_table_is_grouped_by_any_column(tmp_path: Path) -> None:
    rows = [f"{n}.mp3,{'ab'[n % 2]},{n // 4},{n // 10}" for n in range(40)]
    csv = table(tmp_path, "path,label,artist,Venue", *rows)
    assert len({item.group for item in folder.items(csv)}) == 10
    assert len({item.group for item in folder.items(csv, group_by="venue")}) == 4
    assert len({item.group for item in folder.items(csv, group_by="none")}) == 40
    for group_by in (None, "Venue", "none"):
        parts: dict[str, set[str]] = {}
        for item in folder.items(csv, group_by=group_by):
            parts.setdefault(item.group, set()).add(item.split)
        assert all(len(splits) == 1 for splits in parts.values())
    with pytest.raises(DatasetError, match=r"lacks the columns band; it has: path, label, artist, venue"):
        folder.items(csv, group_by="band")


def test_class_folders_are_grouped_by_the_folders_below_them(tmp_path: Path) -> None:
    touch(tmp_path, *[f"{c}/artist {a}/{i}.wav" for c in "xy" for a in range(5) for i in range(4)], "x/loose.wav")
    assert len({item.group for item in folder.items(tmp_path)}) == 11
    by_name = folder.items(tmp_path, group_by="folder")
    assert len({item.group for item in by_name}) == 6  # an artist of both classes is one group
    for artist in range(5):
        assert len({item.split for item in by_name if f"artist {artist}" in item.id}) == 1
    assert len({item.group for item in folder.items(tmp_path, group_by="none")}) == 41
    with pytest.raises(DatasetError, match="grouped by folder or none, not by 'artist'"):
        folder.items(tmp_path, group_by="artist")


def test_a_group_in_two_told_splits_is_refused_by_name(tmp_path: Path) -> None:
    rows = ["1.mp3,a,train,Abba", "2.mp3,b,train,Blur", "3.mp3,a,valid,Cher", "4.mp3,b,valid,Blur"]
    csv = table(tmp_path, "path,label,split,artist", *rows)
    with pytest.raises(DatasetError, match=r"group 'Blur' is in two splits: '2\.mp3' \(train\) and '4\.mp3' \(valid\)"):
        folder.items(csv)
    assert len(folder.items(csv, group_by="none")) == 4
    assert [item.id for item in folder.items(csv, "valid")] == ["3.mp3", "4.mp3"]


def test_files_of_one_name_in_two_split_folders_are_no_group(tmp_path: Path) -> None:
    touch(tmp_path, *[f"{split}/{label}/{n}.wav" for split in ("train", "test") for label in "ab" for n in range(3)])
    assert Counter(item.split for item in folder.items(tmp_path)) == {"train": 6, "test": 6}


def test_a_class_of_one_group_cannot_be_measured(tmp_path: Path) -> None:
    rows = [f"{n}.mp3,{'ab'[n % 2]},{'Abba' if n % 2 else n}" for n in range(12)]
    csv = table(tmp_path, "path,label,artist", *rows)
    with pytest.raises(
        DatasetError, match="class 'b' of 6 files can't be learnt from and tested on: its groups are Abba"
    ):
        folder.items(csv)
    assert len(folder.items(csv, group_by="none")) == 12


def test_other_words_for_the_splits(tmp_path: Path) -> None:
    csv = table(tmp_path, "path,label,split", "1.mp3,a,Train", "2.mp3,b,train", "3.mp3,a,val", "4.mp3,b,Validation")
    assert [item.split for item in folder.items(csv)] == ["train", "train", "valid", "valid"]
