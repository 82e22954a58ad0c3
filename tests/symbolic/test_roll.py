import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_gen.errors import ParameterError
from audio_gen.symbolic.encoders.roll import PITCHES, from_roll, to_roll
from audio_gen.symbolic.score import SIXTEENTH, Track, notes_of

notes = st.lists(st.tuples(st.integers(0, 31), st.integers(1, 40), st.integers(0, PITCHES - 1)), max_size=30)


@given(notes, st.integers(0, 80))
def test_notes_on_the_grid_come_back_exactly(rows: list[tuple[int, int, int]], lowest: int) -> None:
    cut = [(on * SIXTEENTH, min(length, 32 - on) * SIXTEENTH, lowest + pitch, 80) for on, length, pitch in rows]
    track = Track(notes_of(cut))
    back = from_roll(to_roll(track.notes, 2, lowest=lowest), lowest=lowest)
    assert np.array_equal(back, track.notes)


@given(st.integers(0, 2**32 - 1))
def test_every_picture_is_music_that_comes_back(seed: int) -> None:
    picture = np.random.default_rng(seed).random((2, 2, 16, PITCHES))
    track = Track(from_roll(picture))
    assert len(track.notes) == (picture[0] > 0.5).sum()
    assert np.array_equal(from_roll(to_roll(track.notes, 2)), track.notes)


def test_by_hand() -> None:
    roll = to_roll(notes_of([(0, 2 * SIXTEENTH, 48, 99), (17 * SIXTEENTH, SIXTEENTH, 95, 1)]), 3)
    assert roll.shape == (2, 3, 16, 48)
    assert np.argwhere(roll[0]).tolist() == [[0, 0, 0], [1, 1, 47]]
    assert np.argwhere(roll[1]).tolist() == [[0, 0, 0], [0, 1, 0], [1, 1, 47]]


def test_a_repeated_note_begins_anew() -> None:
    twice = notes_of([(0, SIXTEENTH, 60, 80), (SIXTEENTH, SIXTEENTH, 60, 80)])
    held = notes_of([(0, 2 * SIXTEENTH, 60, 80)])
    assert np.array_equal(to_roll(twice, 1)[1], to_roll(held, 1)[1])
    assert len(from_roll(to_roll(twice, 1))) == 2
    assert len(from_roll(to_roll(held, 1))) == 1


@pytest.mark.parametrize(
    "note",
    [
        (1, SIXTEENTH, 60, 80),
        (0, SIXTEENTH + 1, 60, 80),
        (0, SIXTEENTH, 47, 80),
        (0, SIXTEENTH, 96, 80),
        (15 * SIXTEENTH, 2 * SIXTEENTH, 60, 80),
    ],
)
def test_a_note_that_does_not_fit_is_named(note: tuple[int, int, int, int]) -> None:
    with pytest.raises(ParameterError, match="quantise") as error:
        to_roll(notes_of([(0, SIXTEENTH, 60, 80), note]), 1)
    assert str(note) in str(error.value)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ParameterError, match="48"):
        from_roll(np.zeros((2, 1, 12, 48)))
    with pytest.raises(ParameterError, match="0-80"):
        from_roll(np.zeros((2, 1, 16, 48)), lowest=81)
