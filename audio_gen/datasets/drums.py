"""Drum one-shots of seven kinds, at most 6 s each; splits share no kit by name.

By content they do: "GMRockKit" (valid) is "The Black Pearl 1.0" (train) under other names. Training refuses that; leave
one of them out: `audio-gen prepare drums --without "The Black Pearl 1.0" ...`.
"""

from pathlib import Path

from audio_gen.datasets._csv import TABLE, Row, find_home, rows
from audio_gen.datasets._item import Item
from audio_gen.errors import DatasetError

LABELS = ("kick", "snare", "hihat", "cymbal", "tom", "clap", "perc")
SOURCE = "the Debian packages named in the column `package` (apt-get download PACKAGE)"
CITATION = "the authors of the kits, as packaged by Debian"
LICENSE = "by row: GPL, CC-BY(-SA), CC0, BSD …"
SPLITS = ("train", "valid", "test")


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with an audio path, the kind of drum as label and a licence; the group is the kit (else the file).

    Raises:
        DatasetError: the dataset, a column, the split or a listed file is missing, or a label is none of the seven.
    """
    home = find_home(root, "drums", SOURCE)
    return [_item(row) for row in rows(home / TABLE, ("path", "label"), split, source=SOURCE)]


def _item(row: Row) -> Item:
    label = row.cells["label"]
    if label not in LABELS:
        raise DatasetError(f"{row.id}: label {label!r} is not one of {', '.join(LABELS)}; mend the row")
    return Item(
        id=row.id,
        split=row.split,
        group=row.text("kit") or row.id,
        path=row.path,
        label=label,
        licence=row.text("licence"),
        extra=row.texts("kit", "package"),
    )
