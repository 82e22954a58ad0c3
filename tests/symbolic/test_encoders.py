import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_gen.errors import ParameterError
from audio_gen.symbolic.encoders import drums, melody, voices
from audio_gen.symbolic.score import SIXTEENTH, TICKS, Chord, Key, Meter, Score, Track, notes_of
from audio_gen.symbolic.theory import NO_CHORD, chord_code

FIRST = [pitches[0] for pitches in drums.DRUMS.values()]
CELLS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 8), st.integers(1, 127), st.integers(-59, 60)),
    min_size=1,
    unique_by=lambda cell: cell[:2],
)


@given(CELLS)
def test_a_drum_grid_comes_back_tick_for_tick(cells: list[tuple[int, int, int, int]]) -> None:
    rows = [(max(0, step * SIXTEENTH + late), drums.LENGTH, FIRST[drum], loud) for step, drum, loud, late in cells]
    track = Track(notes_of(rows), "drums", is_drum=True)
    made = drums.encode(track.notes)
    assert (made.merged, made.unknown) == (0, 0)
    assert ((made.grid[..., drums.OFFSET] > -0.5) & (made.grid[..., drums.OFFSET] <= 0.5)).all()
    back = drums.decode(made.grid)
    for name in ("onset", "pitch", "velocity"):
        assert np.array_equal(back.notes[name], track.notes[name])


def test_what_a_drum_grid_cannot_hold_is_counted() -> None:
    notes = notes_of([(0, 10, 36, 90), (30, 10, 35, 60), (240, 10, 90, 100), (960, 10, 38, 70)])
    made = drums.encode(notes, 4)
    assert (made.merged, made.unknown, len(made.grid)) == (1, 1, 4)
    assert made.grid[0, 0].tolist() == pytest.approx([1, 90 / 127, 0])
    assert made.grid[..., drums.HIT].sum() == 1  # the snare lies behind the end
    with pytest.raises(ParameterError, match="no drum to encode"):
        drums.encode(notes_of([(0, 10, 90, 100)]))


def test_steps_know_their_place_in_the_bar() -> None:
    score = Score((), meters=(Meter(0, 3, 4), Meter(3 * TICKS, 4, 4)))
    assert drums.bar_positions(score, 30).tolist() == [*range(12), *range(16), 0, 1]


def one_voice(rows: list[tuple[int, int, int]], unit: int) -> Track:
    """Rests and lengths in units."""
    notes, now = [], 0
    for rest, length, pitch in rows:
        notes.append((unit * (now + rest), unit * length, pitch, 90))
        now += rest + length
    return Track(notes_of(notes), "melody")


VOICE = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 40), st.integers(30, 100)), min_size=1, max_size=30)


@given(VOICE)
def test_a_melody_on_the_grid_comes_back_exactly(rows: list[tuple[int, int, int]]) -> None:
    track = one_voice(rows, SIXTEENTH)
    grid = melody.encode(Score((track,), keys=(Key(0, 2, False),)), 0)
    assert len(grid.tokens) % 16 == 0
    assert np.array_equal(melody.decode(grid.tokens, velocity=90).notes, track.notes)
    assert set(np.flatnonzero(grid.tokens == melody.REST)).isdisjoint(track.notes["onset"] // SIXTEENTH)


@given(VOICE, st.integers(-24, 24))
def test_transposing_keeps_pitch_classes_and_rhythm(rows: list[tuple[int, int, int]], semitones: int) -> None:
    tokens = melody.encode(Score((one_voice(rows, SIXTEENTH),)), 0).tokens
    moved = melody.transposed_tokens(tokens, semitones)
    sung = tokens >= melody.FIRST
    assert np.array_equal(moved[~sung], tokens[~sung])
    assert ((moved - tokens - semitones)[sung] % 12 == 0).all()
    assert moved[sung].min() >= melody.FIRST
    assert moved[sung].max() < melody.TOKENS


def test_chords_stand_at_their_steps() -> None:
    chords = (Chord(TICKS, 2, "m7", 2), Chord(2 * TICKS, 0, "", 0))
    codes = melody.chord_steps(chords, 12)
    assert codes.tolist() == [NO_CHORD] * 4 + [chord_code(2, "m7")] * 4 + [NO_CHORD] * 4
    assert melody.transposed_chords(codes, -2).tolist() == [NO_CHORD] * 4 + [chord_code(0, "m7")] * 4 + [NO_CHORD] * 4


@given(VOICE)
def test_a_voice_of_lines_comes_back_exactly(rows: list[tuple[int, int, int]]) -> None:
    track = one_voice(rows, voices.UNIT)
    units = int((track.notes["onset"] + track.notes["duration"]).max()) // voices.UNIT
    line = voices.line_of(track.notes, units)
    assert line[0, 0] == 0
    assert np.array_equal(line[1:, 0], (line[:, 0] + line[:, 1])[:-1])  # gapless
    assert line[-1, 0] + line[-1, 1] == units
    assert line[:, 1].max() <= voices.LONGEST
    assert np.array_equal(voices.notes_of_line(line), track.notes)


def test_chords_are_a_line_too() -> None:
    chords = (Chord(TICKS, 2, "m7", 2), Chord(5 * TICKS, 7, "7", 7))
    line = voices.chord_line(chords, 144)
    assert line[:, 1].tolist() == [12, 48, 84]
    none = Chord(0, 0, "", 0)
    assert voices.chords_of_line(line) == (none, *chords)
    assert [chord.root for chord in voices.chords_of_line(voices.transposed(line, 3))] == [0, 5, 10]


@given(VOICE, st.integers(0, 200), st.integers(1, 200))
def test_a_part_of_a_line_is_gapless_and_sounds_the_same(
    rows: list[tuple[int, int, int]], start: int, size: int
) -> None:
    track = one_voice(rows, voices.UNIT)
    units = max(start + size, int((track.notes["onset"] + track.notes["duration"]).max()) // voices.UNIT)
    whole = voices.Voices((voices.line_of(track.notes, units),), (voices.MELODY,), units)
    (line,) = voices.cut(whole, start, start + size).lines
    assert line[0, 0] == 0
    assert np.array_equal(line[1:, 0], (line[:, 0] + line[:, 1])[:-1])
    assert line[:, 1].sum() == size

    def sounding(line: voices.Line) -> list[int]:
        found: list[int] = []
        for _, duration, symbol in line.tolist():
            found += [found[-1] if symbol == voices.TIE else symbol] * duration
        return found

    assert sounding(line) == sounding(whole.lines[0])[start : start + size]


def test_a_score_becomes_lines_and_back() -> None:
    track = Track(notes_of([(0, TICKS, 60, 90), (TICKS, 2 * TICKS, 64, 90)]), "melody")
    score = Score((track,), chords=(Chord(0, 0, "maj", 0), Chord(2 * TICKS, 7, "7", 7)))
    lines = voices.encode(score, (0,), (voices.MELODY,), chords=True)
    assert lines.units == 48
    tracks, chords = voices.decode(lines)
    assert np.array_equal(tracks[0].notes, track.notes)
    assert chords == score.chords
