"""The clips that a generator is judged by: its own, real ones and noise, all as long and through the same vocoder."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from audio_gen.audio.artificial import noise
from audio_gen.audio.clip import Clip
from audio_gen.datasets._item import Item
from audio_gen.errors import DatasetError
from audio_gen.features.log_mel import LogMel
from audio_gen.metrics.copies import onset
from audio_gen.pipelines.generate import Generator, sound
from audio_gen.pipelines.prepare import readable
from audio_gen.pipelines.vocoder import Vocoder
from audio_gen.registry import pick

SILENCE = 1e-4  # peak of a real window below which there is nothing to hear


@dataclass(frozen=True, eq=False)
class Sound:
    """One clip.

    Args:
        label: what was asked for, or what the real music is; "" of noise.
        track: the recording that it is a part of; of anything else a name of its own.
        clip: its sound, through mel and vocoder.
        plain: of real music, the same without vocoder.
    """

    label: str
    track: str
    clip: Clip
    plain: Clip | None = None


Progress = Callable[[Iterable[Sound], str], Iterable[Sound]]


class Source:
    """Clips of one length at one rate.

    Args:
        generator: what is judged.
        voice: the vocoder of all clips.
        seconds: length of a clip; None is a one-shot as the generator makes it.
        count: clips of a class.
        seed: of new clips, and of which real ones are taken.
    """

    def __init__(self, generator: Generator, voice: Vocoder, seconds: float | None, count: int, seed: int) -> None:
        self.generator, self.voice, self.count, self.seed = generator, voice, count, seed
        self.spec = generator.checkpoint.spec
        self.size = generator.samples(seconds)  # of a clip
        self.frames = 1 + -(-self.size // self.spec.hop_length)
        self.span = (self.frames - 1) * self.spec.hop_length  # what so many frames are the log-mel of

    @property
    def seconds(self) -> float:
        """Length of a clip."""
        return self.size / self.spec.sample_rate

    def made(self) -> Iterator[Sound]:
        """`count` new clips of each label, the labels in turn."""
        total = self.count * len(self.generator.labels)
        for item in self.generator.mels(total, seconds=self.seconds, seed=self.seed):
            yield Sound(item.label, f"clip {item.index}", sound(item, self.voice))

    def pink_noise(self) -> Iterator[Sound]:
        """`count` clips."""
        log_mel = LogMel(self.spec)
        for number in range(self.count):
            samples = noise(self.spec.sample_rate, self.span / self.spec.sample_rate, "pink", number)
            yield Sound("", f"noise {number}", self._voiced(log_mel(samples)[0]))

    def real(self, items: Sequence[Item]) -> Iterator[Sound]:
        """About `count` clips of each label, spread evenly over its tracks; of one-shots one each, from its onset."""
        quotas = self._quotas(items)
        log_mel = LogMel(self.spec)
        cut = self._one_shot if self.generator.net.length else self._windows
        for item, samples in readable([item for item in items if quotas[item.id]], self.spec.sample_rate):
            for mel, plain in cut(samples, quotas[item.id], log_mel):
                if float(plain.abs().max()) > SILENCE:
                    yield Sound(str(item.label), item.id, self._voiced(mel), Clip(plain, self.spec.sample_rate))

    def _quotas(self, items: Sequence[Item]) -> dict[str, int]:
        """How many clips of which track."""
        random = np.random.default_rng(self.seed)
        found: dict[str, int] = {}
        for label in self.generator.labels:
            tracks = [item.id for item in items if item.label == label]
            if tracks:
                shares = np.array_split(np.arange(self.count), len(tracks))
                found |= {
                    tracks[at]: len(share) for at, share in zip(random.permutation(len(tracks)), shares, strict=True)
                }
        return found

    def _windows(
        self, samples: torch.Tensor, quota: int, log_mel: LogMel
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Log-mel `[n_mels, frames]` and samples `[1, size]` of windows that lie evenly and don't overlap."""
        fit = samples.shape[1] // self.span
        for number in np.linspace(0, fit - 1, min(fit, quota)).round().astype(int).tolist() if fit else []:
            window = samples[:, number * self.span : (number + 1) * self.span]
            yield log_mel(window)[0], window[:, : self.size]

    def _one_shot(self, samples: torch.Tensor, _: int, log_mel: LogMel) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """As `_windows`: one, from the onset on, silence where the sound ends before."""
        mel = log_mel(samples)[0]
        first = onset(mel.numpy())
        found = torch.full((self.spec.n_mels, self.frames), self.spec.floor).log()
        part = mel[:, first : first + self.frames]
        found[:, : part.shape[1]] = part
        start = min(first * self.spec.hop_length, samples.shape[1] - 1)
        plain = torch.zeros(1, self.size)
        rest = samples[:, start : start + self.size]
        plain[:, : rest.shape[1]] = rest
        yield found, plain

    def _voiced(self, mel: torch.Tensor) -> Clip:
        return Clip(self.voice(mel).samples[:, : self.size], self.spec.sample_rate)


def real_items(dataset: str, root: Path, split: str, labels: Sequence[str]) -> tuple[list[Item], list[Item], str]:
    """Real music to compare with, other real music as the control, and what the latter is.

    The control is the dataset's split "train"; where there is none apart from `split`, half of the split's tracks.

    Raises:
        DatasetError: the split isn't there, has none of the labels, or is the only one and has one track of each.
    """
    plug = pick("audio_gen.datasets", dataset)
    items = [item for item in plug.items(root, split) if item.label in labels and item.path is not None]
    if not items:
        raise DatasetError(f"{dataset} {split} has no track of {', '.join(labels)}")
    try:
        train = [item for item in plug.items(root, "train") if item.label in labels and item.path is not None]
    except DatasetError:
        train = []  # only the split that was asked for has to be there
    held = {item.path for item in items}
    if train and not any(item.path in held for item in train):
        return items, train, "train"
    halves: tuple[list[Item], list[Item]] = ([], [])
    for label in labels:
        for number, item in enumerate(item for item in items if item.label == label):
            halves[number % 2].append(item)
    if not halves[1]:
        raise DatasetError(
            f"{dataset} {split} has one track of each class and no split 'train' beside it: real music has to be held "
            "against other real music; give two tracks of a class or more"
        )
    return halves[0], halves[1], f"half of {split}"
