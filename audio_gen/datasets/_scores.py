"""Arrays of kind "score": each track's table of notes (`symbolic.table`), one after the other."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from audio_gen.datasets._arrays import Arrays, Track
from audio_gen.datasets._item import Item
from audio_gen.datasets._performances import PAIRED, pair_of
from audio_gen.errors import DatasetError
from audio_gen.symbolic.files import read_notes
from audio_gen.symbolic.lead_sheet import abc_tunes, read_tune
from audio_gen.symbolic.score import Score
from audio_gen.symbolic.table import NOTE_ROW, from_rows

_ORDER = ("train", "valid", "test")


def score_of(item: Item) -> Score:
    """The item's notes, read from its file (where that holds several tunes, the one in `extra`) or already there.

    Of a performance that is aligned with its score these are both, in two tracks (`_performances`).

    Raises:
        DatasetError: it has neither notes nor a file.
        DecodeError: its file holds no notes that can be read.
    """
    if item.score is not None:
        return item.score
    if item.targets.get(PAIRED):
        return pair_of(item)
    if item.path is None:
        raise DatasetError(f"{item.id} has no notes, only a picture; prepare it with `--as image`")
    if "tune" in item.extra:
        return _tune(item.path, int(item.extra["tune"]))
    return read_notes(item.path)


def _tune(path: Path, number: int) -> Score:
    """One of a file of tunes in ABC, counted from 1 on."""
    tunes = abc_tunes(path.read_text(encoding="utf-8", errors="replace"))
    return read_tune(tunes[number - 1], f"{path}, tune {number}")[1]


def scores(arrays: Arrays, split: str | None = None) -> list[tuple[Track, Score]]:
    """Labels and score of each track of `split`, of all when None.

    Raises:
        DatasetError: arrays of another kind, or no such split.
    """
    if arrays.kind != "score":
        raise DatasetError(f"these are {arrays.kind} arrays, not scores: `audio-gen prepare --as score ...`")
    numbers = range(len(arrays.tracks)) if split is None else arrays.chosen(split)
    bounds = list(pairwise(arrays.index.tolist()))
    return [(arrays.tracks[number], from_rows(arrays.mel[slice(*bounds[number])])) for number in numbers]


def contents(arrays: Arrays) -> Iterator[tuple[int, bytes]]:
    """Number of each track that has notes, and a digest of them: the same at another tempo, or in another key, too.

    Programs, metres, tempi and chords don't count, so that what differs in nothing but its labels is one content.
    """
    for number, (start, end) in enumerate(pairwise(arrays.index.tolist())):
        rows = arrays.mel[start:end]
        notes = rows[rows[:, 0] == NOTE_ROW, 1:5].copy()
        if len(notes):
            notes[:, 0] -= notes[:, 0].min()
            order = np.lexsort(notes.T)
            yield number, hashlib.sha256(notes[order].tobytes()).digest()


def without_copies(arrays: Arrays) -> tuple[Arrays, list[str]]:
    """Leave out tracks whose notes a later split has too (train before valid before test); a note for each.

    Official splits hold such copies (a bar of a drum fill is soon played twice), and are compared by, so what is
    measured stays whole and what is taught gives way.
    """
    last: dict[bytes, int] = {}
    found = dict(contents(arrays))
    for number, content in found.items():
        if arrays.tracks[number].split in _ORDER:
            last[content] = max(number, last.get(content, number), key=lambda one: _place(arrays.tracks[one]))
    notes, kept = [], []
    for number, track in enumerate(arrays.tracks):
        other = arrays.tracks[last.get(found.get(number, b""), number)]
        if track.split in _ORDER and _place(other) > _place(track):
            notes.append(f"left out: {track.id!r} ({track.split}) has the notes of {other.id!r} ({other.split})")
        else:
            kept.append(number)
    return (_chosen(arrays, kept) if notes else arrays), notes


def _place(track: Track) -> int:
    return _ORDER.index(track.split)


def _chosen(arrays: Arrays, numbers: list[int]) -> Arrays:
    parts = [arrays.mel[arrays.index[number] : arrays.index[number + 1]] for number in numbers]
    index = np.cumsum([0, *map(len, parts)])
    return replace(
        arrays, mel=np.concatenate(parts), index=index, tracks=tuple(arrays.tracks[number] for number in numbers)
    )
