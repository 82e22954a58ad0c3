"""Your own music: a folder of class folders, or a table (`labels.csv` in the folder, or any CSV file given as root).

Class folders: every sub-folder is a class, with audio or MIDI files at any depth; or the sub-folders are called train,
valid (val, validation) and test, and hold the classes.
A table has the column `path` (relative to it), and `label` (or `genre`, `style`, `class`, `quadrant`) or both `valence`
and `arousal` in [-1, 1]; optional: `split`, `group` (or `artist`, `album`), `licence`, `title`.

Where no split is told one in five items is "valid" and the rest "train", by a hash of group or path; any other split
name then stands for everything there is.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from audio_gen.audio.decode import AUDIO_EXTENSIONS
from audio_gen.audio.synth import MIDI_EXTENSIONS
from audio_gen.datasets._csv import TABLE, Row, read_cells, rows, some
from audio_gen.datasets._item import Item
from audio_gen.datasets._stratify import Member, stratified_split
from audio_gen.errors import DatasetError

LABELS: tuple[str, ...] = ()
SOURCE = "a folder with one sub-folder for each class, or a table (labels.csv) with the columns path and label"
CITATION = "whoever made the music"
LICENSE = "yours to know: what is trained on your data is yours"
SPLITS = ("train", "valid")

_LABEL_COLUMNS = ("label", "genre", "style", "class", "quadrant")
_GROUP_COLUMNS = ("group", "artist", "album")
_TARGETS = ("valence", "arousal")
_SPLIT_FOLDERS = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid", "test": "test"}


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with a path, and the label or the targets that the folder or table tells.

    The group is what the table says; in class folders the folder below the class (an album, an artist) where the class
    has several, else the file.

    Raises:
        DatasetError: nothing to read, no class, a single class, a class with a single file, a column or file missing.
    """
    table = root if root.is_file() else root / TABLE
    found = _from_table(table, split) if table.is_file() else _from_folders(root)
    if all(item.split for item in found):
        return _of_split(root, found, split)
    if split is not None and split not in SPLITS:
        return [replace(item, split=split) for item in found]
    _check_classes(root, found)
    parts = stratified_split([Member(item.id, item.group, item.label or "") for item in found])
    return _of_split(root, [replace(item, split=parts[item.id]) for item in found], split)


def _of_split(root: Path, found: list[Item], split: str | None) -> list[Item]:
    chosen = [item for item in found if split in (None, item.split)]
    if not chosen:
        there = ", ".join(f"{name} ({count})" for name, count in sorted(Counter(item.split for item in found).items()))
        raise DatasetError(f"{root} has nothing of split {split!r}; there are: {there}")
    return chosen


def _check_classes(root: Path, found: list[Item]) -> None:
    """What can't be split into train and valid: a single class, a class with a single file."""
    counts = Counter(item.label for item in found if item.label is not None)
    if len(counts) == 1:
        raise DatasetError(f"{root} has only one class, {next(iter(counts))!r}; a classifier needs two or more")
    single = [label for label, count in counts.items() if count == 1]
    if single:
        raise DatasetError(f"{root} has a single file of {some(single)}; a class needs two, to learn and to test")


def _from_folders(root: Path) -> list[Item]:
    if not root.is_dir():
        raise DatasetError(f"{root} is neither a folder nor a table; give {SOURCE}")
    folders = _folders(root)
    if folders and all(folder.name.lower() in _SPLIT_FOLDERS for folder in folders):
        parts = [(inner, _SPLIT_FOLDERS[outer.name.lower()]) for outer in folders for inner in _folders(outer)]
    else:
        parts = [(folder, "") for folder in folders]
    found = [item for folder, split in parts for item in _class_items(root, folder, split)]
    if not found:
        kinds = " ".join(sorted((*AUDIO_EXTENSIONS, *MIDI_EXTENSIONS)))
        raise DatasetError(f"{root} has no class folder with music in it ({kinds}) and no {TABLE}; give {SOURCE}")
    return found


def _class_items(root: Path, folder: Path, split: str) -> list[Item]:
    """Items of one class folder."""
    kinds = (*AUDIO_EXTENSIONS, *MIDI_EXTENSIONS)
    files = [path for path in _walk(folder) if path.suffix.lower() in kinds]
    albums = [path.relative_to(folder).parts[0] for path in files]  # the file itself where it lies in no album
    ids = [path.relative_to(root).as_posix() for path in files]
    groups = [f"{folder.name}/{album}" for album in albums] if len(set(albums)) > 1 else ids
    return [
        Item(id=name, split=split, group=group, path=path, label=folder.name)
        for name, group, path in zip(ids, groups, files, strict=True)
    ]


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not _hidden(path))


def _walk(folder: Path) -> Iterator[Path]:
    """Files below `folder` in order; dotfiles are passed over and linked folders not entered."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink() and not _hidden(path):
            yield from _walk(path)
        elif path.is_file() and not _hidden(path):
            yield path


def _hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name == "__MACOSX"


def _from_table(table: Path, split: str | None) -> list[Item]:
    lines = read_cells(table, ("path",))
    columns = lines[0]
    label = next((column for column in _LABEL_COLUMNS if column in columns), None)
    targets = _TARGETS if set(_TARGETS) <= set(columns) else ()
    if label is None and not targets:
        wanted = f"one of {', '.join(_LABEL_COLUMNS)}, or both {' and '.join(_TARGETS)}"
        raise DatasetError(f"{table} needs the column path and {wanted}; it has: {', '.join(columns)}")
    needed = ("path", *((label,) if label else ()), *targets)
    told = any(cells.get("split") for cells in lines)
    picked = rows(table, needed, split if told else None, source="paths are relative to the table")
    return [_item(row, label) for row in picked]


def _item(row: Row, label: str | None) -> Item:
    targets = row.numbers(*_TARGETS, "valence_sd", "arousal_sd", "weight")
    outside = [name for name in _TARGETS if abs(targets.get(name, 0.0)) > 1.0]
    if outside:
        name = outside[0]
        raise DatasetError(f"{row.id}: {name} is {targets[name]:g}; scale valence and arousal to -1 … 1")
    group = next((cell for cell in map(row.text, _GROUP_COLUMNS) if cell), row.id)
    return Item(
        id=row.id,
        split=row.split,
        group=group,
        path=row.path,
        label=row.text(label) if label else None,
        targets=targets,
        licence=row.text("licence"),
        extra=row.texts("artist", "album", "title", "quadrant"),
    )
