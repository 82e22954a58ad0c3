"""Nottingham Music Database: folk tunes with chords, in ABC; the kind of tune is told by the file.

It has no official split, and holds many tunes twice, in another key, with other chords or under another name. Of tunes
that share 20 intervals in a row the first counts, the others are left out: 54 of 1,034. (Equal beginnings of 16
intervals would find 27 of them; 12 in a row anywhere would leave out 292, since many tunes share a run or a cadence.)
By the hash of its intervals one tune in ten is valid, and one in ten test.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from audio_gen.datasets._csv import Row, find_home
from audio_gen.datasets._item import Item
from audio_gen.datasets._layout import of_split
from audio_gen.datasets._stratify import hashed_split
from audio_gen.errors import DatasetError
from audio_gen.symbolic.lead_sheet import abc_tunes

LABELS = ("ashover", "christmas", "hornpipe", "jig", "morris", "playford", "reel", "slip jig", "waltz")
SOURCE = "https://github.com/jukedeck/nottingham-dataset (ABC_cleaned)"
CITATION = "E. Foxley: Nottingham Music Database, cleaned by Jukedeck, 2017"
LICENSE = "traditional; encoding without stated licence: benchmark only"
SPLITS = ("train", "valid", "test")
SHARES = {"valid": 0.1, "test": 0.1}

_KINDS = {"hpps": "hornpipe", "jigs": "jig", "slip": "slip jig", "waltzes": "waltz", "xmas": "christmas"}
_FAMILY = 20  # intervals in a row that two versions of one tune share
_NO_NOTES = re.compile(r'"[^"]*"|![^!]*!|\{[^}]*\}|\[[A-Za-z]:[^\]]*\]|%.*|^[ \t]*[A-Za-z]:.*', re.MULTILINE)
_NOTE = re.compile(r"([A-Ga-g])([,']*)")


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with the path of a file of tunes, of which `extra["tune"]` says which one, and the kind of tune as label.

    Raises:
        DatasetError: the dataset or the split is missing, or a file's name tells none of the kinds.
    """
    folder = _folder(root)
    tunes = dict(_tunes(folder))
    rows = [Row(name, folder, split_of(tunes[name]), {}) for name in _without_copies(tunes)]
    return [_item(row, tunes[row.id]) for row in of_split(folder, rows, split)]


def split_of(tune: str) -> str:
    """The part that a tune, in ABC, falls into: by its intervals alone, so that its key and chords don't matter."""
    return hashed_split(" ".join(map(str, _intervals(tune))), SHARES)


def _folder(root: Path) -> Path:
    for home in (root / "nottingham", root):
        for folder in (home / "ABC_cleaned", home):
            if any(folder.glob("*.abc")):
                return folder
    return find_home(root, "nottingham", SOURCE, pattern="*.abc")


def _tunes(folder: Path) -> Iterator[tuple[str, str]]:
    """Each tune by file and place in it (from 1 on), with its text."""
    for path in sorted(folder.glob("*.abc")):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise DatasetError(f"can't read {path}: {error}; get it anew: {SOURCE}") from error
        for number, tune in enumerate(abc_tunes(text), start=1):
            yield f"{path.stem}/{number}", tune


def _without_copies(tunes: dict[str, str]) -> list[str]:
    """Names of the tunes that share no run of intervals with one before."""
    seen: set[tuple[int, ...]] = set()
    kept = []
    for name, text in tunes.items():
        intervals = _intervals(text)
        windows = {intervals[n : n + _FAMILY] for n in range(max(1, len(intervals) - _FAMILY + 1))}
        if seen.isdisjoint(windows):
            kept.append(name)
        seen |= windows
    return kept


def _intervals(text: str) -> tuple[int, ...]:
    """Steps of the scale from note to note, as written: the same in every key, with any chords and any rhythm."""
    notes = _NOTE.findall(_NO_NOTES.sub("", text))
    steps = [
        "CDEFGAB".index(letter.upper()) + 7 * (letter.islower() + marks.count("'") - marks.count(","))
        for letter, marks in notes
    ]
    return tuple(after - before for before, after in pairwise(steps))


def _item(row: Row, text: str) -> Item:
    stem, number = row.id.split("/")
    path = row.path / f"{stem}.abc"
    kind = "reel" if stem.startswith("reel") else _KINDS.get(stem, stem)
    if kind not in LABELS:
        raise DatasetError(f"{path} tells no kind of tune; the kinds are {', '.join(LABELS)}")
    title = re.search(r"^T:\s*(.*\S)", text, re.MULTILINE)
    return Item(
        id=row.id,
        split=row.split,
        group=row.id,
        path=path,
        label=kind,
        licence=LICENSE,
        extra={"package": "Nottingham Music Database", "tune": number} | ({"title": title[1]} if title else {}),
    )
