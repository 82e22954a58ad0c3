import pytest
import torch
import torch.nn.functional as F

from audio_gen.models import drum_rollout, drum_vae
from audio_gen.models.drum_critic import DrumCritic
from audio_gen.models.drum_pieces import Conditions, DrumBatch, batch_of, piece_of
from audio_gen.models.drum_rnn import BINS, DrumRnnNet, bins_of, centre_of, lookback, nats
from audio_gen.models.drum_vae import DrumVaeNet
from audio_gen.models.humaniser import HumaniserNet, median
from audio_gen.symbolic.score import Meter, Score, Tempo, Track, notes_of


def drums(count: int = 3, steps: int = 80, seed: int = 0) -> DrumBatch:
    torch.manual_seed(seed)
    grid = torch.rand(count, steps, 9, 3)
    grid[..., 0] = (grid[..., 0] < 0.3).float()
    grid[..., 1] = grid[..., 1].clamp_min(1e-3)
    grid[..., 2] -= 0.4999
    grid[..., 1:] *= grid[..., :1]
    conditions = Conditions(torch.arange(count) % 3, torch.full((count,), 100.0), torch.zeros(count))
    position = torch.arange(steps).expand(count, steps) % 16
    return DrumBatch(grid, torch.full((count,), 16), position, conditions, torch.ones(count, steps))


def changed(batch: DrumBatch, step: int, drum: int) -> DrumBatch:
    grid = batch.grid.clone()
    grid[:, step, drum, 0] = 1 - grid[:, step, drum, 0]
    grid[:, step, drum, 1] = 0.7 * grid[:, step, drum, 0]
    return batch._replace(grid=grid)


def test_drums_are_foretold_from_what_was_before_alone() -> None:
    net, batch = DrumRnnNet(3, 32).eval(), drums()
    torch.nn.init.normal_(net.among)
    before, after = net(batch), net(changed(batch, 40, 4))
    assert torch.equal(before.hits[:, :40], after.hits[:, :40])
    assert torch.equal(before.hits[:, 40, :5], after.hits[:, 40, :5])  # the drums of a step are told in their order
    assert not torch.allclose(before.hits[:, 40, 5:], after.hits[:, 40, 5:])
    assert not torch.allclose(before.hits[:, 41], after.hits[:, 41])
    assert torch.equal(before.velocity[:, :40], after.velocity[:, :40])


def test_lookback_says_what_stood_there() -> None:
    batch = drums(steps=70)
    told, (hits, loud) = lookback(batch.grid, batch.bar), batch.grid[..., :2].unbind(-1)
    at = 66
    assert torch.equal(told[:, at, :27], batch.grid[:, at - 1].flatten(1))
    for number, ago in enumerate((hits[:, at - 16], loud[:, at - 16], hits[:, at - 32], loud[:, at - 32])):
        assert torch.allclose(told[:, at, 27 + 9 * number : 36 + 9 * number], ago)
    assert torch.equal(told[:, at, 63:72], hits[:, at - 64])
    assert torch.equal(told[:, at, 72:81], hits[:, at - 15])
    assert not told[:, :14, 27:].any()


def test_bins_hold_their_values() -> None:
    values = torch.tensor([1e-6, 1 / 127, 0.5, 0.75, 1.0])
    assert ((centre_of(bins_of(values, 0.0), 0.0) - values).abs() <= 0.5 / BINS + 1e-6).all()
    assert bins_of(torch.tensor([-0.4999, 0.5]), -0.5).tolist() == [0, BINS - 1]


def test_nats_are_those_of_the_textbook() -> None:
    net, batch = DrumRnnNet(3, 32).eval(), drums(1, 20)
    scores, found = net(batch), nats(net(batch), batch.grid)
    chance = scores.hits.sigmoid()
    wanted = -torch.where(batch.grid[..., 0] > 0, chance, 1 - chance).log().sum(-1)
    assert torch.allclose(found.hits, wanted, atol=1e-5)
    step, drum = map(int, batch.grid[0, :, :, 0].nonzero()[0])
    alone = batch.grid.clone()
    alone[..., 0] = 0
    alone[0, step, drum, 0] = 1
    one = nats(scores, alone).offset[0].detach()
    told = F.cross_entropy(scores.offset[0, step, drum], bins_of(batch.grid[0, step, drum, 2], -0.5))
    assert one[step] == pytest.approx(told.item(), abs=1e-5)
    assert one.sum() == one[step]


def test_playing_on_keeps_what_is_given_and_passes_gradients() -> None:
    net, batch = DrumRnnNet(3, 32), drums(2, 64)
    made = drum_rollout.play_on(net, batch, 32)
    assert torch.equal(made[:, :32], batch.grid[:, :32])
    assert set(made[:, 32:, :, 0].detach().round(decimals=4).unique().tolist()) <= {0.0, 1.0}
    assert ((made[..., 2] > -0.5) & (made[..., 2] <= 0.5)).all()
    DrumCritic(8)(made, batch.position).sum().backward()
    for weight in (net.gate.weight, net.feel.weight, net.lstm.weight_hh_l0):
        assert weight.grad is not None
        assert weight.grad.abs().sum() > 0


def test_playing_on_hears_the_same_as_learning() -> None:
    batch = drums(2, 70)
    told = lookback(batch.grid, batch.bar)
    for step in (1, 15, 16, 33, 64, 69):
        cells = list(batch.grid[:, :step].unbind(1))
        assert torch.equal(drum_rollout._lookback(cells, 16), told[:, step])


