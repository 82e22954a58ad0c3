import numpy as np
import pytest

from audio_gen.pipelines.accompaniment import (
    DEEPEST,
    LOWEST,
    NAME,
    accompanied,
    block_chords,
    diatonic,
    key_of_chords,
    room_for_chords,
)
from audio_gen.symbolic.score import Chord, Notes, Score, Track, notes_of
from audio_gen.symbolic.theory import chord_name, chord_of_code

CHORDS = (Chord(0, 2, "m7", 2), Chord(1920, 7, "7", 11), Chord(3840, 0, "maj", 0))


def tune(*pitches: int) -> Notes:
    return notes_of([(480 * n, 480, pitch, 80) for n, pitch in enumerate(pitches)])


@pytest.mark.parametrize("lowest", range(DEEPEST, 61, 5))
def test_chords_lie_in_their_octave_over_their_bass(lowest: int) -> None:
    notes = block_chords(CHORDS, 5760, lowest).notes
    bass, above = notes[notes["pitch"] < lowest], notes[notes["pitch"] >= lowest]
    assert (bass["pitch"] % 12).tolist() == [2, 11, 0]
    assert bass["pitch"].min() >= lowest - 12
    assert above["pitch"].max() < lowest + 12
    assert [set((above["pitch"][above["onset"] == one.onset] % 12).tolist()) for one in CHORDS] == [
        {2, 5, 9, 0},
        {7, 11, 2, 5},
        {0, 4, 7},
    ]


@pytest.mark.parametrize("low", [72, 60, 55, 52, 48])
def test_chords_lie_below_a_tune(low: int) -> None:
    score = Score((Track(tune(*[low + step for step in (0, 2, 4, 5, 7, 9, 11, 12)]), "tune"),), chords=CHORDS)
    made = accompanied(score, 0, 0, 5760, program=24)
    assert made.tracks[1].name == NAME
    assert made.tracks[0] == score.tracks[0]
    assert made.tracks[1].notes["pitch"].max() < low
    assert room_for_chords(score.tracks[0].notes) == min(LOWEST, low - 12)


def test_chords_lie_above_a_bass_and_one_low_note_moves_none() -> None:
    assert room_for_chords(tune(40, 45, 50, 52)) == 53
    assert room_for_chords(tune(*[72] * 19, 40)) == LOWEST
    assert room_for_chords(tune(40, 84)) == DEEPEST
    assert room_for_chords(tune()) == LOWEST


def test_chords_go_on_where_they_lay() -> None:
    given = Score((Track(tune(72, 74), "tune"),), chords=CHORDS)
    before = accompanied(given, 0, 0, 1920, program=24)
    lower = before.with_track(0, Track(notes_of([*given.tracks[0].notes.tolist(), (1920, 480, 50, 80)]), "tune"))
    after = accompanied(lower, 0, 1920, 5760, program=None)
    assert after.tracks[1].notes["pitch"].max() >= LOWEST + 7


def test_the_key_of_chords_is_that_of_those_that_last() -> None:
    assert key_of_chords((), 1920) == (0, False)
    assert key_of_chords((Chord(0, 0, "", 0),), 1920) == (0, False)
    fifth = (Chord(0, 0, "maj", 0), Chord(1920, 4, "maj", 4))
    assert key_of_chords(fifth, 2040) == (0, False)
    assert key_of_chords(fifth, 1920 * 9) == (4, False)
    assert key_of_chords(CHORDS, 1920) == key_of_chords(CHORDS[:1], 1920)  # what begins at the end isn't heard


@pytest.mark.parametrize("tonic", [0, 9])
@pytest.mark.parametrize(
    ("minor", "names"),
    [
        (False, "C Dm Em F G Am Bdim Cmaj7 Dm7 Em7 Fmaj7 G7 Am7 Bm7b5 Csus4 Dsus4 Esus4 Gsus4 Asus4"),
        (
            True,
            "Cm Ddim Eb Fm Gm Ab Bb Cm7 Dm7b5 Ebmaj7 Fm7 Gm7 Abmaj7 Bb7 Csus4 Ebsus4 Fsus4 Gsus4 Bbsus4 G G7 Bdim",
        ),
    ],
)
def test_chords_in_key(tonic: int, minor: bool, names: str) -> None:
    chords = [chord_of_code(int(code)) for code in np.flatnonzero(diatonic(tonic, minor))]
    assert {chord_name((root - tonic) % 12, quality) for root, quality in chords} == set(names.split())
