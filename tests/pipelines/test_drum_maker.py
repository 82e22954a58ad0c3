from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.models.drum_pieces import DrumPiece, batch_of
from audio_gen.models.drum_rnn import DrumRnnNet
from audio_gen.pipelines._drum_steps import DICE, FILL, Taste, dice, in_bins, plan_of, played
from audio_gen.pipelines.drum_maker import DrumMaker, DrumWish, load_drummer
from audio_gen.pipelines.generate import clip_generator
from audio_gen.pipelines.maker import Gap
from audio_gen.pipelines.piece import Wish
from audio_gen.symbolic.encoders.drums import bar_positions, encode
from audio_gen.symbolic.score import Meter, Score, Tempo, Track, notes_of
from tests import notes
from tests.pipelines import drum_nets, note_layouts


@pytest.fixture
def rnn(tmp_path: Path) -> DrumMaker:
    return load_drummer(str(drum_nets.rnn(tmp_path)))


@pytest.fixture
def vae(tmp_path: Path) -> DrumMaker:
    return load_drummer(str(drum_nets.vae(tmp_path)))


@pytest.mark.parametrize(("meter", "bars"), [("4/4", 1), ("3/4", 3), ("7/8", 2), ("1/8", 5), ("12/8", 2)])
def test_bars_metre_and_tempo_are_as_asked(rnn: DrumMaker, meter: str, bars: int) -> None:
    piece = rnn.make(DrumWish(meter=meter, bars=bars, bpm=97.0, style="rock", seed=3))
    assert piece.measured["bars"] == bars == len(piece.score.bars())
    assert (piece.measured["meter"], piece.measured["bpm"]) == (meter, 97.0)
    assert piece.score.end == piece.score.bars()[-1].end
    assert [track.is_drum for track in piece.score.tracks] == [True]
    assert piece.measured["notes"] == piece.score.notes > 0


def test_velocity_and_timing_are_drawn(rnn: DrumMaker) -> None:
    notes = rnn.make(DrumWish(bars=8)).score.tracks[0].notes
    assert len(np.unique(notes["velocity"])) > 20
    assert len(np.unique(notes["onset"] % 120)) > 20
    step = (notes["onset"].astype(int) + 60) // 120
    assert np.abs(notes["onset"] - 120 * step).max() <= 60


def test_a_seed_tells_all(rnn: DrumMaker, vae: DrumMaker) -> None:
    for maker in (rnn, vae):
        wish = DrumWish(bars=2, seed=5, style="funk")
        first = maker.make(wish).score
        assert maker.make(wish).score == first
        others = [replace(wish, seed=6), replace(wish, index=1), replace(wish, take=1), replace(wish, style="rock")]
        assert all(maker.make(one).score != first for one in others)


def test_takes_in_one_batch_are_those_made_alone(rnn: DrumMaker) -> None:
    wish = DrumWish(bars=2, seed=1)
    best = rnn.make(replace(wish, best_of=3, density="low"))
    alone = rnn.make(replace(wish, take=best.wish["take"], density="low"))
    assert best.score == alone.score
    counts = [rnn.make(replace(wish, take=take, density="low")).score.notes for take in range(3)]
    assert best.score.notes == min(counts)  # this network plays more than any drummer: the least is nearest


def test_density_leans(rnn: DrumMaker) -> None:
    low, mid, high = (rnn.make(DrumWish(bars=6, density=one)).score.notes for one in ("low", "mid", "high"))
    assert low < mid < high


def test_steps_see_what_the_network_saw_when_it_learnt(rnn: DrumMaker) -> None:
    net: DrumRnnNet = rnn.net  # type: ignore[attr-defined]
    score = Score((), (Meter(0, 3, 4),), (Tempo(0, 88.0),))
    plan = plan_of(score, 70, 1)
    luck = dice([clip_generator(0, 0)], 70)
    grid = played(net, plan, luck, Taste())
    piece = DrumPiece(grid[0].numpy(), bar_positions(score, 70), 12, 1, 88.0)
    told = net(batch_of([piece]))
    drums_in_order = torch.sigmoid(told.hits[0]) > luck[0, ..., 0]
    assert torch.equal(drums_in_order, grid[0, ..., 0] > 0)
    drawn = in_bins(told.velocity[0], luck[0, ..., 1], luck[0, ..., 2], 0.0, Taste())
    assert torch.allclose(drawn * grid[0, ..., 0], grid[0, ..., 1], atol=1e-5)


