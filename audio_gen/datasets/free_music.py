"""Free music from Debian's game packages: four coherent styles (set "styles") and other music (set "varied").

Each of the four styles is one composer's or team's, so the split is by track.
"""

from pathlib import Path

from audio_gen.datasets._csv import TABLE, Row, find_home, rows
from audio_gen.datasets._item import Item

LABELS = ("electronic", "orchestral", "folk", "metal")
SOURCE = "the Debian packages named in the column `package` (apt-get download PACKAGE), excerpts as `start_s` says"
CITATION = "the artists named in each row, as packaged by Debian"
LICENSE = "by row: CC-BY(-SA), GPL, CC0, public domain …"
SPLITS = ("train", "valid", "test")


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items of both sets, with an audio path and a licence; the group is the track.

    The label is the style where the set is "styles" (or no set is told) and it is one of LABELS, otherwise None:
    "electronic" of the varied set is other people's music than the label's. `extra` tells set and style of every row.

    Raises:
        DatasetError: the dataset, a column, the split or a listed file is missing.
    """
    home = find_home(root, "free_music", SOURCE)
    return [_item(row) for row in rows(home / TABLE, ("path", "style"), split, source=SOURCE)]


def _item(row: Row) -> Item:
    style = row.cells["style"]
    labelled = style in LABELS and row.text("set") in ("styles", None)
    return Item(
        id=row.id,
        split=row.split,
        group=row.id,
        path=row.path,
        label=style if labelled else None,
        licence=row.text("licence"),
        extra=row.texts("set", "style", "artist", "title", "package"),
    )
