import pytest

from audio_gen.pipelines.thin import LEAST, LEAST_TONES, is_off, is_thin
from audio_gen.symbolic.score import TICKS, Notes, notes_of


def tune(count: int, pitches: int) -> Notes:
    return notes_of([(240 * n, 240, 60 + n % pitches, 80) for n in range(count)])


@pytest.mark.parametrize(("quarters", "fewest"), LEAST.items())
def test_one_note_or_pitch_less_than_the_least_is_thin(quarters: int, fewest: tuple[int, int]) -> None:
    notes, pitches = fewest
    assert not is_thin(tune(notes, pitches), quarters * TICKS)
    assert is_thin(tune(notes - 1, min(pitches, max(1, notes - 1))), quarters * TICKS)
    assert is_thin(tune(100, pitches - 1) if pitches > 1 else tune(0, 1), quarters * TICKS)


def test_between_two_lengths_notes_a_quarter_count() -> None:
    assert is_thin(tune(19, 4), 48 * TICKS)  # 13 / 32 * 48 = 19.5
    assert not is_thin(tune(20, 4), 48 * TICKS)
    assert is_thin(tune(400, 6), 1000 * TICKS)


def test_of_a_bar_of_three_quarters_nothing_is_said() -> None:
    assert not is_thin(tune(0, 1), 3 * TICKS)


def test_a_tune_with_fewer_chord_tones_than_the_least_is_off_its_chords() -> None:
    for quarters, least in LEAST_TONES.items():
        assert is_off(least - 0.001, quarters * TICKS)
        assert not is_off(least, quarters * TICKS)
    assert is_off(0.3, 48 * TICKS)  # as of 32 quarters
    assert not is_off(0.3, 24 * TICKS)  # as of 16
    assert not is_off(0.0, 4 * TICKS)
    assert not is_off(None, 32 * TICKS)
