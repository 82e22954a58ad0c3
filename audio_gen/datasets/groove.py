"""Groove: performances of drummers on an electronic kit, with their velocity and timing, by style and tempo.

Drummers are in more than one of the official splits, so figures on them say nothing about unknown drummers; for that
hold some out by `extra["drummer"]`.
"""

from pathlib import Path

from audio_gen.datasets._csv import TABLE, Row, check_files, find_home, read_cells, rows
from audio_gen.datasets._item import Item
from audio_gen.datasets._layout import of_split
from audio_gen.errors import DatasetError

LABELS = (
    "afrobeat", "afrocuban", "blues", "country", "dance", "funk", "gospel", "highlife", "hiphop", "jazz", "latin",
    "middleeastern", "neworleans", "pop", "punk", "reggae", "rock", "soul",
)  # fmt: skip
SOURCE = (
    "https://magenta.tensorflow.org/datasets/groove "
    "(https://storage.googleapis.com/magentadata/datasets/groove/groove-v1.0.0-midionly.zip)"
)
CITATION = (
    "J. Gillick, A. Roberts, J. Engel, D. Eck, D. Bamman: Learning to groove with inverse sequence transformations, "
    "ICML 2019"
)
LICENSE = "CC BY 4.0"
SPLITS = ("train", "valid", "test")

_OFFICIAL = "info.csv"  # the table that its makers give out
_SPLIT = {"validation": "valid"}
_NEEDED = ("style", "bpm")


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with a MIDI path and the main style as label; targets: bpm, and fill (1 or 0) where told.

    The whole style, the drummer and the metre are extra. Reads `labels.csv`, or `info.csv` as in the archive.

    Raises:
        DatasetError: the dataset, a column, the split or a listed file is missing, or a style is none of the known.
    """
    here = [home / name for home in (root / "groove", root) for name in (TABLE, _OFFICIAL) if (home / name).is_file()]
    if here and here[0].name == _OFFICIAL:
        return [_item(row) for row in _official(here[0], split)]
    table = here[0] if here else find_home(root, "groove", SOURCE) / TABLE
    return [_item(row) for row in rows(table, ("path", *_NEEDED), split, source=SOURCE)]


def _official(table: Path, split: str | None) -> list[Row]:
    lines = read_cells(table, ("midi_filename", "split", *_NEEDED), key="midi_filename")
    everything = [
        Row(cells["midi_filename"], table.parent / cells["midi_filename"], _split_of(cells), cells) for cells in lines
    ]
    picked = of_split(table, everything, split)
    check_files(table, picked, SOURCE)
    return picked


def _split_of(cells: dict[str, str]) -> str:
    return _SPLIT.get(cells["split"], cells["split"])


def _fill(row: Row) -> dict[str, float]:
    """Whether it is a fill (1) or a beat (0), where that is told."""
    return {"fill": float(row.text("beat_type") == "fill")} if row.text("beat_type") else {}


def _item(row: Row) -> Item:
    label = row.cells["style"].split("/")[0]
    if label not in LABELS:
        raise DatasetError(f"{row.id}: style {label!r} is not one of {', '.join(LABELS)}; mend the row")
    meter = {"time_signature": row.cells["time_signature"].replace("-", "/")} if row.text("time_signature") else {}
    return Item(
        id=row.id,
        split=row.split,
        group=row.id,
        path=row.path,
        label=label,
        targets=row.numbers("bpm") | _fill(row),
        licence=LICENSE,
        extra={"package": "Groove MIDI Dataset by Gillick et al., 2019"}
        | row.texts("style", "drummer", "beat_type")
        | meter,
    )
