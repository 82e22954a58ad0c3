"""Score: what it holds, and that quantising takes nothing away that can't be put back."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_gen.errors import ParameterError
from audio_gen.symbolic.score import (
    LONGEST,
    NOTE,
    SIXTEENTH,
    TICKS,
    Bar,
    Chord,
    Key,
    Meter,
    Score,
    Tempo,
    Track,
    notes_of,
)

quick = settings(max_examples=100, deadline=None, database=None)
rows = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(1, 2000), st.integers(0, 127), st.integers(1, 127)), max_size=40
)


@quick
@given(rows)
def test_a_track_is_sorted_and_no_pitch_sounds_twice(found: list[tuple[int, int, int, int]]) -> None:
    notes = Track(notes_of(found)).notes
    places = list(zip(notes["onset"].tolist(), notes["pitch"].tolist(), strict=True))
    assert places == sorted({(onset, pitch) for onset, _, pitch, _ in found})
    for onset, duration, pitch, velocity in notes.tolist():
        there = [row for row in found if (row[0], row[2]) == (onset, pitch)]
        assert velocity == max(row[3] for row in there)
        later = [row[0] for row in found if row[2] == pitch and row[0] > onset]
        assert onset + duration <= min(later, default=LONGEST)
        lengths = [row[1] for row in there if row[3] == velocity]
        assert duration in [min([length, *(start - onset for start in later)]) for length in lengths]


@quick
@given(rows, st.sampled_from([1, 7, 60, SIXTEENTH, 160, 1920]))
def test_quantised_timing_can_be_put_back(found: list[tuple[int, int, int, int]], grid: int) -> None:
    score = Score((Track(notes_of(found), "a", 3), Track(notes_of([]))))
    snapped, residuals = quantised = score.quantise(grid)
    notes = snapped.tracks[0].notes
    assert not (notes["onset"] % grid).any()
    assert not (notes["duration"] % grid).any()
    assert (2 * np.abs(residuals[0][:, 0]) <= grid).all()
    assert len(residuals[0]) == len(notes)
    onsets = score.tracks[0].notes["onset"].astype(int)
    apart = len(
        {
            ((onset + grid // 2) // grid, pitch)
            for onset, pitch in zip(onsets, score.tracks[0].notes["pitch"], strict=True)
        }
    )
    assert len(notes) == apart
    if apart == score.notes:
        assert quantised.restored() == score
    assert snapped.quantise(grid).score == snapped


def test_of_two_that_fall_together_the_louder_stays() -> None:
    score = Score((Track(notes_of([(110, 50, 60, 70), (130, 50, 60, 90), (115, 50, 62, 1)])),))
    snapped = score.quantise(SIXTEENTH).score
    assert snapped.tracks[0].notes.tolist() == [(120, 120, 60, 90), (120, 120, 62, 1)]
    assert score.quantise(SIXTEENTH).restored().tracks[0].notes["onset"].tolist() == [115, 130]


def test_a_repeated_pitch_cuts_the_note_before() -> None:
    track = Track(notes_of([(0, 1000, 60, 80), (480, 10, 60, 80), (0, 1000, 61, 80)]))
    assert track.notes["duration"].tolist() == [480, 1000, 10]
    assert track.polyphonic
    assert not Track(notes_of([(0, 480, 60, 80), (480, 480, 72, 80)])).polyphonic
    assert not Track(notes_of([])).polyphonic


def test_bars_follow_the_metres() -> None:
    meters = (Meter(0, 1, 4), Meter(480, 3, 4), Meter(480 + 2 * 1440 + 100, 7, 8))
    bars = Score((Track(notes_of([(5000, 481, 60, 80)])),), meters).bars()
    assert [(bar.start, bar.end) for bar in bars] == [
        (0, 480),
        (480, 1920),
        (1920, 3360),
        (3360, 3460),
        (3460, 5140),
        (5140, 6820),
    ]
    assert bars[3] == Bar(3360, 3460, meters[1])
    assert [bar.end for bar in Score(()).bars()] == [4 * TICKS]
    assert Score((Track(notes_of([(0, 1920, 60, 80)])),)).bars() == [Bar(0, 1920, Meter(0, 4, 4))]


def test_a_score_is_a_value() -> None:
    one, other = (Score((Track(notes_of([(0, 480, 60, 80)]), "a"),)) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Score((Track(notes_of([(0, 480, 60, 81)]), "a"),))
    assert one != Score((Track(notes_of([(0, 480, 60, 80)]), "b"),))
    assert one.tracks[0] != "a"
    with pytest.raises(ValueError, match="read-only"):
        one.tracks[0].notes["pitch"][0] = 1
    with pytest.raises(FrozenInstanceError):
        one.tracks = ()  # type: ignore[misc]
    changed = one.with_track(0, Track(notes_of([(0, 1, 1, 1)])))
    assert (changed.end, one.end, changed.notes, Score(()).end) == (1, 480, 1, 0)


def test_the_callers_array_stays_as_it_was() -> None:
    given_notes = np.array([(480, 10, 60, 80), (0, 900, 60, 80)], NOTE)
    track = Track(given_notes)
    assert given_notes["duration"].tolist() == [10, 900]
    given_notes["pitch"] = 1
    assert track.notes["pitch"].tolist() == [60, 60]


@pytest.mark.parametrize(
    "row", [(-1, 1, 60, 80), (0, 0, 60, 80), (0, 1, 128, 80), (0, 1, 60, 0), (0, 1, 60, 128), (LONGEST, 1, 60, 1)]
)
def test_what_is_no_note_is_refused(row: tuple[int, int, int, int]) -> None:
    with pytest.raises(ParameterError, match=str(row[0])):
        Track(notes_of([(0, 1, 60, 80), row]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"meters": ()}, "first of meters"),
        ({"meters": (Meter(5, 4, 4),)}, "first of meters"),
        ({"meters": (Meter(0, 0, 4),)}, "0/4"),
        ({"meters": (Meter(0, 3, 5),)}, "3/5"),
        ({"tempi": (Tempo(0, 100), Tempo(0, 90))}, "rise"),
        ({"tempi": (Tempo(0, 0.5),)}, "0.5"),
        ({"tempi": (Tempo(0, float("nan")),)}, "nan"),
        ({"keys": (Key(0, 12, False),)}, "12"),
        ({"chords": (Chord(0, 3, "maj", -1),)}, "-1"),
        ({"chords": (Chord(-5, 3, "maj", 3),)}, "-5"),
    ],
)
def test_what_is_no_score_is_refused(changes: dict[str, tuple[object, ...]], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Score((), **changes)  # type: ignore[arg-type]


def test_programs_and_grids_have_their_range() -> None:
    with pytest.raises(ParameterError, match="128"):
        Track(notes_of([]), program=128)
    for grid in (0, 1921):
        with pytest.raises(ParameterError, match=str(grid)):
            Score(()).quantise(grid)
