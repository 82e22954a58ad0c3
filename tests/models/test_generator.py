import pytest
import torch
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.models.blocks import ResidualBlock1d
from audio_gen.models.discriminators import DiscriminatorNet
from audio_gen.models.generator import ANCHOR, EDGE, GeneratorNet, Noise

REACH = 6  # coarse steps from the end of a clip that feel where it ends


def small(widths: tuple[int, ...] = (8, 8, 8, 8)) -> GeneratorNet:
    """A network that listens: the last convolution of each block, zero in the beginning, gets weights."""
    random = torch.Generator().manual_seed(0)
    net = GeneratorNet(3, n_mels=12, widths=widths).eval()
    for weight in net.parameters():
        if weight.ndim > 1:
            weight.data = torch.randn(weight.shape, generator=random) / weight[0].numel() ** 0.5
    return net


def draw(net: GeneratorNet, frames: int, seed: int = 0) -> Noise:
    return net.draw(frames, generator=torch.Generator().manual_seed(seed))


def first_part(net: GeneratorNet, noise: Noise, frames: int) -> Noise:
    """The same noise, for a clip that ends earlier."""
    steps = net.coarse(frames)
    return noise._replace(steps=noise.steps[..., :steps], grain=noise.grain[..., : steps * net.stride])


@pytest.mark.parametrize("frames", [1, 2, 7, 8, 9, 100, 1000])
@pytest.mark.parametrize("widths", [(8,), (8, 6), (8, 8, 8, 8)])
def test_any_length(frames: int, widths: tuple[int, ...]) -> None:
    net = small(widths)
    with torch.no_grad():
        mel = net(draw(net, frames), torch.eye(3)[:1, :, None], frames)
    assert mel.shape == (1, 12, frames)
    assert torch.isfinite(mel).all()


@pytest.mark.parametrize("seed", range(3))
def test_frames_away_from_the_end_do_not_depend_on_the_length(seed: int) -> None:
    net = small()
    noise, classes = draw(net, 600, seed), torch.eye(3)[:1, :, None]
    with torch.no_grad():
        long = net(noise, classes, 600)
        for frames in (64, 100, 333):
            short = net(first_part(net, noise, frames), classes, frames)
            inside = frames - REACH * net.stride
            assert torch.allclose(short[..., :inside], long[..., :inside], atol=1e-5)
            assert not torch.allclose(short, long[..., :frames], atol=1e-5)  # the last frames do feel the end


def test_the_offset_moves_the_slow_noise() -> None:
    net = small()
    noise = draw(net, 100)
    later = noise._replace(offset=(noise.offset + 1) % ANCHOR)
    with torch.no_grad():
        first, second = (net(each, torch.eye(3)[:1, :, None], 100) for each in (noise, later))
    assert not torch.allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("part", sorted({*Noise._fields} - {"spacing"}))
def test_every_part_of_the_noise_and_the_class_are_heard(part: str) -> None:
    net = small()
    noise, other = draw(net, 50, 0), draw(net, 50, 1)
    assert not torch.equal(getattr(noise, part), getattr(other, part))
    with torch.no_grad():
        first = net(noise, torch.eye(3)[:1, :, None], 50)
        assert not torch.allclose(
            net(noise._replace(**{part: getattr(other, part)}), torch.eye(3)[:1, :, None], 50), first
        )
        assert not torch.allclose(net(noise, torch.eye(3)[1:2, :, None], 50), first)


def test_batched_equals_one_by_one() -> None:
    net = small()
    drawn = [draw(net, 70, seed) for seed in range(3)]
    with torch.no_grad():
        alone = torch.cat([net(noise, torch.eye(3)[n : n + 1, :, None], 70) for n, noise in enumerate(drawn)])
        together = net(Noise(*map(torch.cat, zip(*drawn, strict=True))), torch.eye(3)[..., None], 70)
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-2)


def test_noise_is_the_generators_own_and_standard_normal() -> None:
    net = GeneratorNet(3)
    first, again, other = draw(net, 2000, 5), draw(net, 2000, 5), draw(net, 2000, 6)
    for field in sorted({*Noise._fields} - {"spacing"}):
        assert torch.equal(getattr(first, field), getattr(again, field))
    for part in (first.anchors, first.steps, first.grain):
        assert abs(float(part.mean())) < 0.1
        assert abs(float(part.std()) - 1) < 0.1
    assert not torch.equal(first.glob, other.glob)
    assert 0 <= int(first.offset) < ANCHOR
    state = torch.get_rng_state()
    draw(net, 10)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_slow_noise_keeps_its_variance_between_anchors() -> None:
    net = GeneratorNet(3)
    slow = net._between_anchors(net.draw(400, 200, torch.Generator().manual_seed(0)), net.coarse(400))
    assert (slow.std((0, 1)) - 1).abs().max() < 0.1


