from typing import Any

import pytest
import torch

from audio_gen.models.generator import GeneratorNet
from audio_gen.pipelines.generate import Generator, clip_generator
from audio_gen.pipelines.search import DRAWS, Known, find_noise

FRAMES = 240


def target(music: Generator, frames: int) -> torch.Tensor:
    """Standardised `[n_mels, frames]` that the generator itself makes of the second label."""
    noise = music.net.draw(frames, generator=clip_generator(99, 0))
    with torch.no_grad():
        return music.net(noise, music.classes("techno"), frames)[0]


@pytest.fixture
def music(tiny: Any) -> Generator:
    return Generator.load(tiny.generator())


def test_noise_is_found_for_what_the_generator_makes(music: Generator) -> None:
    wanted, classes = target(music, 80), music.classes("techno")
    noise, distance = find_noise(music, [Known(0, wanted)], classes, FRAMES, 0, rounds=60)
    with torch.no_grad():
        made = music.net.section(noise, classes, 0, 40)[0]
        drawn = [music.net.draw(FRAMES, generator=clip_generator(0, 0, take)) for take in range(DRAWS)]
        others = [float((music.net.section(one, classes, 0, 40)[0] - wanted).abs().mean()) for one in drawn]
    assert distance < 0.5 * min(others)
    assert float((made - wanted).abs().mean()) < 0.5 * min(others)


def test_where_nothing_is_known_the_noise_stays_as_drawn(music: Generator) -> None:
    wanted, classes = target(music, 80), music.classes("techno")
    drawn = [music.net.draw(FRAMES, generator=clip_generator(5, 0, take)) for take in range(DRAWS)]
    for known in ([Known(0, wanted)], [Known(0, wanted[:, :20]), Known(110, wanted[:, 60:])]):
        noise, _ = find_noise(music, known, classes, FRAMES, 5, rounds=20)
        (first,) = [one for one in drawn if torch.equal(one.grain, noise.grain)]
        middle = slice(70, 90)  # coarse steps, far from what is known
        assert torch.equal(noise.steps[..., middle], first.steps[..., middle])
        assert not torch.equal(noise.steps[..., :10], first.steps[..., :10])
        assert not torch.equal(noise.glob, first.glob)
        assert torch.equal(noise.offset, first.offset)
        assert torch.equal(noise.anchors[..., 5:6], first.anchors[..., 5:6])
    assert abs(float(noise.steps.std()) - 1) < 0.3  # it stays near the sphere that noise lies on


def test_the_same_seed_finds_the_same(music: Generator) -> None:
    wanted, classes = target(music, 20), music.classes("techno")
    found = [find_noise(music, [Known(0, wanted)], classes, 60, seed, rounds=3)[0] for seed in (1, 1, 2)]
    assert all(torch.equal(one, other) for one, other in zip(found[0], found[1], strict=True))
    assert not torch.equal(found[0].glob, found[2].glob)


def test_the_generator_is_left_as_it_was(music: Generator) -> None:
    before = {name: value.clone() for name, value in music.net.state_dict().items()}
    find_noise(music, [Known(0, target(music, 20))], music.classes("folk"), 60, 0, rounds=2)
    assert all(torch.equal(value, before[name]) for name, value in music.net.state_dict().items())
    assert all(weight.grad is None for weight in music.net.parameters())


def test_a_generator_that_does_not_listen_breaks_nothing(music: Generator) -> None:
    net: GeneratorNet = music.net
    net.first.weight.data[:, : net.glob] = 0  # the global noise isn't heard
    noise, distance = find_noise(music, [Known(0, target(music, 20))], music.classes("folk"), 60, 0, rounds=3)
    assert all(torch.isfinite(part).all() for part in noise)
    assert distance == distance
