"""A score as one table of whole numbers and back, so that scores can lie one after the other in one array.

A row is `[kind, a, b, c, d, e]`; what its kind doesn't need is 0:

    0 track   program, is_drum
    1 note    onset, duration, pitch, velocity (of the track above it)
    2 metre   onset, beats, unit
    3 tempo   onset, thousandths of a quarter a minute
    4 key     onset, tonic, minor
    5 chord   onset, root, place of its quality in `theory.QUALITIES` (-1: no chord), bass

The way back is exact, but for names of tracks, which are left out, and tempi, which are rounded to a thousandth.
"""

from collections.abc import Sequence

import numpy as np

from audio_gen.errors import ParameterError
from audio_gen.symbolic.score import NOTE, Chord, Key, Meter, Rows, Score, Tempo, Track
from audio_gen.symbolic.theory import QUALITIES

COLUMNS = 6
TRACK_ROW, NOTE_ROW, METER_ROW, TEMPO_ROW, KEY_ROW, CHORD_ROW = range(6)


def to_rows(score: Score) -> Rows:
    """int32 `[N, 6]`: all that the score holds but for names of tracks.

    Raises:
        ParameterError: a chord of a quality that isn't in `theory.QUALITIES`.
    """
    parts = [
        _block(METER_ROW, list(score.meters)),
        _block(TEMPO_ROW, [(tempo.onset, round(1000 * tempo.bpm)) for tempo in score.tempi]),
        _block(KEY_ROW, list(score.keys)),
        _block(CHORD_ROW, [(one.onset, one.root, _place(one), one.bass) for one in score.chords]),
    ]
    for track in score.tracks:
        parts.append(_block(TRACK_ROW, [(track.program, track.is_drum)]))
        columns = [track.notes[name].astype(np.int32) for name in NOTE.names or ()]
        kind, rest = np.full(len(track.notes), NOTE_ROW, np.int32), np.zeros(len(track.notes), np.int32)
        parts.append(np.stack([kind, *columns, rest], axis=1))
    return np.concatenate(parts)


def from_rows(rows: Rows) -> Score:
    """The score that `to_rows` wrote down; its tracks are called "".

    Raises:
        ParameterError: not such a table.
    """
    if rows.ndim != 2 or rows.shape[1] != COLUMNS or not np.issubdtype(rows.dtype, np.integer):
        raise ParameterError(f"a table of a score is int32 [N, {COLUMNS}], not {rows.dtype} {list(rows.shape)}")
    kinds = rows[:, 0]
    if len(rows) and not TRACK_ROW <= kinds.min() <= kinds.max() <= CHORD_ROW:
        raise ParameterError(f"a row's kind is {TRACK_ROW} to {CHORD_ROW}, not {kinds.min()} to {kinds.max()}")
    heads = np.flatnonzero(kinds == TRACK_ROW)
    played = np.flatnonzero(kinds == NOTE_ROW)
    if len(played) and (not len(heads) or played[0] < heads[0]):
        raise ParameterError(f"row {played[0]} is a note before the first track")
    chords = [(onset, root, place, bass) for _, onset, root, place, bass, _ in rows[kinds == CHORD_ROW].tolist()]
    if wrong := [place for _, _, place, _ in chords if not -1 <= place < len(QUALITIES)]:
        raise ParameterError(f"a chord's quality is -1 to {len(QUALITIES) - 1}, not {wrong[0]}")
    return Score(
        tuple(_track(part) for part in np.split(rows, heads)[1:]),
        tuple(Meter(*row[1:4]) for row in rows[kinds == METER_ROW].tolist()),
        tuple(Tempo(row[1], row[2] / 1000) for row in rows[kinds == TEMPO_ROW].tolist()),
        tuple(Key(row[1], row[2], bool(row[3])) for row in rows[kinds == KEY_ROW].tolist()),
        tuple(Chord(onset, root, QUALITIES[place] if place >= 0 else "", bass) for onset, root, place, bass in chords),
    )


def _block(kind: int, lines: Sequence[Sequence[int]]) -> Rows:
    return np.array([(kind, *line, *(0,) * (COLUMNS - 1 - len(line))) for line in lines], np.int32).reshape(-1, COLUMNS)


def _place(chord: Chord) -> int:
    if chord.quality and chord.quality not in QUALITIES:
        raise ParameterError(f"a chord's quality is one of {', '.join(QUALITIES)}, not {chord.quality!r}")
    return QUALITIES.index(chord.quality) if chord.quality else -1


def _track(rows: Rows) -> Track:
    """The track whose header is the first of these rows."""
    lines = rows[rows[:, 0] == NOTE_ROW, 1:5]
    if len(lines) and (lines[:, 2:].min() < 0 or lines[:, 2:].max() > 127):
        raise ParameterError("pitch and velocity are 0-127; this table holds others")
    notes = np.zeros(len(lines), NOTE)
    for name, column in zip(NOTE.names or (), lines.T, strict=True):
        notes[name] = column
    return Track(notes, program=int(rows[0, 1]), is_drum=bool(rows[0, 2]))
