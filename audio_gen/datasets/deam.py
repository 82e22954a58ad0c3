"""DEAM: 1802 songs and excerpts under Creative Commons with the mean valence and arousal that listeners rated.

Lies as its archives unpack: annotations/ and MEMD_audio/ID.mp3. Songs from 2001 on (whole songs, rated in 2015) are
test by convention. There is no official split of the others, nor are their artists in the tables: one in five is valid,
by a hash of the id.
"""

from pathlib import Path

from audio_gen.datasets._csv import Row, check_files, find_home, read_cells
from audio_gen.datasets._download import Archive, get
from audio_gen.datasets._item import Item
from audio_gen.datasets._layout import of_split
from audio_gen.datasets._stratify import VALID_SHARE, hashed_split
from audio_gen.errors import DatasetError

LABELS: tuple[str, ...] = ()
SOURCE = (
    "https://cvml.unige.ch/databases/DEAM/: unpack DEAM_Annotations.zip and DEAM_audio.zip in the folder deam, or let "
    "`audio-gen download deam` do it"
)
CITATION = (
    "A. Aljanaki, Y.-H. Yang, M. Soleymani: Developing a benchmark for emotional analysis of music, "
    "PLoS ONE 12(3), 2017"
)
LICENSE = "recordings by song, royalty-free or Creative Commons, not told in the tables; for research, cite the authors"
SPLITS = ("train", "valid", "test")

ARCHIVES = (
    Archive("https://cvml.unige.ch/databases/DEAM/DEAM_Annotations.zip", "annotations"),
    Archive("https://cvml.unige.ch/databases/DEAM/DEAM_audio.zip", "MEMD_audio"),
)
LAST_EXCERPT = 2000

_TABLES = "annotations/annotations averaged per song/song_level/static_annotations_averaged_songs_*.csv"
_NEEDED = ("song_id", "valence_mean", "arousal_mean")
_MIDDLE, _REACH = 5.0, 4.0  # ratings run from 1 to 9


def download(folder: Path) -> None:
    """Fetch the annotations and the audio (1.3 GB) into `folder`.

    Raises:
        DatasetError: can't be fetched.
    """
    get(ARCHIVES, folder)


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with an audio path; targets: valence and arousal in [-1, 1], and valence_sd, arousal_sd on that scale.

    Each song is its own group.

    Raises:
        DatasetError: the dataset, a column, the split or a listed file is missing, or a rating is not from 1 to 9.
    """
    home = find_home(root, "deam", SOURCE, pattern=_TABLES)
    tables = sorted(home.glob(_TABLES))
    songs = {cells["song_id"]: cells for table in tables for cells in read_cells(table, _NEEDED, key="song_id")}
    picked = of_split(home, [_row(home, cells) for cells in songs.values()], split)
    check_files(tables[0].parent, picked, SOURCE)
    return [_item(row) for row in picked]


def _row(home: Path, cells: dict[str, str]) -> Row:
    song = cells["song_id"]
    if not song.isdecimal():
        raise DatasetError(f"song_id {song!r} of DEAM is no whole number; get the annotations again: {SOURCE}")
    split = "test" if int(song) > LAST_EXCERPT else hashed_split(song, {"valid": VALID_SHARE})
    return Row(song, home / "MEMD_audio" / f"{song}.mp3", split, cells)


def _item(row: Row) -> Item:
    means, spreads = row.numbers("valence_mean", "arousal_mean"), row.numbers("valence_std", "arousal_std")
    for name, value in means.items():
        if abs(value - _MIDDLE) > _REACH:
            raise DatasetError(f"song {row.id}: {name} is {value:g}; DEAM's ratings run from 1 to 9: mend the row")
    targets = {name.removesuffix("_mean"): (value - _MIDDLE) / _REACH for name, value in means.items()}
    targets |= {name.replace("_std", "_sd"): value / _REACH for name, value in spreads.items()}
    return Item(id=row.id, split=row.split, group=row.id, path=row.path, targets=targets)
