"""Parts of scores: where they begin and end, and what they no longer tell."""

import numpy as np
import pytest

from audio_gen.pipelines._note_part import LOUDEST, held, part, seconds_at, tick_at
from audio_gen.symbolic.score import TICKS, Chord, Key, Meter, Score, Tempo, Track, notes_of

BAR = 4 * TICKS


def test_seconds_follow_the_tempi() -> None:
    score = Score((), tempi=(Tempo(0, 120.0), Tempo(BAR, 60.0), Tempo(2 * BAR, 240.0)))
    assert seconds_at(score, [0, BAR, 2 * BAR, 3 * BAR]).tolist() == [0, 2, 6, 7]
    for seconds in (0.0, 0.7, 2.0, 3.3, 6.5, 9.0):
        assert seconds_at(score, tick_at(score, seconds)) == pytest.approx(seconds, abs=0.002)


def test_a_part_has_what_sounds_in_it() -> None:
    held, early, inside, over, after = (
        (BAR - TICKS, 2 * TICKS, 60, 80),
        (BAR - 30, 40, 61, 81),  # all but over when the part begins
        (BAR + TICKS, TICKS, 62, 82),
        (2 * BAR - TICKS, 3 * TICKS, 63, 83),
        (2 * BAR, TICKS, 64, 84),
    )
    score = Score((Track(notes_of([held, early, inside, over, after])),))
    notes = part(score, BAR, 2 * BAR).tracks[0].notes
    assert notes.tolist() == [(0, TICKS, 60, 80), (TICKS, TICKS, 62, 82), (3 * TICKS, TICKS, 63, 83)]
    assert part(score, 0, 3 * BAR).tracks[0].notes.tolist() == score.tracks[0].notes.tolist()


def test_a_drummer_who_is_early_is_in_time_for_the_part() -> None:
    hits = notes_of([(BAR - 200, 500, 38, 70), (BAR - 20, 5, 36, 90), (BAR + 10, 300, 42, 60)])
    (drums,) = part(Score((Track(hits, is_drum=True),)), BAR, 2 * BAR).tracks
    assert drums.notes.tolist() == [(0, 60, 36, 90), (10, 60, 42, 60)]


def test_drums_of_any_kit_are_general_midi() -> None:
    kit = notes_of([(n * TICKS, 30 + n, pitch, 50 + n) for n, pitch in enumerate((22, 40, 37, 58, 53, 56))])
    (drums,) = part(Score((Track(kit, "TD-11", is_drum=True),)), 0, 2 * BAR).tracks
    assert drums.notes["pitch"].tolist() == [42, 38, 38, 43, 51, 56]  # a cowbell is none of the nine
    assert set(drums.notes["duration"].tolist()) == {60}
    assert drums.notes["velocity"].tolist() == list(range(50, 56))
    (piano,) = part(Score((Track(kit),)), 0, 2 * BAR).tracks
    assert piano.notes["pitch"].tolist() == kit["pitch"].tolist()


def test_names_keys_chords_and_silent_tracks_are_gone() -> None:
    tune = Track(notes_of([(BAR, TICKS, 60, 64), (BAR + TICKS, TICKS, 62, 99)]), "Made by AI", 5)
    score = Score(
        (tune, Track(notes_of([]), "empty"), Track(notes_of([(0, 10, 60, 9)]), "before")),
        meters=(Meter(0, 4, 4), Meter(2 * BAR, 3, 4)),
        tempi=(Tempo(0, 90.0), Tempo(BAR + 7, 91.5)),
        keys=(Key(0, 2, False),),
        chords=(Chord(0, 2, "min", 2),),
    )
    found = part(score, BAR, 3 * BAR)
    assert (found.keys, found.chords) == ((), ())
    assert [(one.name, one.program) for one in found.tracks] == [("", 5)]
    assert found.meters == (Meter(0, 4, 4), Meter(BAR, 3, 4))
    assert found.tempi == (Tempo(0, 90.0), Tempo(7, 91.5))
    assert found.tracks[0].notes["velocity"].tolist() == [64, 99]


def test_signs_that_hold_are_counted_from_the_start() -> None:
    keys = (Key(0, 0, False), Key(BAR, 7, False), Key(2 * BAR, 2, True))
    assert held(keys, BAR + 5) == (Key(0, 7, False), Key(BAR - 5, 2, True))
    assert held(keys, BAR + 5, 2 * BAR) == (Key(0, 7, False),)
    assert held(keys[1:], 7) == (Key(BAR - 7, 7, False), Key(2 * BAR - 7, 2, True))  # none holds at first
    assert held((), BAR) == ()


def test_loudness_that_nobody_meant_is_the_same_everywhere() -> None:
    def score(tune: int, chords: int) -> Score:
        rows = [Track(notes_of([(0, TICKS, 60 + n, loud)])) for n, loud in enumerate((tune, chords))]
        return Score(tuple(rows))

    for loud, soft in ((100, 60), (50, 30), (80, 48)):
        levels = [int(one.notes["velocity"][0]) for one in part(score(loud, soft), 0, BAR).tracks]
        assert levels == [LOUDEST, 60]
    assert not part(Score((Track(notes_of([])),)), 0, BAR).notes


def test_a_score_is_not_changed() -> None:
    track = Track(notes_of([(0, TICKS, 40, 50)]), is_drum=True)
    part(Score((track,)), 0, BAR)
    assert np.array_equal(track.notes, notes_of([(0, TICKS, 40, 50)]))
