import pytest

from audio_gen.pipelines.accompaniment import DEEPEST, LOWEST, NAME, accompanied, block_chords, room_for_chords
from audio_gen.symbolic.score import Chord, Notes, Score, Track, notes_of

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
