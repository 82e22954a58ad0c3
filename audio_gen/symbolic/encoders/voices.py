"""Voices: a score as gapless lines of segments, each a pitch, a chord or a rest for so long.

Rows of notes without what follows by itself: in a gapless voice each segment begins where the last one ends, so pitch
and duration say all. Twelve units a quarter hold sixteenths and triplets. A chord line stands beside the voices.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.symbolic.score import NOTE, TICKS, Chord, Notes, Score, Track
from audio_gen.symbolic.theory import NO_CHORD, QUALITIES, chord_code, chord_of_code

UNIT = TICKS // 12
LONGEST = 96  # units; what lasts longer goes on as TIE
LOWEST, HIGHEST = 24, 107
REST, TIE, PITCH = 0, 1, 2  # PITCH + p - LOWEST is MIDI pitch p
CHORD = PITCH + HIGHEST - LOWEST + 1  # CHORD + c is chord code c
SYMBOLS = CHORD + NO_CHORD + 1
ROLES = ("soprano", "alto", "tenor", "bass", "melody", "chords")
MELODY, CHORDS = 4, 5
VELOCITY = 90
Line = npt.NDArray[np.int32]  # [N, 3]: onset and duration in units, symbol


class Voices(NamedTuple):
    """Lines of equal length, each with its role (a number in `ROLES`)."""

    lines: tuple[Line, ...]
    roles: tuple[int, ...]
    units: int


def line_of(notes: Notes, units: int) -> Line:
    """A voice, rests included, up to `units`; of notes that begin together the highest, each cut where the next begins.

    A voice without overlap whose ends lie on whole units comes back exactly from `notes_of_line`.
    """
    start = (notes["onset"].astype(np.int64) + UNIT // 2) // UNIT
    until = np.maximum((notes["onset"].astype(np.int64) + notes["duration"] + UNIT // 2) // UNIT, start + 1)
    order = np.lexsort((-notes["pitch"].astype(int), start))
    order = order[np.concatenate([[True], np.diff(start[order]) > 0])] if len(order) else order
    order = order[start[order] < units]
    ends = np.minimum(until[order], np.append(start[order][1:], units))
    return _line(start[order], ends, [PITCH + _within(int(p)) - LOWEST for p in notes["pitch"][order]], units)


def _within(pitch: int) -> int:
    while not LOWEST <= pitch <= HIGHEST:
        pitch += 12 if pitch < LOWEST else -12
    return pitch


def chord_line(chords: Sequence[Chord], units: int) -> Line:
    """The chords up to `units`, no chord before the first."""
    start = np.array([(chord.onset + UNIT // 2) // UNIT for chord in chords], np.int64)
    kept = np.concatenate([np.diff(start) > 0, [True]]) & (start < units) if len(start) else np.zeros(0, bool)
    codes = [chord_code(chord.root, chord.quality) if chord.quality else NO_CHORD for chord in chords]
    start, symbols = start[kept], [CHORD + code for code, keep in zip(codes, kept, strict=True) if keep]
    if not len(start) or start[0] > 0:
        start, symbols = np.concatenate([[0], start]), [CHORD + NO_CHORD, *symbols]
    return _line(start, np.append(start[1:], units), symbols, units)


def _line(start: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], symbols: Sequence[int], units: int) -> Line:
    rows: list[tuple[int, int, int]] = []
    now = 0
    for onset, end, symbol in [*zip(start.tolist(), ends.tolist(), symbols, strict=True), (units, units, REST)]:
        rows += _split(now, onset, REST)
        rows += _split(onset, end, symbol)
        now = end
    return np.array(rows, np.int32).reshape(-1, 3)


def _split(start: int, end: int, symbol: int) -> list[tuple[int, int, int]]:
    places = range(start, end, LONGEST)
    return [(at, min(LONGEST, end - at), symbol if at == start else TIE) for at in places]


def notes_of_line(line: Line, *, velocity: int = VELOCITY) -> Notes:
    """The notes of a voice; ties lengthen what is before them."""
    begun = [row for row in _joined(line) if PITCH <= row[2] < CHORD]
    notes = np.zeros(len(begun), NOTE)
    for number, (onset, duration, symbol) in enumerate(begun):
        notes[number] = (onset * UNIT, duration * UNIT, symbol - PITCH + LOWEST, velocity)
    return notes


def chords_of_line(line: Line) -> tuple[Chord, ...]:
    """The chords of a line; equal neighbours are one."""
    found: list[Chord] = []
    for onset, _, symbol in _joined(line):
        code = symbol - CHORD if symbol >= CHORD else NO_CHORD
        root, quality = (0, "") if code == NO_CHORD else chord_of_code(code)
        if not found or (found[-1].root, found[-1].quality) != (root, quality):
            found.append(Chord(onset * UNIT, root, quality, root))
    return tuple(found)


def _joined(line: Line) -> list[tuple[int, int, int]]:
    rows: list[tuple[int, int, int]] = []
    for onset, duration, symbol in line.tolist():
        if symbol == TIE and rows:
            rows[-1] = (rows[-1][0], rows[-1][1] + duration, rows[-1][2])
        else:
            rows.append((onset, duration, symbol))
    return rows


def encode(score: Score, voices: Sequence[int], roles: Sequence[int], *, chords: bool = False) -> Voices:
    """Tracks of a score as lines with these roles, and its chords as one more, up to the end of the last bar."""
    units = -(-max(bar.end for bar in score.bars()) // UNIT)
    lines = [line_of(score.tracks[number].notes, units) for number in voices]
    if chords:
        return Voices((*lines, chord_line(score.chords, units)), (*roles, CHORDS), units)
    return Voices(tuple(lines), tuple(roles), units)


def decode(voices: Voices) -> tuple[tuple[Track, ...], tuple[Chord, ...]]:
    """Tracks and chords of the lines."""
    chords: tuple[Chord, ...] = ()
    tracks = []
    for line, role in zip(voices.lines, voices.roles, strict=True):
        if role == CHORDS:
            chords = chords_of_line(line)
        else:
            tracks.append(Track(notes_of_line(line), ROLES[role]))
    return tuple(tracks), chords


def transposed(line: Line, semitones: int) -> Line:
    """The same line so many semitones higher; pitches that leave the range move by octaves back into it."""
    moved = line.copy()
    symbol = line[:, 2]
    pitch = symbol - PITCH + semitones
    size = HIGHEST - LOWEST + 1
    pitch = np.where(pitch < 0, pitch % 12, np.where(pitch >= size, size - 12 + (pitch - size) % 12, pitch))
    code = symbol - CHORD
    turned = (code // len(QUALITIES) + semitones) % 12 * len(QUALITIES) + code % len(QUALITIES)
    is_chord = (symbol >= CHORD) & (code != NO_CHORD)
    moved[:, 2] = np.where(
        is_chord, turned + CHORD, np.where((symbol >= PITCH) & (symbol < CHORD), pitch + PITCH, symbol)
    )
    return moved


def cut(voices: Voices, start: int, end: int) -> Voices:
    """The part from unit `start` to `end`, counted from its own beginning; what sounds at its edges is cut there."""
    return Voices(tuple(_cut(line, start, end) for line in voices.lines), voices.roles, end - start)


def _cut(line: Line, start: int, end: int) -> Line:
    until = np.minimum(line[:, 0] + line[:, 1], end)
    onset = np.maximum(line[:, 0], start)
    kept = until > onset
    symbol = line[:, 2].copy()
    if kept.any():
        first = int(kept.argmax())
        begun = first  # a tie that comes first goes on with what it tied
        while symbol[begun] == TIE and begun:
            begun -= 1
        symbol[first] = symbol[begun]
    rows: Line = np.stack([onset - start, until - onset, symbol], 1)[kept].astype(np.int32)
    return rows
