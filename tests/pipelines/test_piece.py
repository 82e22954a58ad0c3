import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.pipelines.piece import Wish, measured, parse_range, pitch_name, seconds_of
from audio_gen.pipelines.sampling import choose
from audio_gen.symbolic.score import Chord, Meter, Score, Tempo, Track, notes_of

TUNE = Track(notes_of([(0, 480, 60, 90), (480, 480, 64, 90), (960, 480, 66, 90), (1440, 960, 67, 90)]))


def test_a_score_is_measured() -> None:
    score = Score((TUNE,), (Meter(0, 3, 4),), (Tempo(0, 60.0), Tempo(960, 120.0)), (), (Chord(0, 0, "maj", 0),))
    found = measured(score, key=(0, False))
    assert (found["bars"], found["meter"], found["bpm"]) == (2, "3/4", [60.0, 120.0])
    assert (found["notes"], found["notes_a_bar"], found["range"]) == (4, 2.0, "C4-G4")
    assert (found["in_key_share"], found["chord_tone_share"]) == (0.75, 0.75)
    assert seconds_of(score) == 2 + 1.5


def test_styles_may_be_told_by_a_part_of_their_name() -> None:
    styles = ("Funk / Soul", "Jazz", "Jazz Rock")
    assert Wish(style="funk").label(styles, "m") == 0
    assert Wish(style="JAZZ").label(styles, "m") == 1
    assert Wish().label(styles, "m") == 3
    with pytest.raises(ParameterError, match="Funk / Soul, Jazz, Jazz Rock"):
        Wish(style="k").label(styles, "m")


@pytest.mark.parametrize("pitch", [0, 60, 61, 127])
def test_ranges_are_read_back(pitch: int) -> None:
    low = min(pitch, 116)
    assert parse_range(f"{pitch_name(low)}-{pitch_name(low + 11)}") == (low, low + 11)


def test_choices_follow_the_chances() -> None:
    scores = torch.tensor([[0.0, 1.0, 2.0, -torch.inf]]).repeat(4000, 1)
    chance = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    shares = torch.bincount(choose(scores, chance), minlength=4) / 4000
    torch.testing.assert_close(shares, torch.softmax(scores[0], 0), atol=1e-3, rtol=0)
    assert set(choose(scores, chance, top_p=0.6).tolist()) == {2}
    assert set(choose(scores, chance, top_p=0.7).tolist()) == {1, 2}
    with pytest.raises(ParameterError, match="nothing can be chosen"):
        choose(torch.full((1, 3), -torch.inf), chance[:1])
