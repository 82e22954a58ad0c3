"""Every dataset plug against one contract, on small copies of its layout that the tests make."""

import csv
import math
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from audio_gen import registry
from audio_gen.datasets._item import Item
from audio_gen.errors import DatasetError
from audio_gen.symbolic.score import Score
from tests.datasets.layouts import FOLDERS, LAYOUTS, groove_rows

PACKAGE = "audio_gen.datasets"
PLUGS = registry.names(PACKAGE)
GEMS = (
    "amazement", "solemnity", "tenderness", "nostalgia", "calmness", "power", "joyful_activation", "tension", "sadness"
)  # fmt: skip

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Table:
    """How to make a small copy: rows for a split, and which columns may be missing."""

    rows: Callable[[str], Rows]
    optional: tuple[str, ...]


def emotify_rows(split: str) -> Rows:
    rows = []
    for i, genre in enumerate(("classical", "electronic", "pop", "rock")):
        shares = {name: f"{(i + j) % 4 / 4}" for j, name in enumerate(GEMS)}
        row = {"path": f"audio/{split}_{i}.ogg", "split": split, "genre": genre, "n_annotators": "20"}
        rows.append(row | {"artist": f"{split} artist {i // 2}", "album": "one, two", "title": "é"} | shares)
    return rows


def emopia_rows(split: str) -> Rows:
    names = [f"Q{q}_{split}{song}_{q}" for q in (1, 2, 3, 4) for song in (0, 1)]
    return [{"path": f"midi/{n}.mid", "split": split, "quadrant": n[:2], "song": n.split("_")[1]} for n in names]


def vgmidi_rows(split: str) -> Rows:
    folds = {"train": "012", "valid": "3", "test": ["final"]}[split]
    rows = []
    for fold in folds:
        for i, series in enumerate(("Other", "Other", f"series {fold}", f"series {fold}")):
            told = {"valence": f"{i / 4 - 0.5}", "arousal": f"{0.5 - i / 4}", "valence_sd": "0.3", "arousal_sd": ""}
            row = {"path": f"midi/{fold}_{i}.mid", "fold": fold, "series": series, "game": "a game", "piece": "p"}
            rows.append(row | told | {"raters": "29"})
    return rows


def free_music_rows(split: str) -> Rows:
    styles = [("electronic", "styles"), ("folk", "styles"), ("electronic", "varied"), ("jazz", "varied")]
    return [
        {"path": f"{split}__{i}.ogg", "split": split, "style": style, "set": kind, "title": "", "licence": "CC0"}
        for i, (style, kind) in enumerate(styles)
    ]


def drums_rows(split: str) -> Rows:
    kinds = ("kick", "snare", "hihat")
    return [
        {"path": f"audio/{k}_{split}{i}.flac", "label": k, "kit": f"{split} kit {i}", "licence": "CC0", "split": split}
        for k in kinds
        for i in range(2)
    ]


def folder_rows(split: str) -> Rows:
    return [
        {"path": f"{split}/{label} {i}.wav", "genre": label, "artist": f"{split}{i}", "split": split}
        for label in ("loud", "quiet")
        for i in range(3)
    ]


TABLES = {
    "drums": Table(drums_rows, ("kit", "licence", "split")),
    "emopia": Table(emopia_rows, ("song", "split")),
    "emotify": Table(emotify_rows, ("genre", "n_annotators", "artist", "album", "title", "split")),
    "folder": Table(folder_rows, ("artist", "split")),
    "free_music": Table(free_music_rows, ("set", "title", "licence", "split")),
    "groove": Table(groove_rows, ("drummer", "beat_type", "time_signature", "split")),
    "vgmidi": Table(vgmidi_rows, ("fold", "series", "game", "piece", "valence_sd", "arousal_sd", "raters")),
}


