from dataclasses import replace

import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.pipelines._feel import cells_of, offsets_of
from audio_gen.pipelines.groove_remade import _changes, remade
from audio_gen.pipelines.piece import Wish
from audio_gen.symbolic.encoders.drums import NUMBER
from audio_gen.symbolic.score import Score, Track
from tests.pipelines import drum_nets

STYLES = drum_nets.STYLES
ROCK = Wish(style="rock", seed=3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return checkpoint.load(drum_nets.vae(tmp_path_factory.mktemp("vae")))


def test_drums_are_made_again_and_all_else_stays(model: Checkpoint) -> None:
    score = drum_nets.flat(3)
    piece = remade(model, score, ROCK)
    old, new = (one.tracks[1].notes for one in (score, piece.score))
    assert piece.score.tracks[0] == score.tracks[0]
    assert np.array_equal(old[old["pitch"] == 56], new[new["pitch"] == 56])
    assert not np.array_equal(old, new)
    assert len(piece.score.bars()) == 3
    assert 0 <= piece.measured["hits_kept_f1"] < 1
    assert remade(model, score, ROCK).score == piece.score


def test_the_stronger_the_guidance_the_more_styles_part(model: Checkpoint) -> None:
    made = {
        guidance: [remade(model, drum_nets.flat(), replace(ROCK, style=one), guidance=guidance).score for one in STYLES]
        for guidance in (0.0, 50.0)
    }
    assert made[0.0][0] == made[0.0][1]
    assert made[50.0][0] != made[50.0][1]


def test_guidance_moves_hits_and_leaves_the_manner_as_learnt(model: Checkpoint) -> None:
    learnt, far = (remade(model, drum_nets.flat(8), ROCK, guidance=one) for one in (1.0, 50.0))
    assert far.measured["hits_kept_f1"] != learnt.measured["hits_kept_f1"]
    one, other = (_manner(piece.score) for piece in (learnt, far))
    both = one.keys() & other.keys()
    assert len(both) > 20
    assert all(one[cell] == other[cell] for cell in both)


def _manner(score: Score) -> dict[tuple[int, int], tuple[int, int]]:
    """Velocity and offset by step and drum, of hits that rounding can't bring to the next step."""
    notes = score.tracks[1].notes
    cells = cells_of(notes)
    late = offsets_of(notes, cells)
    rows = zip(cells.step, cells.drum, notes["velocity"][cells.note], late, strict=True)
    return {(step, drum): (velocity, offset) for step, drum, velocity, offset in rows if abs(offset) < 55}


def test_what_changed_is_told(model: Checkpoint) -> None:
    old = np.zeros((1, 32, 9, 3), np.float32)
    old[0, [0, 8], 0] = [[1, 0.5, 0.1], [1, 0.75, 0.0]]
    new = np.zeros_like(old)
    new[0, [0, 9, 10], 0] = [[1, 0.5, -0.2], [1, 0.5, 0.4], [1, 0.5, 0.4]]
    told = _changes(old, new, 100.0)
    assert told["shift_ms"] == pytest.approx(0.3 * 150, abs=1e-3)  # a sixteenth at 100 bpm; one hit stays
    assert told["velocity_sd"] == pytest.approx([127 * 0.125, 0], abs=0.01)
    assert _changes(old, np.roll(new, 1, 1), 100.0) == _changes(old, 0 * new, 100.0) == {}
    assert {"shift_ms", "velocity_sd"} <= remade(model, drum_nets.flat(8), ROCK, guidance=1.0).measured.keys()


def test_a_late_last_hit_makes_no_bar_of_its_own(model: Checkpoint) -> None:
    for seed in range(4):
        piece = remade(model, drum_nets.flat(2), replace(ROCK, seed=seed))
        assert len(piece.score.bars()) == 2
        assert piece.score.end <= 2 * 1920


def test_a_pause_stays_a_pause(model: Checkpoint) -> None:
    notes = drum_nets.flat(2, more=False).tracks[0].notes
    late = notes.copy()
    late["onset"] += 6 * 1920
    score = Score((Track(np.concatenate([notes, late]), is_drum=True),))
    made = remade(model, score, ROCK).score.tracks[0].notes
    ours = made[np.isin(made["pitch"], list(NUMBER))]
    assert not ((ours["onset"] >= 2 * 1920) & (ours["onset"] < 6 * 1920 - 60)).any()
    assert (ours["onset"] >= 6 * 1920).any()


def test_what_cant_be_made_again_says_why(model: Checkpoint) -> None:
    with pytest.raises(ParameterError, match="knows 4/4 alone"):
        remade(model, drum_nets.flat(meter=drum_nets.THREE_FOUR), ROCK)
    with pytest.raises(ParameterError, match="needs drums"):
        remade(model, drum_nets.tune(), ROCK)
    with pytest.raises(ParameterError, match="it knows: funk, rock"):
        remade(model, drum_nets.flat(), Wish(style="polka"))
