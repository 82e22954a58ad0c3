"""Emotify: real recordings in four genres, and what about 21 listeners each felt (nine emotions, GEMS).

A listener chose some of nine emotions; a row tells the share who chose each. Valence and arousal are signed sums of
these shares, divided by the largest size they reach in the train rows (1.749 and 1.894), rounded up, and clipped.
"""

from pathlib import Path

from audio_gen.datasets._csv import TABLE, Row, find_home, rows
from audio_gen.datasets._item import Item

LABELS = ("classical", "electronic", "pop", "rock")
SOURCE = "http://www2.projects.science.uu.nl/memotion/emotifydata/ (400 one-minute tracks and the annotations)"
CITATION = (
    "A. Aljanaki, F. Wiering, R. C. Veltkamp: Studying emotion induced by music through a crowdsourcing game, "
    "Information Processing & Management 52(1), 2016 (online 2015)"
)
LICENSE = "cite Aljanaki et al. 2015; recordings from Magnatune, CC BY-NC-SA: non-commercial"
SPLITS = ("train", "valid", "test")

EMOTIONS = (
    "amazement", "solemnity", "tenderness", "nostalgia", "calmness", "power", "joyful_activation", "tension", "sadness"
)  # fmt: skip
VALENCE = {
    "joyful_activation": 1.0, "amazement": 1.0, "tenderness": 1.0, "calmness": 1.0, "tension": -1.0, "sadness": -1.0
}  # fmt: skip
AROUSAL = {
    "power": 1.0, "joyful_activation": 1.0, "tension": 1.0,
    "calmness": -1.0, "tenderness": -1.0, "sadness": -1.0, "nostalgia": -0.5,
}  # fmt: skip
VALENCE_SCALE, AROUSAL_SCALE = 1.75, 1.9


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with an audio path, the genre as label; targets: valence, arousal, the nine shares, n_annotators.

    The group is the artist (the track itself where none is told).

    Raises:
        DatasetError: the dataset, a column, the split or a listed file is missing.
    """
    home = find_home(root, "emotify", SOURCE)
    return [_item(row) for row in rows(home / TABLE, ("path", *EMOTIONS), split, source=SOURCE)]


def _item(row: Row) -> Item:
    shares = row.numbers(*EMOTIONS)
    targets = {
        "valence": _signed_sum(shares, VALENCE) / VALENCE_SCALE,
        "arousal": _signed_sum(shares, AROUSAL) / AROUSAL_SCALE,
    }
    return Item(
        id=row.id,
        split=row.split,
        group=row.text("artist") or row.id,
        path=row.path,
        label=row.text("genre"),
        targets={name: min(1.0, max(-1.0, value)) for name, value in targets.items()}
        | shares
        | row.numbers("n_annotators"),
        licence=row.text("licence") or LICENSE,
        extra=row.texts("artist", "album", "title"),
    )


def _signed_sum(shares: dict[str, float], signs: dict[str, float]) -> float:
    return sum(sign * shares[name] for name, sign in signs.items())
