from pathlib import Path

import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.pipelines.groove_transfer import like, styled
from audio_gen.pipelines.humaniser import Humaniser, Touch
from audio_gen.symbolic.score import Score, Track, notes_of
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


def test_a_hit_takes_all_of_its_partners_manner(humaniser: Humaniser) -> None:
    made = like(humaniser, drum_nets.flat(2), swung(), ALL).tracks[1].notes
    hat = made[made["pitch"] == 42]
    assert hat["velocity"].tolist() == [110, 50] * 8
    assert (hat["onset"] - 240 * np.arange(16)).tolist() == [0, 30] * 8
    kick = made[made["pitch"] == 36]["velocity"]  # a hi-hat lends it what is unusual about it, not its own loudness
    assert not set(kick.tolist()) & {110, 50}


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


def test_styles_part_as_far_as_the_guidance_goes(humaniser: Humaniser) -> None:
    score = drum_nets.flat()
    funk, rock = Touch(strength=1.0, style="funk"), Touch(strength=1.0, style="rock")
    assert styled(humaniser, score, funk, guidance=0.0) == styled(humaniser, score, rock, guidance=0.0)
    assert styled(humaniser, score, funk, guidance=1.0) == humaniser.touched(score, funk)
    near, far = (styled(humaniser, score, rock, guidance=one).tracks[1].notes for one in (1.0, 50.0))
    assert sorted(near["pitch"]) == sorted(far["pitch"])
    assert not np.array_equal(near, far)
