from typing import Any

import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.pipelines.piece import Wish, measured, seconds_of
from audio_gen.pipelines.sampling import choose
from audio_gen.pipelines.wish_words import parse_program, parse_range, pitch_name
from audio_gen.symbolic.score import Chord, Meter, Score, Tempo, Track, notes_of

TUNE = Track(notes_of([(0, 480, 60, 90), (480, 480, 64, 90), (960, 480, 66, 90), (1440, 960, 67, 90)]))


def test_a_score_is_measured() -> None:
    score = Score((TUNE,), (Meter(0, 3, 4),), (Tempo(0, 60.0), Tempo(960, 120.0)), (), (Chord(0, 0, "maj", 0),))
    found = measured(score, key=(0, False))
    assert (found["bars"], found["meter"], found["bpm"]) == (2, "3/4", [60.0, 120.0])
    assert (found["notes"], found["notes_a_bar"], found["range"]) == (4, 2.0, "C4-G4")
    assert (found["in_key_share"], found["chord_tone_share"]) == (0.75, 0.75)
    assert seconds_of(score) == 2 + 1.5


def test_tempi_are_rounded() -> None:
    score = Score((TUNE,), tempi=(Tempo(0, 119.99988), Tempo(960, 97.1234567)))
    assert measured(score)["bpm"] == [120.0, 97.123]


def test_styles_may_be_told_by_a_part_of_their_name() -> None:
    styles = ("Funk / Soul", "Jazz", "Jazz Rock")
    assert Wish(style="funk").label(styles, "m") == 0
    assert Wish(style="JAZZ").label(styles, "m") == 1
    assert Wish().label(styles, "m") == 3
    with pytest.raises(
        ParameterError, match=r"'k' is part of 'Funk / Soul' and 'Jazz Rock'; .*Funk / Soul, Jazz, Jazz Rock"
    ):
        Wish(style="k").label(styles, "m")
    with pytest.raises(ParameterError, match=r"it knows: Folk, World, & Country; Jazz$"):
        Wish(style="polka").label(("Folk, World, & Country", "Jazz"), "m")


@pytest.mark.parametrize(
    ("wish", "told"),
    [({"programs": ()}, "0 to 127"), ({"programs": (1, 128)}, "0 to 127"), ({"redraws": -1}, "0 to 64, not -1")],
)
def test_what_is_no_wish_is_refused(wish: dict[str, Any], told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        Wish(**wish)


def test_instruments_are_told_by_name_or_number() -> None:
    assert [parse_program(text) for text in ("Flute", " electric piano", "0", "127")] == [73, 4, 0, 127]
    for text in ("tuba", "128", "-1", ""):
        with pytest.raises(ParameterError, match="one of piano, "):
            parse_program(text)
    assert [Wish(programs=(5, 9)).program(place) for place in range(3)] == [5, 9, 9]
    assert Wish().program(0, 7) == 7


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
