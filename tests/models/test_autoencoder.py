import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.models.autoencoder import FIRMEST, AutoencoderNet, Posterior


def net(classes: int = 2, latent: int = 3) -> AutoencoderNet:
    torch.manual_seed(0)
    return AutoencoderNet(classes, 12, (8, 8, 8, 8), latent, 1).eval()


@torch.no_grad()
@pytest.mark.parametrize("frames", [1, 7, 8, 9, 64])
def test_shapes(frames: int) -> None:
    made = net()
    posterior = made.encode(torch.randn(2, 12, frames).clamp(-1, 1))
    steps = -(-frames // 8)
    assert posterior.mean.shape == posterior.log_variance.shape == (2, 3, steps)
    assert made.decode(posterior.mean).shape == (2, 12, 8 * steps)


def test_the_last_frame_fills_up() -> None:
    made, x = net(), torch.randn(1, 12, 13)
    filled = torch.cat([x, x[..., -1:].expand(-1, -1, 3)], -1)
    assert torch.equal(made.encode(x).mean, made.encode(filled).mean)


def test_the_divergence_from_a_standard_normal() -> None:
    zero = torch.zeros(1, 2, 4)
    assert Posterior(zero, zero).divergence() == 0
    mean, log_variance = torch.full((1, 2, 4), 0.5), torch.full((1, 2, 4), -1.0)
    twin = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, torch.exp(log_variance / 2)), torch.distributions.Normal(zero, zero + 1)
    )
    assert float(Posterior(mean, log_variance).divergence()) == pytest.approx(float(twin.mean()), rel=1e-5)
    drawn = Posterior(mean.expand(2000, -1, -1), log_variance.expand(2000, -1, -1)).draw(
        torch.Generator().manual_seed(0)
    )
    assert float(drawn.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(drawn.std()) == pytest.approx(0.607, abs=0.03)


def moving(mean: float, kept: float, spread: float, steps: int, seed: int) -> torch.Tensor:
    """`[3, steps]`: three numbers that keep some of themselves from step to step."""
    random = torch.Generator().manual_seed(seed)
    state, found = torch.zeros(3), []
    for _ in range(steps):
        state = kept * state + spread * torch.randn(3, generator=random)
        found.append(mean + state)
    return torch.stack(found, 1)


def test_what_is_drawn_follows_what_was_learnt() -> None:
    made = net()
    for number, (mean, kept, spread) in enumerate([(2.0, 0.8, 0.5), (-1.0, 0.0, 0.2)]):
        made.learn_sequence(number, [moving(mean, kept, spread, 1500, seed) for seed in range(3)])
    for number, (mean, kept, spread) in enumerate([(2.0, 0.8, 0.5), (-1.0, 0.0, 0.2)]):
        (drawn,) = made.draw(torch.eye(2)[number], 3000, torch.Generator().manual_seed(9))
        deviation = spread / (1 - kept**2) ** 0.5
        assert drawn.shape == (3, 3000)
        assert (drawn.mean(1) - mean).abs().max() < 0.2 * deviation
        assert (drawn.std(1) / deviation - 1).abs().max() < 0.15
        centred = drawn - drawn.mean(1, keepdim=True)
        alike = (centred[:, 1:] * centred[:, :-1]).mean(1) / centred.square().mean(1)
        assert (alike - kept).abs().max() < 0.1
    (still,) = made.draw(torch.eye(2)[0], 5, torch.Generator().manual_seed(9), radius=0.0)
    assert (still - 2.0).abs().max() < 0.1  # nothing new: the mean, at every step
    assert (still - still[:, :1]).abs().max() < 1e-4


def test_no_sequence_runs_away() -> None:
    made = net()
    growing = torch.exp(0.02 * torch.arange(200.0)).expand(3, -1).clone()
    made.learn_sequence(0, [growing, -growing])
    assert float(torch.linalg.eigvals(made.kept[0]).abs().max()) < FIRMEST + 1e-4
    made.kept[0], made.kept[1] = torch.zeros(3, 3), torch.zeros(3, 3)
    made.kept[0][0, 1], made.kept[1][1, 0] = 9.0, 9.0  # neither grows, their mixture does: 4.5 a step
    drawn = made.draw(torch.tensor([0.5, 0.5]), 500, torch.Generator().manual_seed(0))
    assert drawn.abs().max() < 100


def test_the_same_random_numbers_give_the_same_sequence() -> None:
    made = net()
    one, again, other = (made.draw(torch.eye(2)[0], 20, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("sizes", [(0, 4), (2, 0)])
def test_refuses_sizes_that_make_no_sense(sizes: tuple[int, int]) -> None:
    with pytest.raises(ParameterError, match="or more, not"):
        AutoencoderNet(sizes[0], 12, (8, 8), sizes[1])
