"""Your own music: a folder of class folders, or a table (`labels.csv` in the folder, or any CSV file given as root).

Class folders: every sub-folder is a class, with audio or MIDI files at any depth; or the sub-folders are called train,
valid (val, validation) and test, and hold the classes.
A table has the column `path` (relative to it), and `label` (or `genre`, `style`, `class`, `quadrant`) or both `valence`
and `arousal` in [-1, 1]; optional: `split`, `group` (or `artist`, `album`), `licence`, `title`.

Where no split is told one in five items is "valid" and the rest "train", by a hash of group or path; any other split
name then stands for everything there is. Groups (see `items`) and copies of a file are never torn apart.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from audio_gen.audio.decode import AUDIO_EXTENSIONS
from audio_gen.audio.synth import MIDI_EXTENSIONS
from audio_gen.datasets._copies import copies
from audio_gen.datasets._csv import TABLE, Row, read_cells, rows, some
from audio_gen.datasets._item import Item
from audio_gen.datasets._names import check_names
from audio_gen.datasets._stratify import Member, stratified_split
from audio_gen.errors import DatasetError

LABELS: tuple[str, ...] = ()
SOURCE = "a folder with one sub-folder for each class, or a table (labels.csv) with the columns path and label"
CITATION = "whoever made the music"
LICENSE = "yours to know: what is trained on your data is yours"
SPLITS = ("train", "valid")

_LABEL_COLUMNS = ("label", "genre", "style", "class", "quadrant")
_GROUP_COLUMNS = ("group", "artist", "album")
_FOLDER_GROUPS = ("folder", "none")
_TARGETS = ("valence", "arousal")
_SPLIT_NAMES = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid", "test": "test"}


def items(root: Path, split: str | None = None, *, group_by: str | None = None) -> list[Item]:
    """Items with a path, and the label or the targets that the folder or table tells.

    Without `group_by` the group is what the table says in `group`, `artist` or `album` (the first that is filled); in
    class folders the folder below the class (an album, an artist) where the class has several, else the file.

    Args:
        root: the folder, or a table.
        split: only these; None is all, and then what the data tell of their splits is checked.
        group_by: a column of the table; in class folders "folder": folders of one name below any class are one group.
            "none": each file is a group of its own.

    Raises:
        DatasetError: nothing to read, no class, a single class, a class with a single file or group, a column or file
            missing, labels that differ by case only, two classes or two splits that share a file or a group.
    """
    table = root if root.is_file() else root / TABLE
    if table.is_file():
        found = _from_table(table, split, group_by)
    else:
        found = _from_folders(root, group_by)
    check_names(root, {item.label for item in found if item.label is not None})
    if all(item.split for item in found):
        if split is None:
            _check_groups(found)
            copies(found)
        return _of_split(root, found, split)
    if split is not None and split not in SPLITS:
        return [replace(item, split=split) for item in found]
    _check_classes(root, found)
    return _of_split(root, _parted(root, found), split)


def _parted(root: Path, found: list[Item]) -> list[Item]:
    """The items with a split each: groups, and groups that share a file, are kept whole.

    Raises:
        DatasetError: a class that is in one part only, since it has too few groups.
    """
    first = {item.group: item.group for item in found}  # of each group that of the groups it is joined with
    for same in copies(found):
        joined = {first[item.group] for item in same}
        first = {group: min(joined) if name in joined else name for group, name in first.items()}
    parts = stratified_split([Member(item.id, first[item.group], item.label or "") for item in found])
    for label in sorted({item.label or "" for item in found}):
        members = [item for item in found if (item.label or "") == label]
        if len({parts[item.id] for item in members}) < 2:
            groups = sorted({first[item.group] for item in members})
            what = f"class {label!r}" if label else "data"
            raise DatasetError(
                f"{root}: {what} of {len(members)} files can't be learnt from and tested on: its groups are "
                f"{some(groups)}, and no group may be in both parts; add files, or group otherwise (--group-by)"
            )
    return [replace(item, split=parts[item.id], group=first[item.group]) for item in found]


def _check_groups(found: Sequence[Item]) -> None:
    """No group in two splits that the data tell."""
    first: dict[str, Item] = {}
    for item in found:
        other = first.setdefault(item.group, item)
        if other.split != item.split:
            raise DatasetError(
                f"group {item.group!r} is in two splits: {other.id!r} ({other.split}) and {item.id!r} ({item.split}); "
                "put it into one, or group otherwise (--group-by)"
            )


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


def _from_folders(root: Path, group_by: str | None) -> list[Item]:
    if group_by not in (None, *_FOLDER_GROUPS):
        raise DatasetError(
            f"class folders can be grouped by {' or '.join(_FOLDER_GROUPS)}, not by {group_by!r}; a table has columns"
        )
    if not root.is_dir():
        raise DatasetError(f"{root} is neither a folder nor a table; give {SOURCE}")
    folders = _folders(root)
    if folders and all(folder.name.lower() in _SPLIT_NAMES for folder in folders):
        parts = [(inner, _SPLIT_NAMES[outer.name.lower()]) for outer in folders for inner in _folders(outer)]
    else:
        parts = [(folder, "") for folder in folders]
    found = [item for folder, split in parts for item in _class_items(root, folder, split, group_by)]
    if not found:
        kinds = " ".join(sorted((*AUDIO_EXTENSIONS, *MIDI_EXTENSIONS)))
        raise DatasetError(f"{root} has no class folder with music in it ({kinds}) and no {TABLE}; give {SOURCE}")
    return found


def _class_items(root: Path, folder: Path, split: str, group_by: str | None) -> list[Item]:
    """Items of one class folder."""
    kinds = (*AUDIO_EXTENSIONS, *MIDI_EXTENSIONS)
    files = [path for path in _walk(folder) if path.suffix.lower() in kinds]
    inside = [path.relative_to(folder).parts for path in files]
    ids = [path.relative_to(root).as_posix() for path in files]
    if group_by == "folder":
        groups = [parts[0] if len(parts) > 1 else name for parts, name in zip(inside, ids, strict=True)]
    elif group_by is None and len({parts[0] for parts in inside}) > 1:
        groups = [f"{folder.name}/{parts[0]}" if parts[1:] else name for parts, name in zip(inside, ids, strict=True)]
    else:
        groups = ids
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


def _from_table(table: Path, split: str | None, group_by: str | None) -> list[Item]:
    grouping = {None: _GROUP_COLUMNS, "none": ()}.get(group_by, (str(group_by).lower(),))
    lines = read_cells(table, ("path", *(grouping if group_by else ())))
    columns = lines[0]
    label = next((column for column in _LABEL_COLUMNS if column in columns), None)
    targets = _TARGETS if set(_TARGETS) <= set(columns) else ()
    if label is None and not targets:
        wanted = f"one of {', '.join(_LABEL_COLUMNS)}, or both {' and '.join(_TARGETS)}"
        raise DatasetError(f"{table} needs the column path and {wanted}; it has: {', '.join(columns)}")
    needed = ("path", *((label,) if label else ()), *targets)
    told = any(cells.get("split") for cells in lines)
    source = "paths are relative to the table"
    picked = rows(table, needed, split if told else None, source=source, split_of=_split_of)
    return [_item(row, label, grouping) for row in picked]


def _split_of(cells: dict[str, str]) -> str:
    name = cells.get("split", "")
    return _SPLIT_NAMES.get(name.lower(), name)


def _item(row: Row, label: str | None, grouping: Sequence[str]) -> Item:
    targets = row.numbers(*_TARGETS, "valence_sd", "arousal_sd", "weight")
    outside = [name for name in _TARGETS if abs(targets.get(name, 0.0)) > 1.0]
    if outside:
        name = outside[0]
        raise DatasetError(f"{row.id}: {name} is {targets[name]:g}; scale valence and arousal to -1 … 1")
    group = next((cell for cell in map(row.text, grouping) if cell), row.id)
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
