"""What the plugs of MTG-Jamendo share: the tag tables of its repository, and where the audio lies.

Tables: data/splits/split-0/autotagging_CATEGORY-{train,validation,test}.tsv, tab-separated, with TRACK_ID ARTIST_ID
ALBUM_ID PATH DURATION and then any number of tags `category---tag`. Audio: at PATH (56/1376256.mp3, or .low.mp3 where
the archives of lower quality were taken) below audio/ or beside data/.
"""

from pathlib import Path

from audio_gen.datasets._csv import Row, find_home
from audio_gen.datasets._item import Item
from audio_gen.datasets._layout import of_split, present
from audio_gen.errors import DatasetError

SOURCE = (
    "clone https://github.com/MTG/mtg-jamendo-dataset as the folder mtg_jamendo, and fetch the audio with its "
    "scripts/download/download.py into mtg_jamendo/audio"
)
CITATION = (
    "D. Bogdanov, M. Won, P. Tovstogan, A. Porter, X. Serra: The MTG-Jamendo Dataset for Automatic Music Tagging, "
    "Machine Learning for Music Discovery Workshop, ICML 2019"
)
LICENSE = "audio by track, Creative Commons, see audio_licenses.txt of the repository; metadata CC BY-NC-SA 4.0"
SPLITS = ("train", "valid", "test")

_TABLES = "data/splits/split-0/autotagging_{}-{}.tsv"
_FILE_NAMES = {"train": "train", "valid": "validation", "test": "test"}
_COLUMNS = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]


def tagged_items(root: Path, split: str | None, table: str, prefix: str, labels: tuple[str, ...]) -> list[Item]:
    """Items of one category: the first tag is the label, `extra["tags"]` holds all, with commas between; group: artist.

    Files that are not there are left out with one warning.

    Args:
        table: the category as files are called ("moodtheme").
        prefix: the category as tags begin ("mood/theme").
        labels: the tags that may occur.

    Raises:
        DatasetError: the dataset or the split isn't there, not a single file of it, or a line that is no such line.
    """
    home = find_home(root, "mtg_jamendo", SOURCE, pattern=_TABLES.format(table, "*"))
    files = {part: home / _TABLES.format(table, name) for part, name in _FILE_NAMES.items()}
    lines = [(path, line, part) for part, path in files.items() if path.is_file() for line in _lines(path)]
    picked = of_split(home, [_row(home, path, line, part, f"{prefix}---") for path, line, part in lines], split)
    picked = present(next(iter(files.values())).parent, picked, SOURCE)
    return [_item(row, labels) for row in picked]


def _lines(table: Path) -> list[str]:
    """Lines below the header."""
    try:
        lines = table.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"can't read {table}: {error}; get it again: {SOURCE}") from error
    if not lines or lines[0].split("\t") != _COLUMNS:
        raise DatasetError(f"{table} doesn't begin with {' '.join(_COLUMNS)}, tabs between; get it again: {SOURCE}")
    return [line for line in lines[1:] if line]


def _row(home: Path, table: Path, line: str, split: str, prefix: str) -> Row:
    """One line; the columns after DURATION are its tags."""
    cells = line.split("\t")
    tags = [cell.removeprefix(prefix) for cell in cells[5:] if cell.startswith(prefix)]
    if not tags:
        raise DatasetError(f"{table}: {line[:60]!r} has no tag that begins with {prefix!r}; get the table again")
    track, artist, album, path = cells[:4]
    told = {"artist": artist, "album": album, "label": tags[0], "tags": ", ".join(tags)}
    return Row(track, _path(home, path), split, told)


def _path(home: Path, path: str) -> Path:
    names = (path, path.removesuffix(".mp3") + ".low.mp3")
    places = [home / folder / name for folder in ("audio", "") for name in names]
    return next((place for place in places if place.is_file()), places[0])


def _item(row: Row, labels: tuple[str, ...]) -> Item:
    label = row.cells["label"]
    if label not in labels:
        raise DatasetError(f"{row.id}: tag {label!r} is not one of {', '.join(labels)}; get the table again")
    return Item(
        id=row.id,
        split=row.split,
        group=row.cells["artist"],
        path=row.path,
        label=label,
        extra=row.texts("tags", "artist", "album"),
    )
