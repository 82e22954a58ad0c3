"""generate: noise and a label → log-mel → waveform, the same for the same seed whatever the batch size."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from audio_gen.audio.clip import Clip
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models import checkpoint
from audio_gen.models.discriminators import CRITIC
from audio_gen.models.generator import FAMILY, GeneratorNet, Noise
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.loop import fitted, frames_around, looped
from audio_gen.pipelines.mix import shares
from audio_gen.pipelines.vocoder import DEFAULT, Vocoder, fitting

SECONDS = 10.0
LONGEST = 36_000  # seconds
Pieces = Callable[[], Iterator[torch.Tensor]]


@dataclass(frozen=True)
class Wish:
    """What a clip is to be; all that its log-mel depends on beside the checkpoint.

    Args:
        label: a label or a mixture, "electronic:0.7,folk:0.3".
        seed: with `index` and `take` it gives the noise.
        index: which clip of the seed.
        take: which try at that clip (`best.best_of`).
        seconds: its length; None is 10 s of music, a one-shot as it is.
        variety: 0 to 1, the radius of the noise that tells clips apart (truncation, as in Musika): towards 0 they come
            ever nearer to what is typical of the label, at 0 only the grain differs.
        loop: whether the end flows into the beginning (`loop.looped`).
        glob: the global noise, where it was chosen (`like.like`) and not drawn.
    """

    label: str
    seed: int = 0
    index: int = 0
    take: int = 0
    seconds: float | None = None
    variety: float = 1.0
    loop: bool = False
    glob: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Generated:
    """A new clip that is made as it is asked for: pieces `[n_mels, n]` of its log-mel, in order.

    Args:
        pieces: makes them, each time the same.
        samples: length of its sound.
        wish: what was asked for, as JSON has it.
    """

    pieces: Pieces
    samples: int
    wish: dict[str, Any]

    @property
    def mel(self) -> torch.Tensor:
        """`[n_mels, N]`: all of it."""
        return torch.cat(list(self.pieces()), 1)

    @property
    def label(self) -> str:
        """What was asked for."""
        return str(self.wish["label"])

    @property
    def index(self) -> int:
        """Which clip it is."""
        return int(self.wish["index"])


def sound_blocks(item: Generated, vocoder: Vocoder) -> Iterator[torch.Tensor]:
    """Blocks `[1, t]` of its sound, cut to the length that was asked for; a loop, which comes round, is one block."""
    if item.wish["loop"]:
        yield looped(item.mel, item.samples, vocoder).samples
        return
    left = item.samples
    for block in vocoder.blocks(item.pieces()):
        stop_here_if_asked()
        yield block[:, :left]
        left -= min(left, block.shape[1])


def sound(item: Generated, vocoder: Vocoder) -> Clip:
    """All of its sound."""
    return Clip(torch.cat(list(sound_blocks(item, vocoder)), 1), vocoder.spec.sample_rate)


def clip_generator(seed: int, index: int, take: int = 0) -> torch.Generator:
    """The random numbers of clip `index` of `seed`: its own CPU generator, the same on every machine."""
    text = f"{seed}:{index}:{take}" if take else f"{seed}:{index}"
    digest = hashlib.sha256(text.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def samples_for(seconds: float | None, spec: MelSpec, length: int = 0) -> int:
    """Samples of so many seconds; None is 10 s, or a one-shot of `length` frames as it is.

    Raises:
        ParameterError: no length, or more than ten hours.
    """
    if seconds is None:
        seconds = (length - 1) * spec.hop_length / spec.sample_rate if length else SECONDS
    if not 0 < seconds <= LONGEST:
        raise ParameterError(f"seconds must be above 0 and at most {LONGEST}, not {seconds}")
    return max(1, round(seconds * spec.sample_rate))


class Generator:
    """Makes new clips: `Generator.load("music").sample(4, seconds=10, label="folk", seed=7)`."""

    def __init__(self, model: checkpoint.Checkpoint, device: torch.device | None = None) -> None:
        self.checkpoint = model
        self.device = device or torch.device("cpu")
        self.net: GeneratorNet = (
            checkpoint.build(GeneratorNet, model.without(CRITIC)).to(self.device).requires_grad_(False)
        )
        if self.net.classes != len(model.labels):
            raise CheckpointError(f"{model.name!r} has {self.net.classes} classes but {len(model.labels)} labels")

    @classmethod
    def load(cls, name: str | Path, *, device: torch.device | None = None) -> "Generator":
        """The generator called `name`, or at that path.

        Raises:
            CheckpointError: missing, damaged, or no generator.
        """
        return cls(checkpoint.load(name, family=FAMILY), device)

    @property
    def labels(self) -> tuple[str, ...]:
        """What it can be asked for."""
        return self.checkpoint.labels

    def check_label(self, label: str | None) -> None:
        """Whether it can be asked for, a label or a mixture (`mix.shares`); None can.

        Raises:
            ParameterError: it can't; the message lists what can.
        """
        if label is not None:
            shares(label, self.labels)

    def samples(self, seconds: float | None) -> int:
        """How many samples so many seconds are; None is 10 s of music, a one-shot as it is.

        Raises:
            ParameterError: no length, or more than ten hours.
        """
        return samples_for(seconds, self.checkpoint.spec, self.net.length)

    def make(self, wish: Wish) -> Generated:
        """The clip that is wished for; it is made as its pieces are asked for.

        Raises:
            ParameterError: unknown label, no length, a variety outside 0 to 1, or a loop of a one-shot.
        """
        self.check_label(wish.label)
        if not 0 <= wish.variety <= 1:
            raise ParameterError(f"variety must lie between 0 and 1, not {wish.variety}")
        samples, spec, net = self.samples(wish.seconds), self.checkpoint.spec, self.net
        random = clip_generator(wish.seed, wish.index, wish.take)
        told = {**asdict(wish), "seconds": samples / spec.sample_rate}
        if wish.loop:
            if net.length:
                raise ParameterError(f"{self.checkpoint.name!r} makes one-shots; they don't loop")
            frames = frames_around(samples, spec, net.stride)
            noise = self._chosen(net.draw_loop(frames, generator=random), wish)

            def around() -> Iterator[torch.Tensor]:
                yield fitted(torch.cat(list(self.pieces(noise, self.classes(wish.label), frames)), 1), samples, spec)

            return Generated(around, samples, told)
        frames = net.length or 1 + -(-samples // spec.hop_length)
        noise = self._chosen(net.draw(frames, generator=random), wish)
        return Generated(lambda: self.pieces(noise, self.classes(wish.label), frames, samples), samples, told)

    def _chosen(self, noise: Noise, wish: Wish) -> Noise:
        if not wish.glob:
            return noise.within(wish.variety)
        if len(wish.glob) != self.net.glob:
            raise ParameterError(f"the global noise has {self.net.glob} numbers, not {len(wish.glob)}")
        return noise.within(wish.variety)._replace(glob=torch.tensor(wish.glob)[None, :, None])

    def classes(self, label: str) -> torch.Tensor:
        """`[1, classes, 1]`: the share of each class in a label or mixture."""
        found = torch.zeros(1, len(self.labels), 1)
        for name, share in shares(label, self.labels).items():
            found[0, self.labels.index(name)] = share
        return found

    @torch.no_grad()
    def pieces(
        self, noise: Noise, classes: torch.Tensor, frames: int, samples: int | None = None
    ) -> Iterator[torch.Tensor]:
        """Pieces `[n_mels, n]` of the log-mel of one clip, on the CPU.

        Args:
            noise: of one clip.
            classes: `[1, classes, 1]`, or with coarse steps.
            frames: how many.
            samples: how much sound is wanted; where the frames are a one-shot and end before, silence follows.
        """
        spec = self.checkpoint.spec
        made = self.net.pieces(Noise(*(part.to(self.device) for part in noise)), classes.to(self.device), frames)
        while True:
            with one_thread():  # not around the yield: who asks has threads of its own
                piece = next(made, None)
                mel = None if piece is None else self.net.restore(piece)[0].cpu()
            if mel is None:
                break
            yield mel
        missing = 0 if samples is None else 1 + -(-samples // spec.hop_length) - frames
        if missing > 0:
            yield torch.full((spec.n_mels, missing), spec.floor).log()

    def mels(
        self,
        count: int,
        *,
        label: str | None = None,
        seconds: float | None = None,
        seed: int = 0,
        variety: float = 1.0,
        loop: bool = False,
    ) -> Iterator[Generated]:
        """`count` new clips, one by one; without a label the labels take turns. The rest is `Wish`'s.

        Raises:
            ParameterError: no clips, or what `make` refuses.
        """
        if count < 1:
            raise ParameterError(f"count must be at least 1, not {count}")
        first = Wish("", seed=seed, seconds=seconds, variety=variety, loop=loop)
        for index in range(count):
            turn = self.labels[index % len(self.labels)]
            yield self.make(replace(first, label=turn if label is None else label, index=index))

    def sample(
        self,
        count: int,
        *,
        label: str | None = None,
        seconds: float | None = None,
        seed: int = 0,
        variety: float = 1.0,
        loop: bool = False,
        vocoder: Vocoder | str = DEFAULT,
    ) -> list[Clip]:
        """New clips as sound; see `mels`.

        Raises:
            CheckpointError: the vocoder understands another mel spec.
        """
        voice = self.vocoder(vocoder)
        made = self.mels(count, label=label, seconds=seconds, seed=seed, variety=variety, loop=loop)
        return [sound(item, voice) for item in made]

    def vocoder(self, vocoder: Vocoder | str) -> Vocoder:
        """A vocoder that fits this generator.

        Raises:
            CheckpointError: it doesn't.
        """
        return fitting(vocoder, f"generator {self.checkpoint.name!r}", self.checkpoint.spec, self.device)
