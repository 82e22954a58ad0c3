"""The table of a score: there and back."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from audio_gen.errors import ParameterError
from audio_gen.symbolic.score import Chord, Key, Meter, Score, Tempo, Track, notes_of
from audio_gen.symbolic.table import COLUMNS, from_rows, to_rows
from audio_gen.symbolic.theory import QUALITIES

TICK = some.integers(0, 1 << 20)
CLASS = some.integers(0, 11)
NOTE = some.tuples(TICK, some.integers(1, 1 << 20), some.integers(0, 127), some.integers(1, 127))


def by_onset(rest: Any, *, first: bool = False) -> Any:
    """(onset, rest ...) with rising onsets; where `first`, from 0 on."""
    onsets = some.sets(TICK, max_size=4).map(lambda found: sorted(found | {0} if first else found))
    return onsets.flatmap(
        lambda ticks: some.tuples(*(rest.map(lambda told, tick=tick: (tick, *told)) for tick in ticks))
    )


@some.composite
def score(draw: Any) -> Score:
    tracks = draw(
        some.lists(some.tuples(some.lists(NOTE, max_size=8), some.integers(0, 127), some.booleans()), max_size=3)
    )
    chord = some.tuples(CLASS, some.sampled_from(QUALITIES), CLASS) | some.just((0, "", 0))
    tempo = some.tuples(some.integers(1000, 1_000_000).map(lambda thousandths: thousandths / 1000))
    meter = some.tuples(some.integers(1, 64), some.sampled_from((1, 2, 4, 8, 16, 32, 64)))
    return Score(
        tuple(Track(notes_of(notes), program=program, is_drum=drums) for notes, program, drums in tracks),
        tuple(Meter(*told) for told in draw(by_onset(meter, first=True))),
        tuple(Tempo(*told) for told in draw(by_onset(tempo, first=True))),
        tuple(Key(*told) for told in draw(by_onset(some.tuples(CLASS, some.booleans())))),
        tuple(Chord(*told) for told in draw(by_onset(chord))),
    )


@settings(max_examples=30, deadline=None)
@given(score())
def test_there_and_back_is_exact(whole: Score) -> None:
    rows = to_rows(whole)
    assert (rows.dtype, rows.shape[1]) == (np.int32, COLUMNS)
    assert from_rows(rows) == whole
    assert np.array_equal(to_rows(from_rows(rows)), rows)


def test_names_are_lost_and_tempi_rounded_to_a_thousandth() -> None:
    whole = Score((Track(notes_of([(0, 480, 60, 90)]), name="flute", program=73),), tempi=(Tempo(0, 118.000473),))
    back = from_rows(to_rows(whole))
    assert back.tracks == (Track(whole.tracks[0].notes, program=73),)
    assert back.tempi == (Tempo(0, 118.0),)


def test_an_unknown_quality_is_told() -> None:
    with pytest.raises(ParameterError, match=r"one of maj, .*'m11'"):
        to_rows(Score((), chords=(Chord(0, 0, "m11", 0),)))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (np.zeros((3, 5), np.int32), "table of a score"),
        (np.zeros((3, 6)), "float64"),
        (np.array([[6, 0, 0, 0, 0, 0]], np.int32), "kind is 0 to 5"),
        (np.array([[1, 0, 9, 60, 90, 0], [0, 0, 0, 0, 0, 0]], np.int32), "row 0 is a note before the first track"),
        (np.array([[0, 0, 0, 0, 0, 0], [1, 0, 9, 200, 90, 0]], np.int32), "pitch and velocity"),
        (np.array([[0, 0, 0, 0, 0, 0], [1, -1, 9, 60, 90, 0]], np.int32), "onset from 0"),
        (np.array([[5, 0, 0, 9, 0, 0]], np.int32), "quality is -1 to 8, not 9"),
        (np.zeros((0, 6), np.int32), "meters"),
    ],
)
def test_what_is_no_table_is_told(rows: Any, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        from_rows(rows)
