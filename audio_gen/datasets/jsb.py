"""JSB: Bach's chorales in four voices, on a grid of 16ths; the encoding knows no ties, metres or keys."""

import json
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

from audio_gen.datasets._csv import Row, find_home
from audio_gen.datasets._item import Item
from audio_gen.datasets._layout import of_split
from audio_gen.errors import DatasetError
from audio_gen.symbolic.score import SIXTEENTH, Score, Track, notes_of
from audio_gen.symbolic.theory import estimate_key

LABELS = ("chorale",)
SOURCE = "https://github.com/czhuang/JSB-Chorales-dataset (jsb-chorales-16th.json)"
CITATION = (
    "N. Boulanger-Lewandowski, Y. Bengio, P. Vincent: Modeling temporal dependencies in high-dimensional sequences: "
    "application to polyphonic music generation and transcription, ICML 2012"
)
LICENSE = "music public domain; encoding without stated licence: benchmark only"
SPLITS = ("train", "valid", "test")
VOICES = ("soprano", "alto", "tenor", "bass")

_TABLE = "jsb-chorales-16th.json"
_VELOCITY = 90  # the encoding tells none
_MIDDLES = (72, 67, 60, 52)  # a voice's middle, until it has sung


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with a score of four tracks: soprano, alto, tenor, bass.

    Equal pitches in neighbouring 16ths become one held note (the encoding can't tell a repeated one), -1 or a voice
    that is absent is a rest. The key is estimated. The metre stands as 4/4, which the encoding doesn't tell: some
    chorales are in three, and most begin with an upbeat, so bars are not the music's.

    Raises:
        DatasetError: the dataset or the split is missing, or the file holds something else.
    """
    table = find_home(root, "jsb", SOURCE, pattern=_TABLE) / _TABLE
    try:
        stored: dict[str, list[Any]] = json.loads(table.read_text(encoding="utf-8"))
        everything = {f"{name}/{n}": piece for name in SPLITS for n, piece in enumerate(stored.get(name, ()))}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise DatasetError(f"{table} is no JSON of chorales by split ({error}); get it anew: {SOURCE}") from error
    rows = [Row(name, table, name.split("/")[0], {}) for name in everything]
    return [_item(table, row, everything[row.id]) for row in of_split(table, rows, split)]


def _item(table: Path, row: Row, piece: Any) -> Item:
    try:
        voices = _voices([[int(pitch) for pitch in step] for step in piece])
        tracks = tuple(_track(name, line) for name, line in zip(VOICES, zip(*voices, strict=True), strict=True))
    except (TypeError, ValueError, OverflowError) as error:
        raise DatasetError(f"{table}: chorale {row.id} is no list of up to four pitches a 16th ({error})") from error
    every = notes_of(note for track in tracks for note in track.notes.tolist())
    return Item(
        id=row.id,
        split=row.split,
        group=row.id,
        score=Score(tracks, keys=(estimate_key(every),) if len(every) else ()),
        label="chorale",
        licence=LICENSE,
        extra={"artist": "J. S. Bach"},
    )


def _voices(steps: list[list[int]]) -> list[tuple[int, ...]]:
    """Four pitches a step, -1 for a rest; where some are absent, the others go to the voices that sang nearest."""
    last, found = list(_MIDDLES), []
    for step in steps:
        if len(step) > len(VOICES):
            raise ValueError(f"{len(step)} pitches in a step")
        four = step if len(step) == len(VOICES) else _placed([pitch for pitch in step if pitch >= 0], last)
        last = [pitch if pitch >= 0 else before for pitch, before in zip(four, last, strict=True)]
        found.append(tuple(four))
    return found


def _placed(pitches: list[int], last: list[int]) -> list[int]:
    """The pitches in their order over four voices, so that all together they move least."""
    choices = combinations(range(len(VOICES)), len(pitches))
    best = min(choices, key=lambda places: sum(abs(last[v] - p) for v, p in zip(places, pitches, strict=True)))
    placed = dict(zip(best, pitches, strict=True))
    return [placed.get(voice, -1) for voice in range(len(VOICES))]


def _track(name: str, line: tuple[int, ...]) -> Track:
    notes, step = [], 0
    for pitch, group in groupby(line):
        length = len(list(group))
        if pitch >= 0:
            notes.append((step * SIXTEENTH, length * SIXTEENTH, pitch, _VELOCITY))
        step += length
    return Track(notes_of(notes), name=name)
