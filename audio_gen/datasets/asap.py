"""ASAP: piano scores as MIDI and MusicXML, each with performances of it as MIDI, aligned by beats.

It has no official split: by the hash of composer and title one piece in ten is valid, and one in ten test.
"""

from pathlib import Path
from typing import Any

from audio_gen.datasets._csv import Row, find_home, read_cells
from audio_gen.datasets._item import Item
from audio_gen.datasets._layout import of_split, present
from audio_gen.datasets._performances import ANNOTATIONS, PAIRED, annotations, is_aligned
from audio_gen.datasets._stratify import hashed_split

LABELS: tuple[str, ...] = ()  # composers
SOURCE = "https://github.com/fosfrancesco/asap-dataset"
CITATION = (
    "F. Foscarin, A. McLeod, P. Rigaux, F. Jacquemard, M. Sakai: ASAP: a dataset of aligned scores and performances "
    "for piano transcription, ISMIR 2020"
)
LICENSE = "CC BY-NC-SA 4.0"
SPLITS = ("train", "valid", "test")
SHARES = {"valid": 0.1, "test": 0.1}

_TABLE = "metadata.csv"
_NEEDED = ("composer", "title", "midi_performance", "midi_score")


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with the MIDI path of a performance, the composer as label; group is the piece.

    `extra` has the paths of what it plays, below the dataset's folder: "midi_score" and, where told, "xml_score". The
    beats of both are in `asap_annotations.json` there, by the items' ids; where they go together the target "paired"
    is 1, and the item's notes are those of the score and of the performance (`_performances.paired`).

    Raises:
        DatasetError: the dataset, a column, the split or every file is missing, or the annotations can't be read.
    """
    table = find_home(root, "asap", SOURCE, pattern=ANNOTATIONS) / _TABLE
    cells = read_cells(table, _NEEDED, key="midi_performance")
    rows = [
        Row(one["midi_performance"], table.parent / one["midi_performance"], hashed_split(_piece(one), SHARES), one)
        for one in cells
    ]
    told = annotations(table.parent / ANNOTATIONS)
    return [_item(row, told.get(row.id, {})) for row in present(table, of_split(table, rows, split), SOURCE)]


def _piece(cells: dict[str, str]) -> str:
    return f"{cells['composer']}: {cells['title']}"


def _item(row: Row, told: dict[str, Any]) -> Item:
    return Item(
        id=row.id,
        split=row.split,
        group=_piece(row.cells),
        path=row.path,
        label=row.cells["composer"],
        targets={PAIRED: 1.0} if is_aligned(told) else {},
        licence=LICENSE,
        extra={"package": "ASAP"} | row.texts("composer", "title", "midi_score", "xml_score"),
    )
