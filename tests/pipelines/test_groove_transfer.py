from pathlib import Path

import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.pipelines.groove_transfer import like, retuned
from audio_gen.pipelines.humaniser import Humaniser, Touch
from audio_gen.pipelines.maker import Maker
from audio_gen.pipelines.piece import Piece, Wish
from audio_gen.symbolic.score import Meter, Score, Track, notes_of
from tests.pipelines import drum_nets

ALL = Touch(strength=1.0)


@pytest.fixture
def humaniser(tmp_path: Path) -> Humaniser:
    return Humaniser.load(drum_nets.feeling(tmp_path))


def swung(bars: int = 2) -> Score:
    """Eighths of a closed hi-hat, each second one late and soft."""
    rows = [(240 * n + 30 * (n % 2), 60, 42, 110 - 60 * (n % 2)) for n in range(8 * bars)]
    return Score((Track(notes_of(rows), is_drum=True),))


def test_its_own_feel_makes_a_file_what_it_was(humaniser: Humaniser) -> None:
    score = swung()
    assert like(humaniser, score, score, ALL) == score


def test_hits_stay_and_the_feel_comes_over(humaniser: Humaniser) -> None:
    score = drum_nets.flat(2)
    made = like(humaniser, score, swung(), ALL)
    old, new = score.tracks[1].notes, made.tracks[1].notes
    assert made.tracks[0] == score.tracks[0]
    assert sorted(old["pitch"]) == sorted(new["pitch"])
    hat = new[new["pitch"] == 42]
    late = hat["onset"] - 240 * np.arange(16)
    assert late[1::2].mean() - late[::2].mean() > 15
    assert hat["velocity"][::2].mean() - hat["velocity"][1::2].mean() > 30
    assert like(humaniser, score, swung(), Touch(strength=0.0)) == score
    only = like(humaniser, score, swung(), Touch(strength=1.0, timing=False)).tracks[1].notes
    assert np.array_equal(only["onset"], old["onset"])


def test_seeds_tell_which_hit_lends_its_feel(humaniser: Humaniser) -> None:
    rng = np.random.default_rng(0)
    rows = [(3840 + 240 * n + int(rng.integers(0, 40)), 60, 42, int(rng.integers(30, 120))) for n in range(64)]
    other = Score((Track(notes_of(rows), is_drum=True),))
    made = [like(humaniser, drum_nets.flat(), other, Touch(strength=1.0, seed=seed)) for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


def test_both_need_drums(humaniser: Humaniser) -> None:
    for score, other in ((drum_nets.tune(), swung()), (swung(), drum_nets.tune())):
        with pytest.raises(ParameterError, match="needs drums"):
            like(humaniser, score, other, ALL)


class Chorder(Maker):
    """Puts one note below each melody."""

    def make(self, wish: Wish) -> Piece:
        raise NotImplementedError

    def harmonised(self, score: Score, wish: Wish, track: int | None = None) -> Piece:
        assert (wish.voices, score.chords, len(score.tracks)) == ("chords", (), 1)
        below = Track(notes_of([(0, score.end, 36, 70)]), "chords")
        return Piece(Score((*score.tracks, below), score.meters, score.tempi), wish.to_dict(), {})


def test_a_tune_keeps_its_notes_and_its_drums(humaniser: Humaniser) -> None:
    maker = Chorder(humaniser.checkpoint)
    tune = drum_nets.tune(meter=Meter(0, 4, 4))
    chords = Track(notes_of([(0, 900, 50, 60), (0, 900, 54, 60)]), "old chords")
    score = Score((chords, *tune.tracks, *swung().tracks), tune.meters, tune.tempi)
    made = retuned(maker, score, Wish(style="rock")).score
    assert [track.name for track in made.tracks] == ["melody", "chords", ""]
    assert made.tracks[0] == tune.tracks[0]
    assert made.tracks[2] == swung().tracks[0]
    with pytest.raises(ParameterError, match="name a style: funk, rock"):
        retuned(maker, score, Wish())
