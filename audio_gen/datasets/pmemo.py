"""PMEmo: choruses of 767 pop songs with the mean valence and arousal that about ten listeners felt.

Lies as PMEmo2019.zip unpacks: metadata.csv, annotations/, chorus/ID.mp3. There is no official split: one artist in five
is valid and one in five test, by a hash of the name.
"""

from pathlib import Path

from audio_gen.datasets._csv import Row, check_files, find_home, read_cells
from audio_gen.datasets._item import Item
from audio_gen.datasets._layout import of_split
from audio_gen.datasets._stratify import hashed_split
from audio_gen.errors import DatasetError

LABELS: tuple[str, ...] = ()
SOURCE = "the README of https://github.com/HuiZhangDB/PMEmo links to PMEmo2019.zip; unpack it and call its folder pmemo"
CITATION = "K. Zhang, H. Zhang, S. Li, C. Yang, L. Sun: The PMEmo Dataset for Music Emotion Recognition, ICMR 2018"
LICENSE = "none stated for the choruses; given to the research community, cite the authors"
SPLITS = ("train", "valid", "test")

SHARES = {"valid": 0.2, "test": 0.2}

_TABLE = "annotations/static_annotations.csv"
_SPREADS = "annotations/static_annotations_std.csv"
_SONGS = "metadata.csv"


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with an audio path; targets: valence and arousal in [-1, 1], and valence_sd, arousal_sd where told.

    The group is the artist (the song itself where none is told).

    Raises:
        DatasetError: the dataset, a column, the split or a listed file is missing, or a rating is not from 0 to 1.
    """
    home = find_home(root, "pmemo", SOURCE, pattern=_TABLE)
    if not (home / _SONGS).is_file():
        raise DatasetError(f"{home} has no {_SONGS}, which tells the artists; get it again: {SOURCE}")
    songs = _by_song(home / _SONGS)
    spreads = _by_song(home / _SPREADS) if (home / _SPREADS).is_file() else {}
    ratings = _by_song(home / _TABLE, "valence(mean)", "arousal(mean)")
    rows = [_row(home, song, songs.get(song, {}) | spreads.get(song, {}) | told) for song, told in ratings.items()]
    picked = of_split(home / _TABLE, rows, split)
    check_files(home / _TABLE, picked, SOURCE)
    return [_item(row) for row in picked]


def _by_song(table: Path, *needed: str) -> dict[str, dict[str, str]]:
    return {cells["musicid"]: cells for cells in read_cells(table, ("musicid", *needed), key="musicid")}


def _row(home: Path, song: str, cells: dict[str, str]) -> Row:
    return Row(song, home / "chorus" / f"{song}.mp3", hashed_split(_group(song, cells), SHARES), cells)


def _group(song: str, cells: dict[str, str]) -> str:
    return cells.get("artist", "").casefold() or f"song {song}"


def _item(row: Row) -> Item:
    targets = {}
    for name in ("valence", "arousal"):
        rating = row.numbers(f"{name}(mean)")[f"{name}(mean)"]
        if not 0.0 <= rating <= 1.0:
            raise DatasetError(f"song {row.id}: {name} is {rating:g}; PMEmo's ratings run from 0 to 1: mend the row")
        targets[name] = 2.0 * rating - 1.0
        targets |= {f"{name}_sd": 2.0 * spread for spread in row.numbers(f"{name}(std)").values()}
    return Item(
        id=row.id,
        split=row.split,
        group=_group(row.id, row.cells),
        path=row.path,
        targets=targets,
        extra=row.texts("artist", "album", "title"),
    )
