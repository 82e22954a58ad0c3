"""EMOPIA: MIDI clips of pop piano in four quadrants of emotion; splits share no song."""

from pathlib import Path

from audio_gen.datasets._csv import TABLE, Row, find_home, rows
from audio_gen.datasets._item import Item
from audio_gen.errors import DatasetError

LABELS = ("Q1", "Q2", "Q3", "Q4")
SOURCE = "https://zenodo.org/records/5090631 (EMOPIA 1.0, MIDI and the official split)"
CITATION = (
    "H.-T. Hung, J. Ching, S. Doh, N. Kim, J. Nam, Y.-H. Yang: EMOPIA: A multi-modal pop piano dataset for emotion "
    "recognition and emotion-based music generation, ISMIR 2021"
)
LICENSE = "CC BY-NC-SA 4.0"
SPLITS = ("train", "valid", "test")


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with a MIDI path and the quadrant as label (Q1 +V +A, Q2 -V +A, Q3 -V -A, Q4 +V -A); group is the song.

    Raises:
        DatasetError: the dataset, a column, the split or a listed file is missing, or a quadrant is none of the four.
    """
    home = find_home(root, "emopia", SOURCE)
    return [_item(row) for row in rows(home / TABLE, ("path", "quadrant"), split, source=SOURCE)]


def _item(row: Row) -> Item:
    quadrant = row.cells["quadrant"]
    if quadrant not in LABELS:
        raise DatasetError(f"{row.id}: quadrant {quadrant!r} is not one of {', '.join(LABELS)}; mend the row")
    return Item(
        id=row.id,
        split=row.split,
        group=row.text("song") or row.id,
        path=row.path,
        label=quadrant,
        licence=row.text("licence") or LICENSE,
        extra=row.texts("song"),
    )