def test_what_was_played_before_stays_and_is_heard(rnn: DrumMaker) -> None:
    net: DrumRnnNet = rnn.net  # type: ignore[attr-defined]
    plan, luck = plan_of(Score(()), 32, 0), torch.rand(2, 32, 9, DICE, generator=clip_generator(0, 0))
    full = torch.zeros(16, 9, 3)
    full[::2, 2] = torch.tensor([1.0, 0.7, 0.1])
    loud, silent = (played(net, plan, luck, Taste(), before=part) for part in (full, 0 * full))
    assert torch.equal(loud[:, :16], full.expand(2, -1, -1, -1))
    assert not torch.equal(loud[:, 16:], silent[:, 16:])


def test_histograms_are_drawn_as_they_are() -> None:
    logits = torch.full((32,), -20.0)
    logits[[3, 20]] = torch.tensor([0.0, 1.0986])  # 1 to 3
    luck = torch.rand(20_000, 2, generator=clip_generator(0, 0))
    values = in_bins(logits.expand(20_000, -1), luck[:, 0], luck[:, 1], 0.0, Taste())
    assert ((values > 20 / 32) & (values <= 21 / 32)).float().mean() == pytest.approx(0.75, abs=0.02)
    low = values[values < 0.5]
    assert (low.min(), low.max()) == (pytest.approx(3 / 32, abs=1e-3), pytest.approx(4 / 32, abs=1e-3))
    sure = in_bins(logits.expand(20_000, -1), luck[:, 0], luck[:, 1], 0.0, Taste(top_p=0.7))
    assert sure.min() > 20 / 32


@pytest.mark.parametrize("family", ["rnn", "vae"])
def test_a_file_keeps_every_note_and_gets_drums_in_all_its_bars(family: str, request: pytest.FixtureRequest) -> None:
    maker: DrumMaker = request.getfixturevalue(family)
    score = drum_nets.tune(3, meter=Meter(0, 4, 4))
    piece = maker.drummed(score, DrumWish(style="funk", seed=2))
    assert piece.score.tracks[0] == score.tracks[0]
    assert (piece.score.meters, piece.score.tempi) == (score.meters, score.tempi)
    assert len(piece.score.bars()) == len(score.bars()) == piece.measured["bars"]
    drums = piece.score.tracks[1]
    assert drums.is_drum
    assert piece.measured["notes"] == len(drums.notes) > 0


def test_drums_follow_metres_and_tempi(rnn: DrumMaker) -> None:
    score = Score(
        (Track(notes_of([(0, 9000, 60, 80)])),), (Meter(0, 3, 4), Meter(2880, 5, 8)), (Tempo(0, 60.0), Tempo(2880, 180))
    )
    piece = rnn.drummed(score, DrumWish())
    assert [bar.start for bar in piece.score.bars()] == [bar.start for bar in score.bars()]
    plan = plan_of(score, 40, 0, fill_every=3)
    assert plan.position.tolist() == [*range(12), *range(12), *range(10), *range(6)]
    assert plan.bar.tolist() == [12] * 24 + [10] * 16
    assert plan.bpm.tolist() == [60.0] * 24 + [180.0] * 16
    assert plan.fill.tolist() == [0] * 24 + [FILL] * 10 + [0] * 6  # told more strongly than a file that is a fill
    assert plan_of(score, 40, 0, fill_every=1).fill.tolist() == [1] * 40


def test_drums_that_are_there_make_way_only_if_told(rnn: DrumMaker) -> None:
    score = drum_nets.flat()
    with pytest.raises(ParameterError, match=r"track 2 has drums already .* --replace"):
        rnn.drummed(score, DrumWish())
    piece = rnn.drummed(score, DrumWish(), replacing=True)
    assert piece.score.tracks[0] == score.tracks[0]
    assert (len(piece.score.tracks), piece.score.tracks[1].name) == (2, "kit")
    assert 56 not in piece.score.tracks[1].notes["pitch"]


