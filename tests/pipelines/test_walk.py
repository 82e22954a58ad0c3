from typing import Any

import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.models.generator import EDGE
from audio_gen.pipelines.generate import Generator, Wish, clip_generator
from audio_gen.pipelines.walk import _blended, _places, walk

SEEDS = (4, 7, 5)


@pytest.fixture
def music(tiny: Any) -> Generator:
    return Generator.load(tiny.generator())


def test_at_each_seeds_time_the_noise_is_that_seeds(music: Generator) -> None:
    net, frames = music.net, 2 * 101  # 101 coarse steps: seeds at the first, the 51st and the last
    noises = [net.draw(frames, generator=clip_generator(seed, 0)) for seed in SEEDS]
    place = _places(net, frames, 3)
    found = _blended(net, noises, place)
    for number, (noise, at) in enumerate(zip(noises, (0, 50, 100), strict=True)):
        assert float(place[EDGE + at]) == pytest.approx(number, abs=1e-5)
        assert torch.allclose(found.steps[..., EDGE + at], noise.steps[..., EDGE + at], atol=1e-5)
        assert torch.allclose(found.glob[..., EDGE + at], noise.glob[..., 0], atol=1e-5)
        grain = slice((EDGE + at) * net.stride, (EDGE + at + 1) * net.stride)
        assert torch.allclose(found.grain[..., grain], noise.grain[..., grain], atol=1e-5)
    assert torch.allclose(found.anchors[..., 0], noises[0].anchors[..., 0], atol=1e-5)
    assert torch.allclose(found.anchors[..., -1], noises[-1].anchors[..., -1], atol=1e-5)
    assert all(part.shape[0] == 1 for part in found[:2])


def test_it_goes_smoothly_and_keeps_its_variance(music: Generator) -> None:
    net, frames = music.net, 2 * 201
    noises = [net.draw(frames, generator=clip_generator(seed, 0)) for seed in range(30)]
    found = _blended(net, noises, _places(net, frames, 30))
    largest = max(float(noise.glob.abs().max()) for noise in noises)
    steps = found.glob.diff(dim=2).abs()
    assert steps.max() < 1.5 * (torch.pi / 2) * largest * 29 / 200
    assert steps[..., EDGE:-EDGE].amax((0, 1)).min() > 0  # it never stands still
    assert abs(float(found.glob.std()) - 1) < 0.1
    assert abs(float(found.steps.std()) - 1) < 0.1


def test_it_begins_as_the_first_and_ends_as_the_last(music: Generator) -> None:
    whole = walk(music, SEEDS, seconds=4).mel
    alone = [music.make(Wish("folk", seed=seed, seconds=4)).mel for seed in SEEDS]
    assert whole.shape == alone[0].shape
    for part, nearest in ((slice(0, 12), 0), (slice(-12, None), 2)):
        apart = [float((whole[:, part] - one[:, part]).abs().mean()) for one in alone]
        assert min(range(3), key=apart.__getitem__) == nearest
        assert apart[nearest] < 0.5 * sorted(apart)[1]


def test_labels_change_on_the_way(music: Generator) -> None:
    folk, techno, both = (
        walk(music, (1, 2), labels=labels, seconds=4).mel for labels in (["folk"], ["techno"], ["folk", "techno"])
    )
    assert torch.equal(walk(music, (1, 2), seconds=4).mel, folk)
    assert (both - folk)[:, :12].abs().mean() < 0.2 * (both - techno)[:, :12].abs().mean()
    assert (both - techno)[:, -12:].abs().mean() < 0.2 * (both - folk)[:, -12:].abs().mean()


def test_it_is_as_long_as_asked_and_the_same_each_time(music: Generator) -> None:
    item = walk(music, SEEDS, seconds=1.5, variety=0.5)
    assert item.samples == round(1.5 * 22050)
    assert torch.equal(item.mel, walk(music, SEEDS, seconds=1.5, variety=0.5).mel)
    assert not torch.equal(item.mel, walk(music, SEEDS[::-1], seconds=1.5, variety=0.5).mel)
    assert not torch.equal(item.mel, walk(music, SEEDS, seconds=1.5).mel)
    assert (item.wish["seeds"], item.wish["variety"], item.label) == ([4, 7, 5], 0.5, "folk")
    tiny = walk(music, (1, 2), seconds=0.01).mel
    assert torch.isfinite(tiny).all()


@pytest.mark.parametrize(
    ("seeds", "options", "message"),
    [
        ((1,), {}, "two seeds or more"),
        ((1, 2), {"labels": ["folk", "folk", "folk"]}, "one label or one a seed"),
        ((1, 2), {"labels": ["polka"]}, "folk, techno"),
        ((1, 2), {"variety": 2}, "variety"),
        ((1, 2), {"variety": float("nan")}, "variety"),
        ((1, 2), {"seconds": 0}, "seconds"),
    ],
)
def test_refuses(music: Generator, seeds: tuple[int, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        walk(music, seeds, **options)


def test_one_shots_do_not_walk(tiny: Any) -> None:
    with pytest.raises(ParameterError, match="makes one-shots"):
        walk(Generator.load(tiny.generator(length=40)), (1, 2))
