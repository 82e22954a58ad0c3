"""generate: noise and a label → log-mel → waveform, the same for the same seed whatever the batch size."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from audio_gen.audio.clip import Clip
from audio_gen.audio.encode import Tags
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.generator import FAMILY, GeneratorNet, Noise
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.loop import fitted, frames_around, looped
from audio_gen.pipelines.mix import shares
from audio_gen.pipelines.vocode import GRIFFIN_LIM, Vocoder, require_same_spec


@dataclass(frozen=True, eq=False)
class Generated:
    """One new log-mel `[n_mels, N]`, the number of samples that were asked for, and what it was made from."""

    mel: torch.Tensor
    samples: int
    label: str
    seed: int
    index: int
    variety: float = 1.0
    loop: bool = False


def sound(item: Generated, vocoder: Vocoder) -> Clip:
    """The log-mel as audio, cut to the length that was asked for; a loop's comes round."""
    if item.loop:
        return looped(item.mel, item.samples, vocoder)
    clip = vocoder(item.mel)
    return Clip(clip.samples[:, : item.samples], clip.sample_rate)


def clip_generator(seed: int, index: int) -> torch.Generator:
    """The random numbers of clip `index` of `seed`: its own CPU generator, the same on every machine."""
    digest = hashlib.sha256(f"{seed}:{index}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


class Generator:
    """Makes new clips: `Generator.load("music").sample(4, seconds=10, label="folk", seed=7)`."""

    def __init__(self, model: checkpoint.Checkpoint, device: torch.device | None = None) -> None:
        self.checkpoint = model
        self.device = device or torch.device("cpu")
        self.net: GeneratorNet = checkpoint.build(GeneratorNet, model).to(self.device)
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

    def mels(
        self,
        count: int,
        *,
        seconds: float = 10.0,
        label: str | None = None,
        seed: int = 0,
        variety: float = 1.0,
        loop: bool = False,
        batch_size: int = 1,
        skip: Sequence[int] = (),
    ) -> Iterator[Generated]:
        """New log-mels, one by one. On the CPU convolutions round differently for different batch shapes: no batches.

        Args:
            count: how many.
            seconds: length of each.
            label: a label or a mixture, "electronic:0.7,folk:0.3"; without it the labels take turns.
            seed: the same seed gives the same clips.
            variety: 0 to 1, the radius of the noise that tells clips apart (truncation, as in Musika): towards 0 they
                come ever nearer to what is typical of the label, at 0 only the grain differs.
            loop: whether the end flows into the beginning (`loop.looped`).
            batch_size: at once, on a GPU; loops are made one by one.
            skip: clips of these numbers are left out.

        Raises:
            ParameterError: unknown label, no clips, no length, or a variety outside 0 to 1.
        """
        self.check_label(label)
        if not 0 <= variety <= 1:
            raise ParameterError(f"variety must lie between 0 and 1, not {variety}")
        if count < 1 or not 0 < seconds <= 36_000:
            raise ParameterError(
                f"count must be at least 1 and seconds above 0 and at most 36000, not {count} and {seconds}"
            )
        samples = max(1, round(seconds * self.checkpoint.spec.sample_rate))
        spec = self.checkpoint.spec
        frames = frames_around(samples, spec, self.net.stride) if loop else 1 + -(-samples // spec.hop_length)
        todo = [index for index in range(count) if index not in set(skip)]
        size = 1 if loop or self.device.type == "cpu" else max(1, batch_size)
        for begin in range(0, len(todo), size):
            chosen = todo[begin : begin + size]
            labels = [label or self.labels[index % len(self.labels)] for index in chosen]
            mels = self._batch(chosen, labels, frames, seed, variety, loop)
            for index, name, mel in zip(chosen, labels, mels, strict=True):
                fit = fitted(mel, samples, spec) if loop else mel
                yield Generated(fit, samples, name, seed, index, variety, loop)

    def sample(
        self,
        count: int,
        *,
        seconds: float = 10.0,
        label: str | None = None,
        seed: int = 0,
        variety: float = 1.0,
        loop: bool = False,
        vocoder: Vocoder | str = GRIFFIN_LIM,
        batch_size: int = 1,
    ) -> list[Clip]:
        """New clips of `seconds`; see `mels`.

        Raises:
            CheckpointError: the vocoder understands another mel spec.
        """
        made = self.vocoder(vocoder)
        mels = self.mels(
            count, seconds=seconds, label=label, seed=seed, variety=variety, loop=loop, batch_size=batch_size
        )
        return [sound(item, made) for item in mels]

    def vocoder(self, vocoder: Vocoder | str) -> Vocoder:
        """A vocoder that fits this generator.

        Raises:
            CheckpointError: it doesn't.
        """
        if isinstance(vocoder, str):
            vocoder = Vocoder.load(vocoder, spec=self.checkpoint.spec, device=self.device)
        require_same_spec(f"generator {self.checkpoint.name!r}", self.checkpoint.spec, vocoder)
        return vocoder

    def tags(self, item: Generated, vocoder: str) -> Tags:
        """What a file made from `item` says of itself: no time, path or batch size, so equal seeds give equal bytes."""
        from audio_gen import __version__

        model = self.checkpoint
        return {
            "software": f"audio_gen {__version__}",
            "generated_by": "machine",
            "model": model.name,
            "sha256": model.sha256,
            "label": item.label,
            "seed": item.seed,
            "index": item.index,
            "variety": item.variety,
            "loop": item.loop,
            "frames": item.mel.shape[-1],
            "vocoder": vocoder,
            "licence": model.licence,
        }

    @torch.no_grad()
    def _batch(
        self, indices: Sequence[int], labels: Sequence[str], frames: int, seed: int, variety: float, loop: bool
    ) -> torch.Tensor:
        draw = self.net.draw_loop if loop else self.net.draw
        drawn = [draw(frames, generator=clip_generator(seed, index)) for index in indices]
        noise = Noise(*(torch.cat(parts).to(self.device) for parts in zip(*drawn, strict=True))).within(variety)
        classes = torch.zeros(len(labels), len(self.labels), device=self.device)
        for row, name in enumerate(labels):
            for label, share in shares(name, self.labels).items():
                classes[row, self.labels.index(label)] = share
        with one_thread():
            return self.net.restore(self.net(noise, classes, frames)).cpu()
