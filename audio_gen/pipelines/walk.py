"""walk: one clip whose noise goes from seed to seed, and whose label may go from label to label."""

import math
from collections.abc import Sequence

import torch

from audio_gen.errors import ParameterError
from audio_gen.models.generator import EDGE, GeneratorNet, Noise
from audio_gen.pipelines.generate import Generated, Generator, clip_generator


def walk(
    generator: Generator,
    seeds: Sequence[int],
    *,
    labels: Sequence[str] = (),
    seconds: float = 30.0,
    variety: float = 1.0,
) -> Generated:
    """A clip that begins as seed A, is at each further seed after an equal time, and ends as the last.

    Between two seeds each noise is cos(θ) one + sin(θ) other, θ from 0 to π/2, which keeps its variance.

    Args:
        generator: of music.
        seeds: two or more; the noise of their clip 0.
        labels: one for all, or one for each seed; none is the generator's first.
        seconds: length of the whole.
        variety: as of `Wish`.

    Raises:
        ParameterError: fewer than two seeds, other than one label or one a seed, a generator of one-shots, or what
            `Generator.make` refuses.
    """
    net, count = generator.net, len(seeds)
    named = list(labels) or [generator.labels[0]]
    if net.length:
        raise ParameterError(f"{generator.checkpoint.name!r} makes one-shots; a walk takes a generator of music")
    if count < 2 or len(named) not in (1, count):
        raise ParameterError(
            f"a walk takes two seeds or more, not {count}, and one label or one a seed, not {len(named)}"
        )
    if not 0 <= variety <= 1:
        raise ParameterError(f"variety must lie between 0 and 1, not {variety}")
    samples = generator.samples(seconds)
    frames = 1 + -(-samples // generator.checkpoint.spec.hop_length)
    noises = [net.draw(frames, generator=clip_generator(seed, 0)).within(variety) for seed in seeds]
    asked = torch.cat([generator.classes(name) for name in named])
    place = _places(net, frames, count)
    if len(named) > 1:
        left, share = _between(place, count)
        asked = (asked[left] * (1 - share)[:, None, None] + asked[left + 1] * share[:, None, None])[..., 0].T[None]
    noise = _blended(net, noises, place)
    told = {
        "label": " > ".join(named),
        "index": 0,
        "seeds": list(seeds),
        "seconds": samples / generator.checkpoint.spec.sample_rate,
        "variety": variety,
        "loop": False,
    }
    return Generated(lambda: generator.pieces(noise, asked, frames), samples, told)


def _places(net: GeneratorNet, frames: int, count: int) -> torch.Tensor:
    """`[coarse steps]`: which seed, counted from 0, with how much of the next."""
    steps = net.coarse(frames)
    inside = (torch.arange(steps) - EDGE) / max(1, steps - 2 * EDGE - 1)
    return inside.clamp(0, 1) * (count - 1)


def _between(place: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    left = place.long().clamp_max(count - 2)
    return left, place - left


def _blended(net: GeneratorNet, noises: Sequence[Noise], place: torch.Tensor) -> Noise:
    first, count = noises[0], len(noises)
    at_anchor = torch.arange(first.anchors.shape[2]) * first.spacing[0] - first.offset[0]
    anchors = place[at_anchor.round().long().clamp(0, len(place) - 1)]
    frames = place.repeat_interleave(net.stride)

    def mixed(parts: list[torch.Tensor], place: torch.Tensor) -> torch.Tensor:
        """Parts `[1, C, N]` (or `[1, C, 1]`), and N places, → `[1, C, N]`."""
        left, share = _between(place, count)
        size = len(place)
        whole = torch.cat([part.expand(-1, -1, size) for part in parts])
        at = torch.arange(size)
        angle = share * (math.pi / 2)
        return (whole[left, :, at] * angle.cos()[:, None] + whole[left + 1, :, at] * angle.sin()[:, None]).T[None]

    return first._replace(
        glob=mixed([noise.glob for noise in noises], place),
        anchors=mixed([noise.anchors for noise in noises], anchors),
        steps=mixed([noise.steps for noise in noises], place),
        grain=mixed([noise.grain for noise in noises], frames),
    )
