"""VGMIDI: game music as MIDI with the mean valence and arousal of about 29 raters, in four folds.

Folds 0-2 are train, fold 3 is valid, any other value is test; "fold0", "fold1" … pick one fold. A `split` column, where
there is one, goes before.
"""

from pathlib import Path

from audio_gen.datasets._csv import TABLE, Row, find_home, rows
from audio_gen.datasets._item import Item

LABELS: tuple[str, ...] = ()
SOURCE = "https://github.com/lucasnfe/vgmidi (labelled pieces), valence and arousal averaged over raters and measures"
CITATION = "L. N. Ferreira, J. Whitehead: Learning to generate music with sentiment, ISMIR 2019"
LICENSE = "none stated; cite Ferreira & Whitehead, ISMIR 2019"
SPLITS = ("train", "valid", "test")

_SPLIT_OF_FOLD = {"": "", "0": "train", "1": "train", "2": "train", "3": "valid"}


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with a MIDI path; targets: valence and arousal in [-1, 1], and valence_sd, arousal_sd, raters where told.

    The group is the game series; pieces of the catch-all series "Other" are each their own.

    Raises:
        DatasetError: the dataset, a column, the split or a listed file is missing.
    """
    table = find_home(root, "vgmidi", SOURCE) / TABLE
    needed = ("path", "valence", "arousal")
    return [_item(row) for row in rows(table, needed, split, source=SOURCE, split_of=_split_of, selects=_selects)]


def _split_of(cells: dict[str, str]) -> str:
    fold = cells.get("fold", "")
    return cells.get("split") or (_SPLIT_OF_FOLD.get(fold, "test") if fold else "")


def _selects(cells: dict[str, str], split: str) -> bool:
    fold = cells.get("fold", "")
    return split in (_split_of(cells), fold, f"fold{fold}")


def _item(row: Row) -> Item:
    series = row.text("series")
    return Item(
        id=row.id,
        split=row.split,
        group=series if series and series != "Other" else row.id,
        path=row.path,
        targets=row.numbers("valence", "arousal", "valence_sd", "arousal_sd", "raters"),
        licence=row.text("licence") or LICENSE,
        extra=row.texts("fold", "series", "game", "piece"),
    )