def test_going_on_and_filling_in_leave_the_rest_bit_for_bit(rnn: DrumMaker) -> None:
    score = drum_nets.flat(4)
    notes = score.tracks[1].notes
    after = rnn.continued(score, Wish(bars=2, seed=4)).score
    assert after.tracks[0] == score.tracks[0]
    assert np.array_equal(after.tracks[1].notes[: len(notes)], notes)
    assert len(after.bars()) == 6
    assert len(after.tracks[1].notes) > len(notes)
    filled = rnn.infilled(score, Wish(seed=4), Gap(2, 3, (2,))).score

    def outside(track: Track) -> np.ndarray:
        return track.notes[(track.notes["onset"] < 1920) | (track.notes["onset"] >= 3 * 1920)]

    assert np.array_equal(outside(filled.tracks[1]), outside(score.tracks[1]))
    assert filled.tracks[0] == score.tracks[0]
    assert filled.tracks[1] != score.tracks[1]
    assert len(filled.bars()) == 4


def test_six_eight_is_rock_where_nothing_is_played_yet(rnn: DrumMaker) -> None:
    meter = Meter(0, 6, 8)
    assert rnn.drummed(drum_nets.tune(meter=meter), DrumWish()).more["style"] == "rock"
    assert rnn.drummed(drum_nets.tune(), DrumWish()).more["style"] is None  # of 3/4 this network knows no jazz
    assert rnn.continued(drum_nets.flat(2, meter=meter), Wish(bars=1)).more["style"] is None


def test_a_note_that_lasts_over_the_seam_is_not_cut(rnn: DrumMaker) -> None:
    rows = [(1900, 400, 36, 90)] + [(240 * place, 60, 42, 90) for place in range(8)]
    score = Score((Track(notes_of(rows), is_drum=True),))
    bars = len(score.bars())
    after = rnn.continued(score, Wish(bars=2)).score
    assert {tuple(note) for note in score.tracks[0].notes.tolist()} <= {
        tuple(note) for note in after.tracks[0].notes.tolist()
    }
    assert len(after.bars()) == bars + 2


def test_the_autoencoder_varies_one_groove(vae: DrumMaker) -> None:
    piece = vae.make(DrumWish(bars=6, seed=1))
    grid = encode(piece.score.tracks[0].notes, 96).grid[..., 0]
    first, second, third = (grid[start : start + 32] for start in (0, 32, 64))
    assert not (np.array_equal(first, second) and np.array_equal(first, third))
    other = encode(vae.make(DrumWish(bars=2, seed=2)).score.tracks[0].notes, 32).grid[..., 0]
    assert np.abs(first - second).mean() < np.abs(first - other).mean()
    with pytest.raises(ParameterError, match="knows 4/4 alone; `drums-rnn` knows any metre"):
        vae.make(DrumWish(meter="3/4"))


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"style": "polka"}, "knows no style 'polka'; it knows: funk, rock"),
        ({"key": "C major"}, "drums have none"),
        ({"chords": "C G"}, "drums have none"),
        ({"pitches": "C3-C6"}, "range 'C3-C6': drums have none"),
        ({"programs": (73,)}, r"program \(73,\): drums have none"),
        ({"meter": "5/64"}, "isn't whole sixteenths"),
        ({"fill_every": -1}, "0 is none, not -1"),
    ],
)
def test_what_drums_cannot_be_is_refused(rnn: DrumMaker, wish: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        rnn.make(DrumWish(**wish))  # type: ignore[arg-type]


def test_files_that_cannot_serve_say_why(rnn: DrumMaker) -> None:
    with pytest.raises(ParameterError, match="leave the file out"):
        rnn.drummed(Score(()), DrumWish())
    with pytest.raises(ParameterError, match="the file has its own"):
        rnn.drummed(drum_nets.tune(), DrumWish(bpm=100.0))
    with pytest.raises(ParameterError, match="needs drums"):
        rnn.continued(drum_nets.tune(), Wish())
    with pytest.raises(ParameterError, match="it has 2, counted from 1"):
        rnn.infilled(drum_nets.flat(), Wish(), Gap(2, 5))


def test_another_family_is_no_drummer(tmp_path: Path) -> None:
    from audio_gen.models import melody

    net = note_layouts.seeded(melody.MelodyNet, {"styles": 2, "width": 8})
    path = notes.saved(tmp_path, "tunes", melody.FAMILY, net, {"styles": 2, "width": 8}, ("a", "b"))
    with pytest.raises(CheckpointError, match="writes no drums; take `drums-rnn` or `drums-vae`"):
        load_drummer(str(path))