def test_the_humaniser_looks_at_hits_alone_and_both_ways() -> None:
    net, batch = HumaniserNet(3, 16).eval(), drums()
    flat = batch._replace(grid=batch.grid * torch.tensor([1.0, 0.0, 0.0]))
    found = net(batch)
    assert torch.equal(found.velocity, net(flat).velocity)
    assert ((found.velocity > 0) & (found.velocity < 1) & (found.offset.abs() < 0.5)).all()
    assert not torch.equal(found.velocity[:, 0], net(changed(batch, 20, 2)).velocity[:, 0])


def test_players_say_together_what_is_between_them() -> None:
    net, batch = HumaniserNet(3, 16, players=3).eval(), drums()
    found, alone = net(batch), net.opinions(batch)
    assert not torch.equal(alone[0].velocity, alone[1].velocity)
    assert torch.allclose(found.velocity, torch.stack([one.velocity for one in alone]).mean(0))
    shares = torch.stack([one.offset_bins.softmax(-1) for one in alone]).mean(0)
    assert torch.allclose(found.offset_bins.exp(), shares, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_half_of_a_histogram_lies_below_its_median(seed: int) -> None:
    share = (3 * torch.randn(BINS, generator=torch.Generator().manual_seed(seed))).softmax(-1)
    place = (median(share.log()) + 0.5) * BINS
    whole = int(place)
    assert share[:whole].sum() + share[whole] * (place - whole) == pytest.approx(0.5, abs=1e-5)
    sure = torch.zeros(BINS).index_fill(0, torch.tensor([0, BINS - 1]), 80.0)[:, None].expand(-1, 2).mT.clone()
    sure[0, -1] = sure[1, 0] = 0.0
    assert torch.allclose(median(sure), torch.tensor([-0.5, 0.5]) + torch.tensor([0.5, -0.5]) / BINS)


def test_the_autoencoder_has_shapes_and_a_prior() -> None:
    net, batch = DrumVaeNet(3, latent=8, width=16).eval(), drums(steps=32)
    posterior, groove = net(batch)
    assert posterior.mean.shape == (3, 8)
    assert groove.hits.shape == (3, 32, 9)
    assert set(groove.grid()[..., 0].unique().tolist()) <= {0.0, 1.0}
    assert not groove.grid()[groove.grid()[..., 0] == 0].any()
    assert torch.allclose(
        drum_vae.divergence(posterior._replace(mean=posterior.mean * 0, log_variance=posterior.mean * 0)),
        torch.zeros(3),
    )
    net.means[:] = 5.0
    drawn = net.prior(4000, torch.Generator().manual_seed(0))
    assert drawn.mean() == pytest.approx(5.0, abs=0.1)
    assert drawn.std() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(drawn, net.prior(4000, torch.Generator().manual_seed(0)))


def test_each_style_has_shares_of_its_own_of_what_grooves_there_are() -> None:
    net = DrumVaeNet(3, latent=8, width=16)
    net.means[1] = 50.0
    net.shares[:] = torch.eye(4, net.shares.shape[1])[[0, 1, 0, 0]]  # the second style has the second part alone
    means = [net.prior(50, torch.Generator().manual_seed(0), style).mean().item() for style in (0, 1, 2, None)]
    assert means == pytest.approx([0.0, 50.0, 0.0, 0.0], abs=0.5)


def test_distance_counts_manner_at_hits_alone() -> None:
    net, batch = DrumVaeNet(3, latent=8, width=16).eval(), drums(steps=32)
    _, groove = net(batch)
    elsewhere = groove._replace(velocity=torch.where(batch.grid[..., 0] > 0, groove.velocity, 0.123))
    assert torch.equal(drum_vae.distance(groove, batch.grid), drum_vae.distance(elsewhere, batch.grid))
    louder = groove._replace(velocity=groove.velocity + 0.5)
    assert not torch.equal(drum_vae.distance(groove, batch.grid), drum_vae.distance(louder, batch.grid))


def test_slerp_goes_from_one_to_the_other_on_an_arc() -> None:
    start, end = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    assert torch.allclose(drum_vae.slerp(start, end, 0.0), start)
    assert torch.allclose(drum_vae.slerp(start, end, 1.0), end, atol=1e-6)
    assert torch.allclose(drum_vae.slerp(start, end, 0.5), torch.tensor([2.0, 2.0]) / 2**0.5)
    assert torch.allclose(drum_vae.slerp(start, start, 0.3), start)


def test_attributes_of_a_grid() -> None:
    grid = torch.zeros(2, 32, 9, 3)
    grid[0, ::4, 0, :2] = 1.0
    grid[1, 1::4, 0, :2] = 1.0
    assert drum_vae.density(grid).tolist() == [0.25, 0.25]
    assert drum_vae.syncopation(grid).tolist() == [0.0, 1.0]


def test_a_piece_of_a_score_and_a_batch_of_pieces() -> None:
    notes = [(120 * step, 60, 36 if step % 4 == 0 else 42, 80) for step in range(24)]
    score = Score((Track(notes_of(notes), is_drum=True),), (Meter(0, 3, 4),), (Tempo(0, 90.0),))
    piece = piece_of(score, 1, fill=True)
    assert (piece.bar, piece.bpm, piece.fill, len(piece.grid)) == (12, 90.0, True, 24)
    assert piece.position.tolist() == [*range(12)] * 2
    batch = batch_of([piece, piece.cut(12, 6)])
    assert batch.grid.shape == (2, 24, 9, 3)
    assert batch.there.sum(1).tolist() == [24, 6]
    assert torch.equal(batch.grid[1, :6], batch.grid[0, 12:18])
    assert not batch.grid[1, 6:].any()
