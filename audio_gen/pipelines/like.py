"""like: what to ask a generator for so that its clips resemble a recording.

Mixture of labels and global noise are searched for in the latent space of the autoencoder: means, deviations and
motion of the latent vectors over time shall be the recording's. The noise that says what happens when stays free, so
each seed gives another clip in the recording's manner.
"""

from dataclasses import dataclass

import torch

from audio_gen.audio.clip import Clip
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.features.log_mel import LogMel
from audio_gen.pipelines.autoencoder import Autoencoder
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.generate import Generator, clip_generator

LEAST, MOST = 1.0, 120.0  # seconds of the recording
DRAWS = 32  # global noises that are tried with each label
FRAMES = 256  # of a clip that is compared
ROUNDS, RATE, CLIPS = 80, 0.05, 4
RADIUS = 0.05  # weight of leaving the sphere on which noise lies
SMALLEST = 0.03  # share of a label that is kept


@dataclass(frozen=True)
class Likeness:
    """What to wish for: a mixture and the global noise; and how far what comes of it is from the recording.

    Args:
        label: mixture as `Wish` has it.
        glob: the global noise.
        distance: of the statistics in latent space.
        usual: the median distance of the labels' own clips, which were not searched for.
    """

    label: str
    glob: tuple[float, ...]
    distance: float
    usual: float


def like(generator: Generator, autoencoder: Autoencoder, clip: Clip, *, seed: int = 0) -> Likeness:
    """What to wish of `generator` for clips like `clip`.

    Raises:
        ParameterError: a recording shorter than a second, a silent one, or a generator of one-shots.
        CheckpointError: generator and autoencoder have different mel specs.
    """
    spec, net, device = generator.checkpoint.spec, generator.net, generator.device
    if spec != autoencoder.checkpoint.spec:
        raise CheckpointError(
            f"generator {generator.checkpoint.name!r} and autoencoder {autoencoder.checkpoint.name!r} don't fit: "
            f"{spec} against {autoencoder.checkpoint.spec}"
        )
    if net.length:
        raise ParameterError(f"{generator.checkpoint.name!r} makes one-shots; --like takes a generator of music")
    if clip.duration < LEAST:
        raise ParameterError(f"a recording of {LEAST:g} s or more is needed, not of {clip.duration:.2f} s")
    if float(clip.to(spec.sample_rate, 1).samples.abs().max()) < 1e-3:
        raise ParameterError("the recording is silent (its channels together); give one that can be heard")
    samples = clip.to(spec.sample_rate, 1).samples[:, : round(MOST * spec.sample_rate)]
    wanted = _manner(autoencoder.encode(LogMel(spec)(samples)[0])[None]).to(device)

    def distances(glob: torch.Tensor, shares: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """`[B, G, 1]`, `[B, classes, 1]` → `[B]`: how far clips with noise of `random` are, in latent space."""
        noise = net.draw(FRAMES, len(glob), random)._replace(glob=glob)
        noise = type(noise)(*(part.to(device) for part in noise))
        made = net(noise, shares, FRAMES)
        scores = autoencoder.net.decoder.standardise(net.restore(made))
        return (_manner(autoencoder.net.encode(scores).mean) - wanted).square().mean(1)

    random = clip_generator(seed, 0)
    with one_thread(), torch.no_grad():
        drawn = torch.randn(DRAWS, net.glob, 1, generator=random).to(device)
        eye = torch.eye(net.classes, device=device)[:, :, None]
        table = torch.stack([distances(drawn, one.expand(DRAWS, -1, -1), random) for one in eye])
    best = int(table.argmin())
    glob = drawn[best % DRAWS][None].clone().requires_grad_(True)
    weights = torch.full((1, net.classes, 1), -2.0, device=device)
    weights[0, best // DRAWS] = 2.0
    weights.requires_grad_(True)
    adam, radius = torch.optim.Adam([glob, weights], RATE), glob.detach().square().mean().sqrt()
    found = torch.zeros(1)
    with one_thread(), torch.enable_grad():
        for _ in range(ROUNDS):
            shares = weights.softmax(1).expand(CLIPS, -1, -1)
            found = distances(glob.expand(CLIPS, -1, -1), shares, random)
            away = (glob.square().mean().sqrt() - radius).square()
            adam.zero_grad()
            (found.mean() + RADIUS * away).backward()  # type: ignore[no-untyped-call]
            adam.step()
    label = _mixture(weights.detach().softmax(1)[0, :, 0].tolist(), generator.labels)
    told = tuple(round(float(number), 4) for number in glob.detach().flatten())
    return Likeness(label, told, float(found.detach().mean().sqrt()), float(table.median().sqrt()))


def _manner(latent: torch.Tensor) -> torch.Tensor:
    """`[B, latent, steps] -> [B, 3 latent]`: means, deviations, and mean size of the change from step to step."""
    return torch.cat([latent.mean(2), latent.std(2), latent.diff(dim=2).abs().mean(2)], 1)


def _mixture(shares: list[float], labels: tuple[str, ...]) -> str:
    least = min(SMALLEST, max(shares))
    kept = {label: share for label, share in zip(labels, shares, strict=True) if share >= least}
    return ",".join(f"{label}:{share:.3f}" for label, share in sorted(kept.items(), key=lambda pair: -pair[1]))
