"""FMA, from the Free Music Archive: 30 s clips under free licences, sixteen top genres; splits share no artist.

Lies as its archives unpack: fma_metadata/tracks.csv beside fma_small/, fma_medium/ or fma_large/ (each holds the ones
before it). The largest of these folders that is there says which tracks count.
"""

import csv
import logging
from itertools import islice
from pathlib import Path

from audio_gen.datasets._csv import Row, find_home, some
from audio_gen.datasets._download import Archive, get
from audio_gen.datasets._item import Item
from audio_gen.datasets._layout import of_split, present
from audio_gen.errors import DatasetError

LABELS = (
    "Blues", "Classical", "Country", "Easy Listening", "Electronic", "Experimental", "Folk", "Hip-Hop", "Instrumental",
    "International", "Jazz", "Old-Time / Historic", "Pop", "Rock", "Soul-RnB", "Spoken",
)  # fmt: skip
SOURCE = (
    "https://github.com/mdeff/fma: unpack fma_metadata.zip and fma_small.zip (or medium, large) in the folder fma; "
    "`audio-gen download fma` fetches the small one"
)
CITATION = (
    "M. Defferrard, K. Benzi, P. Vandergheynst, X. Bresson: FMA: A Dataset for Music Analysis, ISMIR 2017, "
    "arXiv:1612.01840"
)
LICENSE = "by track, chosen by the artist: Creative Commons and others; metadata CC BY 4.0; meant for research"
SPLITS = ("train", "valid", "test")

SUBSETS = {"fma_small": ("small",), "fma_medium": ("small", "medium"), "fma_large": ("small", "medium", "large")}
BROKEN = ("99134", "108925", "133297")  # hold no audio; by name, so that any other failure stays loud
ARCHIVES = (
    Archive(
        "https://os.unil.cloud.switch.ch/fma/fma_metadata.zip",
        "fma_metadata/tracks.csv",
        "sha1:f0df49ffe5f2a6008d7dc83c6915b31835dfe733",
    ),
    Archive(
        "https://os.unil.cloud.switch.ch/fma/fma_small.zip",
        "fma_small",
        "sha1:ade154f733639d52e35e32f5593efe5be76c6d70",
    ),
)

_TABLE = "fma_metadata/tracks.csv"
_SPLIT_NAMES = {"training": "train", "validation": "valid", "test": "test"}
_NEEDED = ("set.split", "set.subset", "track.genre_top", "artist.id")
_KEPT = (*_NEEDED, "artist.name", "album.title", "track.title", "track.license")
_LONGEST = 1 << 24  # characters in a cell: some artists tell their lives
_log = logging.getLogger(__name__)


def download(folder: Path) -> None:
    """Fetch the tables and fma_small (7.2 GiB) into `folder`.

    Raises:
        DatasetError: can't be fetched.
    """
    get(ARCHIVES, folder)


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with an audio path, the top genre as label (None where a track has none) and a licence; group: the artist.

    Files that are not there are left out with one warning.

    Raises:
        DatasetError: the dataset, a column or the split isn't there, or not a single file of it.
    """
    home = find_home(root, "fma", SOURCE, pattern=_TABLE)
    folders = [name for name in SUBSETS if (home / name).is_dir()]
    if not folders:
        raise DatasetError(f"{home} has none of the folders {', '.join(SUBSETS)}; get one: {SOURCE}")
    rows = _rows(home, folders)
    picked = present(home / _TABLE, of_split(home / _TABLE, rows, split), SOURCE)
    return [_item(row) for row in picked]


def _rows(home: Path, folders: list[str]) -> list[Row]:
    """Rows of the tracks that the largest of `folders` is to hold."""
    subsets = SUBSETS[folders[-1]]
    lines = [cells for cells in _read(home / _TABLE) if cells["set.subset"] in subsets]
    broken = [cells["id"] for cells in lines if cells["id"] in BROKEN]
    if broken:
        _log.info("left out: %s of FMA, which hold no audio", ", ".join(broken))
    return [
        Row(cells["id"], _path(home, folders, cells["id"]), _SPLIT_NAMES.get(cells["set.split"], ""), cells)
        for cells in lines
        if cells["id"] not in BROKEN
    ]


def _path(home: Path, folders: list[str], track: str) -> Path:
    name = f"{track:0>6}"
    places = [home / folder / name[:3] / f"{name}.mp3" for folder in folders]
    return next((place for place in places if place.is_file()), places[-1])


def _read(table: Path) -> list[dict[str, str]]:
    """Lines below the three header lines; a column is named from the first two: "track.title"."""
    limit = csv.field_size_limit(_LONGEST)
    try:
        with table.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = list(islice(reader, 3))
            columns = _columns(table, header)
            lines = [line for line in reader if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"can't read {table} as FMA's table: {error}; get it again: {SOURCE}") from error
    finally:
        csv.field_size_limit(limit)
    short = [line[0] for line in lines if len(line) != len(header[0])]
    if short:
        raise DatasetError(
            f"{table} has lines of another length than its header: {some(short)}; get it again: {SOURCE}"
        )
    return [{"id": line[0], **{key: line[place] for key, place in columns.items()}} for line in lines]


def _columns(table: Path, header: list[list[str]]) -> dict[str, int]:
    """Places of the columns that are kept."""
    if len(header) < 3 or header[2][:1] != ["track_id"]:
        raise DatasetError(f"{table} doesn't begin with FMA's three header lines; get it again: {SOURCE}")
    names = [".".join(pair) for pair in zip(*header[:2], strict=False)]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise DatasetError(f"{table} lacks the columns {', '.join(missing)}; get it again: {SOURCE}")
    return {name: names.index(name) for name in _KEPT if name in names}


def _item(row: Row) -> Item:
    genre, artist = row.text("track.genre_top"), row.text("artist.id")
    if genre is not None and genre not in LABELS:
        raise DatasetError(f"track {row.id}: genre {genre!r} is not one of {', '.join(LABELS)}; mend the row")
    extra = {
        "artist": row.text("artist.name"),
        "album": row.text("album.title"),
        "title": row.text("track.title"),
        "subset": row.text("set.subset"),
    }
    return Item(
        id=row.id,
        split=row.split,
        group=f"artist {artist}" if artist else f"track {row.id}",
        path=row.path,
        label=genre,
        licence=row.text("track.license"),
        extra={key: text for key, text in extra.items() if text},
    )
