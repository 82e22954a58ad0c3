"""MAESTRO: virtuoso piano performances captured by a Disklavier, as MIDI; no composition is in two splits."""

from pathlib import Path

from audio_gen.datasets._csv import Row, find_home, read_cells
from audio_gen.datasets._item import Item
from audio_gen.datasets._layout import of_split, present

LABELS: tuple[str, ...] = ()  # composers
SOURCE = (
    "https://magenta.tensorflow.org/datasets/maestro "
    "(https://storage.googleapis.com/magentadata/datasets/maestro/v3.0.0/maestro-v3.0.0-midi.zip)"
)
CITATION = (
    "C. Hawthorne, A. Stasyuk, A. Roberts, I. Simon, C.-Z. A. Huang, S. Dieleman, E. Elsen, J. Engel, D. Eck: Enabling "
    "factorized piano music modeling and generation with the MAESTRO dataset, ICLR 2019"
)
LICENSE = "CC BY-NC-SA 4.0"
SPLITS = ("train", "valid", "test")

_TABLE = "maestro-v*.csv"
_NEEDED = ("canonical_composer", "canonical_title", "split", "midi_filename")


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with the MIDI path of a performance, the composer as label; group is the composition.

    Raises:
        DatasetError: the dataset, a column, the split or every file is missing.
    """
    table = max(find_home(root, "maestro", SOURCE, pattern=_TABLE).glob(_TABLE))
    cells = read_cells(table, _NEEDED, key="midi_filename")
    rows = [Row(one["midi_filename"], table.parent / one["midi_filename"], _split(one["split"]), one) for one in cells]
    return [_item(row) for row in present(table, of_split(table, rows, split), SOURCE)]


def _split(name: str) -> str:
    return "valid" if name == "validation" else name


def _item(row: Row) -> Item:
    composer, title = row.cells["canonical_composer"], row.cells["canonical_title"]
    return Item(
        id=row.id,
        split=row.split,
        group=f"{composer}: {title}",
        path=row.path,
        label=composer,
        licence=LICENSE,
        extra={"composer": composer, "title": title, "package": "MAESTRO"} | row.texts("year"),
    )
