"""search: the noise from which a generator makes given frames of a log-mel (inversion, as with GANs of images).

J.-Y. Zhu et al., "Generative visual manipulation on the natural image manifold", ECCV 2016.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from audio_gen.models.generator import GeneratorNet, Noise
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.generate import Generator, clip_generator

DRAWS = 24  # noises among which the search begins
ROUNDS = 150
RATE = 0.08
RADIUS = 0.05  # weight of leaving the sphere on which noise lies
SEARCHED = ("glob", "anchors", "steps")


class Known(NamedTuple):
    """Frames that are given: standardised `[n_mels, stride * k]`, from coarse step `start` on."""

    start: int
    mel: torch.Tensor


def find_noise(
    generator: Generator, known: Sequence[Known], classes: torch.Tensor, frames: int, seed: int, *, rounds: int = ROUNDS
) -> tuple[Noise, float]:
    """Noise for `frames` frames that makes the known ones, and the mean distance left, in thirds of standard scores.

    The nearest of several draws of the seed is changed by gradients; where nothing is known it stays as drawn.

    Args:
        generator: on any device; the search runs there, in one thread on the CPU.
        known: one piece or more.
        classes: `[1, classes, 1]`.
        frames: of the whole.
        seed: of the draws.
        rounds: of the search.
    """
    net, device = generator.net, generator.device
    asked = classes.to(device)
    pieces = [Known(piece.start, piece.mel.to(device)) for piece in known]
    with one_thread(), torch.no_grad():
        drawn = [_moved(net.draw(frames, generator=clip_generator(seed, 0, take)), device) for take in range(DRAWS)]
        noise = min(drawn, key=lambda one: float(_distance(net, one, asked, pieces, pooled=True)))
    parts = {name: getattr(noise, name).clone().requires_grad_(True) for name in SEARCHED}
    gradients = _gradients(net, noise, parts, asked, pieces)
    heard = {name: part != 0 for name, part in gradients.items() if part.any()}
    radii = {name: parts[name][at].detach().square().mean().sqrt() for name, at in heard.items()}
    adam = torch.optim.Adam(parts.values(), RATE)
    distance = torch.zeros(())
    with one_thread(), torch.enable_grad():
        for number in range(rounds):
            for group in adam.param_groups:
                group["lr"] = RATE * (1 - number / rounds) + 0.01
            distance = _distance(net, noise._replace(**parts), asked, pieces)
            away = sum((parts[name][at].square().mean().sqrt() - radii[name]).square() for name, at in heard.items())
            adam.zero_grad()
            (distance + RADIUS * away).backward()
            adam.step()
    found = noise._replace(**{name: part.detach() for name, part in parts.items()})
    return _moved(found, torch.device("cpu")), float(distance.detach())


def _gradients(
    net: GeneratorNet,
    noise: Noise,
    parts: dict[str, torch.Tensor],
    classes: torch.Tensor,
    known: Sequence[Known],
) -> dict[str, torch.Tensor]:
    """Of the distance, in the shape of each part; exactly 0 where a number isn't heard in the known frames."""
    with one_thread(), torch.enable_grad():
        distance = _distance(net, noise._replace(**parts), classes, known)
        return dict(zip(parts, torch.autograd.grad(distance, list(parts.values())), strict=True))


def _distance(
    net: GeneratorNet, noise: Noise, classes: torch.Tensor, known: Sequence[Known], *, pooled: bool = False
) -> torch.Tensor:
    """Mean absolute difference to the known frames, or to their mean over time."""
    total, count = classes.new_zeros(()), 0
    for start, mel in known:
        made = net.section(noise, classes, start, start + mel.shape[1] // net.stride)[0]
        difference = (made.mean(1) - mel.mean(1)) if pooled else (made - mel)
        total, count = total + difference.abs().sum(), count + difference.numel()
    return total / count


def _moved(noise: Noise, device: torch.device) -> Noise:
    return Noise(*(part.to(device) for part in noise))