@pytest.mark.parametrize("frames", [1, 100, 1000])
def test_there_are_anchors_enough_for_every_offset(frames: int) -> None:
    net = small()
    noise = draw(net, frames)
    for offset in (0, ANCHOR - 1):
        with torch.no_grad():
            assert (
                net(noise._replace(offset=torch.tensor([offset])), torch.eye(3)[:1, :, None], frames).shape[-1]
                == frames
            )
    assert net.coarse(frames) == -(-frames // 8) + 2 * EDGE


def test_standardise_and_back() -> None:
    net = small()
    net.mean, net.std = torch.randn(12, 1), 0.5 + torch.rand(12, 1)
    log_mel = net.mean + net.std * 2.9 * (2 * torch.rand(4, 12, 30) - 1)
    assert torch.allclose(net.restore(net.standardise(log_mel)), log_mel, atol=1e-5)
    assert net.standardise(log_mel + 100).max() == 1
    assert torch.allclose(net.restore(torch.full((1, 12, 2), 9.0)), net.mean + 3 * net.std)


def test_a_block_starts_as_the_identity() -> None:
    x = torch.randn(2, 5, 11)
    assert torch.equal(ResidualBlock1d(5)(x), x)


@pytest.mark.parametrize("options", [{"blocks": 0}, {"blocks": 17}, {"widths": (0, 8)}, {"n_mels": 0}])
def test_refuses_sizes_that_make_no_sense(options: dict[str, int]) -> None:
    with pytest.raises(ParameterError, match="1 to 16 blocks"):
        GeneratorNet(3, **options)


@pytest.mark.parametrize("frames", [8, 9, 64, 100])
def test_discriminator_gives_one_logit_a_clip(frames: int) -> None:
    torch.manual_seed(0)
    net = DiscriminatorNet(3, n_mels=12, widths=(8, 8, 6, 4)).eval()
    x = torch.randn(3, 12, frames)
    logits = net(x, torch.eye(3))
    assert logits.shape == (3,)
    alone = torch.cat([net(x[n : n + 1], torch.eye(3)[n : n + 1]) for n in range(3)])
    assert torch.allclose(logits, alone, atol=1e-5)
    assert not torch.allclose(logits, net(x, torch.eye(3).roll(1, 0)), atol=1e-4)  # it hears the class
    assert not torch.allclose(logits, net(x.roll(1, 0), torch.eye(3)), atol=1e-4)  # and the clip


def test_every_weight_of_both_learns() -> None:
    torch.manual_seed(0)
    generator, discriminator = small(), DiscriminatorNet(3, n_mels=12, widths=(8, 8, 8, 8))
    for module in discriminator.modules():
        if isinstance(module, ResidualBlock1d):
            nn.init.normal_(module.conv2.weight, std=0.1)
    noise = generator.draw(64, 3, torch.Generator().manual_seed(0))
    discriminator(generator(noise, torch.eye(3)[..., None], 64), torch.eye(3)).sum().backward()
    for net in (generator, discriminator):
        silent = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.abs().sum()]
        assert silent == []


def test_the_noise_of_a_loop_comes_round() -> None:
    torch.manual_seed(1)
    net = GeneratorNet(2, 8, (8, 8, 8), local=4, glob=4, fine=4, grain=2).eval()
    with torch.no_grad():
        for stage in net.stages:
            for block in stage[1:]:
                block.conv2.weight.normal_(0, 0.3)
        for frames in (4 * 4, 4 * 9, 4 * 80):
            noise = net.draw_loop(frames, torch.Generator().manual_seed(0))
            made = net(noise, torch.eye(2)[:1, :, None], frames)[0]
            steps = made.diff(dim=1).abs().mean(0)
            assert made.shape == (8, frames)
            assert (made[:, 0] - made[:, -1]).abs().mean() <= 1.2 * steps.max()
    long = net._between_anchors(noise, 80 + 8)
    assert torch.allclose(long[..., :8], long[..., 80:], atol=1e-4)  # what lies at one edge lies at the other


@pytest.mark.parametrize("frames", [0, 12, 33])
def test_loops_of_other_lengths_are_refused(frames: int) -> None:
    with pytest.raises(ParameterError, match="multiple of 4 frames, 4 or more"):
        GeneratorNet(2, 8, (8, 8, 8)).draw_loop(frames)