def write_table(home: Path, rows: Rows) -> Path:
    """The table and an empty file for each row."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        (home / row["path"]).parent.mkdir(parents=True, exist_ok=True)
        (home / row["path"]).touch()
    return home


def make(name: str, home: Path, splits: Iterable[str]) -> Path:
    """A small copy of the dataset in `home` that holds nothing but `splits`."""
    if name in TABLES:
        return write_table(home, [row for split in splits for row in TABLES[name].rows(split)])
    if name in LAYOUTS:
        LAYOUTS[name](home, splits)
        return home
    assert name == "gtzan_mel", f"write down the layout of {name} here or in layouts.py"
    home.mkdir(parents=True)
    for seed, split in enumerate(splits):
        mel = np.random.default_rng(seed).integers(0, 256, (4, 128, 387), np.uint8)
        names = [f"{split}.{i:05d}" for i in range(4)]
        np.savez(home / f"{split}.npz", mel=mel, label=np.arange(4), name=names, genres=registered(name).LABELS)
    return home


def registered(name: str):
    return registry.pick(PACKAGE, name)


def summary(items: list[Item]) -> list[tuple[object, ...]]:
    return [
        (item.id, item.split, item.group, item.label, item.targets, item.licence, item.extra, item.score)
        for item in items
    ]


def check(plug, items: list[Item]) -> None:
    """What holds for every list of items."""
    assert items
    assert len({item.id for item in items}) == len(items)
    splits_of = defaultdict(set)
    for item in items:
        splits_of[item.group].add(item.split)
        assert sum(part is not None for part in (item.path, item.score, item.image)) == 1
        assert item.path is None or item.path.is_file()
        assert item.score is None or isinstance(item.score, Score)
        assert item.image is None or (item.image.dtype == np.uint8 and item.image.shape == (128, item.image.shape[1]))
        assert item.label is not None or item.targets or item.extra
        assert item.label is None or not plug.LABELS or item.label in plug.LABELS
        assert all(math.isfinite(value) for value in item.targets.values())
        assert all(-1 <= item.targets.get(name, 0) <= 1 for name in ("valence", "arousal"))
        assert all(item.extra.values())
    assert all(len(splits) == 1 for splits in splits_of.values()), "a group is in two splits"


@pytest.mark.parametrize("name", PLUGS)
def test_data_sheet_is_filled_in(name: str) -> None:
    plug = registered(name)
    assert all(isinstance(text, str) and text for text in (plug.SOURCE, plug.CITATION, plug.LICENSE))
    assert isinstance(plug.LABELS, tuple)
    assert len(set(plug.LABELS)) == len(plug.LABELS)
    assert {"train", "valid"} <= set(plug.SPLITS)


@pytest.mark.parametrize("name", PLUGS)
def test_items_hold_the_contract_and_splits_add_up(name: str, tmp_path: Path) -> None:
    plug = registered(name)
    home = make(name, tmp_path / "copy", ("train", "valid", "test"))
    everything = plug.items(home)
    check(plug, everything)
    parts = [plug.items(home, split) for split in ("train", "valid", "test")]
    assert all({item.split for item in part} == {s} for part, s in zip(parts, ("train", "valid", "test"), strict=True))
    assert sorted(item.id for part in parts for item in part) == sorted(item.id for item in everything)


@pytest.mark.parametrize("name", PLUGS)
def test_ids_splits_and_groups_do_not_depend_on_the_place(name: str, tmp_path: Path) -> None:
    plug = registered(name)
    first = make(name, tmp_path / "here", ("train", "valid"))
    second = shutil.copytree(first, tmp_path / "far" / "away")
    assert summary(plug.items(first)) == summary(plug.items(second))


@pytest.mark.parametrize("name", [plug for plug in PLUGS if plug != "folder"])
def test_root_may_be_the_parent_even_with_other_things_in_it(name: str, tmp_path: Path) -> None:
    plug = registered(name)
    home = make(name, tmp_path / FOLDERS.get(name, name), ("valid",))
    (tmp_path / "labels.csv").write_text("something,else\n1,2\n")
    np.savez(tmp_path / "prepared.npz", other=np.zeros(3))
    assert summary(plug.items(tmp_path)) == summary(plug.items(home))


@pytest.mark.parametrize("name", PLUGS)
def test_a_lone_test_split_is_enough_and_the_others_are_missed_by_name(name: str, tmp_path: Path) -> None:
    plug = registered(name)
    home = make(name, tmp_path / "copy", ("test",))
    items = plug.items(home, "test")
    check(plug, items)
    assert summary(items) == summary(plug.items(home))
    with pytest.raises(DatasetError, match=r"train.*there are: test"):
        plug.items(home, "train")


@pytest.mark.parametrize("name", sorted(TABLES))
def test_files_of_other_splits_need_not_be_there(name: str, tmp_path: Path) -> None:
    plug, rows = registered(name), TABLES[name].rows
    home = write_table(tmp_path / "copy", rows("train") + rows("test"))
    for row in rows("train"):
        (home / row["path"]).unlink()
    assert len(plug.items(home, "test")) == len(rows("test"))
    with pytest.raises(DatasetError, match=rf"{len(rows('train'))} of .* not there: {rows('train')[0]['path']}, .*…"):
        plug.items(home, "train")


@pytest.mark.parametrize("emptied", [False, True])
@pytest.mark.parametrize("name", sorted(TABLES))
def test_optional_columns_may_be_missing_or_empty(name: str, emptied: bool, tmp_path: Path) -> None:
    plug, table = registered(name), TABLES[name]
    rows = [
        {
            column: "" if column in table.optional else cell
            for column, cell in row.items()
            if emptied or column not in table.optional
        }
        for row in table.rows("test")
    ]
    items = plug.items(write_table(tmp_path / "copy", rows), "test")
    check(plug, items)
    assert len(items) == len(rows)
    assert {item.split for item in items} == {"test"}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_needed_column_missing_is_an_error_that_names_it(name: str, tmp_path: Path) -> None:
    table = TABLES[name]
    rows = table.rows("train")
    for column in rows[0].keys() - set(table.optional):
        home = write_table(tmp_path / column, rows)
        text = (home / "labels.csv").read_text()
        (home / "labels.csv").write_text(text.replace(column, "unknown", 1))
        with pytest.raises(DatasetError, match=column):
            registered(name).items(home)


@pytest.mark.parametrize("name", PLUGS)
def test_nothing_there_says_where_to_get_it(name: str, tmp_path: Path) -> None:
    plug = registered(name)
    for root in (tmp_path, tmp_path / "not there"):
        with pytest.raises(DatasetError) as error:
            plug.items(root)
        assert str(root) in str(error.value)
        assert plug.SOURCE in str(error.value)


@pytest.mark.real
@pytest.mark.parametrize("name", [plug for plug in PLUGS if plug != "folder"])
def test_real_data_hold_the_contract(name: str) -> None:
    home = Path(os.environ.get("AUDIO_GEN_DATA", "")) / FOLDERS.get(name, name)
    if "AUDIO_GEN_DATA" not in os.environ or not home.is_dir():
        pytest.skip(f"AUDIO_GEN_DATA does not name a folder that holds {name}")
    plug = registered(name)
    items = plug.items(home.parent)
    check(plug, items)
    labels = {item.label for item in items if item.label is not None}
    assert labels == set(plug.LABELS) or name in LAYOUTS  # of which a part may be there
    assert summary(items) == summary(plug.items(home))
    assert len(plug.items(home, "train")) > len(plug.items(home, "valid")) > 0
