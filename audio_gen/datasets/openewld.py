"""OpenEWLD: lead sheets (melody and chords) of songs in the public domain, by genre.

One table, `openewld.jsonl`: a line of JSON a song, as `data/README.md` says how to make from the MusicXML files.
"""

import json
import logging
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from audio_gen.datasets._csv import Row, find_home
from audio_gen.datasets._item import Item
from audio_gen.datasets._layout import of_split
from audio_gen.errors import DatasetError, ParameterError
from audio_gen.symbolic.score import SIXTEENTH, TICKS, Chord, Key, Meter, Notes, Score, Track, notes_of
from audio_gen.symbolic.theory import estimate_key, parse_chord

LABELS: tuple[str, ...] = ()  # Discogs' genres, of which a dozen occur, some once
SOURCE = "https://github.com/00sapo/OpenEWLD, made into one openewld.jsonl"
CITATION = (
    "F. Simonetta, F. Carnovalini, N. Orio, A. Rodà: Symbolic music similarity through a graph-based representation, "
    "Audio Mostly 2018 (EWLD)"
)
LICENSE = "public-domain scores, MIT repository"
SPLITS = ("train", "valid", "test")

_TABLE = "openewld.jsonl"
_VELOCITY = 100  # lead sheets tell none
_log = logging.getLogger(__name__)


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with a score: one melody, its chords, the metre (4/4 where none is told), 120 bpm, and an estimated key.

    The file's own key signature isn't used: it is none for many, and wrong for some. Onsets are as given, so an
    upbeat begins at 0 like everything else. Label: the genre that most releases of the song have, None where none is
    known.

    Raises:
        DatasetError: the dataset, a field or the split is missing, or a line can't be read.
    """
    table = find_home(root, "openewld", SOURCE, pattern=_TABLE) / _TABLE
    try:
        lines = [line for line in table.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"can't read {table}: {error}; get the data: {SOURCE}") from error
    songs = [_song(table, number, line) for number, line in enumerate(lines, start=1)]
    everything = [Row(song["file"], table, song.get("split") or split or "", {}) for song in songs]
    by_name = dict(zip((row.id for row in everything), songs, strict=True))
    if len(by_name) < len(songs):
        raise DatasetError(f"{table} lists a file more than once; keep one line for each")
    return [_item(table, row, by_name[row.id]) for row in of_split(table, everything, split)]


def _song(table: Path, number: int, line: str) -> dict[str, Any]:
    try:
        song = json.loads(line)
        missing = {"file", "notes"} - song.keys()
    except (ValueError, AttributeError, RecursionError) as error:
        raise DatasetError(f"{table}, line {number} is no JSON object ({error}); mend it") from error
    if missing:
        raise DatasetError(f"{table}, line {number} lacks {', '.join(sorted(missing))}; add what is missing")
    return dict(song)


def _item(table: Path, row: Row, song: dict[str, Any]) -> Item:
    try:
        score = _score(song)
        ranked = {kind: sorted(song.get(kind) or (), key=lambda one: -one[1]) for kind in ("genres", "styles")}
        authors = ", ".join(song.get("authors") or ())
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
        raise DatasetError(f"{table}: the song {row.id!r} can't be read ({error}); mend its line") from error
    styles = ", ".join(name for name, _ in ranked["styles"])
    told = {
        "title": song.get("title"),
        "authors": authors,
        "styles": styles,
        "time_signature": song.get("time_signature"),
    }
    return Item(
        id=row.id,
        split=row.split,
        group=row.id,
        score=score,
        label=ranked["genres"][0][0] if ranked["genres"] else None,
        licence=LICENSE,
        extra={"package": "OpenEWLD"} | {name: str(text) for name, text in told.items() if text},
    )


def _score(song: dict[str, Any]) -> Score:
    beats, unit = map(int, (song.get("time_signature") or "4/4").split("/"))
    meter = Meter(0, beats, unit)
    melody = _one_voice([(_ticks(onset), _ticks(length), int(pitch)) for onset, length, pitch in song["notes"]])
    track = Track(melody, name="melody")
    told = [(_ticks(onset), str(name)) for onset, name in song.get("chords") or ()]
    return Score((track,), (meter,), keys=_keys(track.notes), chords=_chords(told, meter))


def _keys(notes: Notes) -> tuple[Key, ...]:
    return (estimate_key(notes),) if len(notes) else ()


def _ticks(quarters: float) -> int:
    return round(quarters * TICKS)


def _one_voice(notes: list[tuple[int, int, int]]) -> Notes:
    """The highest of those that begin together, each cut where the next begins."""
    top = [max(group, key=lambda note: note[2]) for _, group in groupby(sorted(notes), key=lambda note: note[0])]
    cut = [min(length, after[0] - onset) for (onset, length, _), after in pairwise(top)]
    lengths = cut + [length for _, length, _ in top[-1:]]
    return notes_of(
        (onset, max(1, length), pitch, _VELOCITY) for (onset, _, pitch), length in zip(top, lengths, strict=True)
    )


def _chords(told: list[tuple[int, str]], meter: Meter) -> tuple[Chord, ...]:
    """Chords by onset. Those told at one onset take turns until the next, or the bar's length, in whole 16ths.

    In the files such a pair is mostly a Dm7 G7 above one long note, of which the second has lost its place.
    """
    names: dict[int, list[str]] = {}
    for onset, name in sorted(told, key=lambda one: one[0]):
        names.setdefault(onset, []).append(name)
    found: list[Chord] = []
    for onset, until in pairwise([*names, 1 << 30]):
        free = min(meter.bar, until - onset)
        step = max(1, free // len(names[onset]) // SIXTEENTH * SIXTEENTH)
        for turn, name in enumerate(names[onset]):
            chord = _chord(onset + turn * step, name)
            if turn * step < free and not (found and found[-1][1:] == chord[1:]):
                found.append(chord)
    return tuple(found)


def _chord(onset: int, name: str) -> Chord:
    try:
        return Chord(onset, *parse_chord(name))
    except ParameterError as error:
        _log.warning("counts as no chord: %s", error)
        return Chord(onset, 0, "", 0)
