"""Random crops of prepared log-mels for training a generator."""

import math

import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError
from audio_gen.features.log_mel import NEPER
from audio_gen.metrics import copies

ONSET = 26.0  # dB below the loudest frame


class Crops:
    """Class-balanced random crops of the tracks of one split.

    Args:
        arrays: of kind "log_mel".
        frames: length of a crop; a shorter track (a drum hit) is filled up with silence.
        quietest: crops of longer tracks below this level against the loudest frames, in dB, are passed over.
        one_shot: whether a track is one sound, of which there is one crop, from its onset.
        split: which tracks.

    Raises:
        DatasetError: a class without a training track that is loud enough, or a split without any.
    """

    def __init__(
        self, arrays: Arrays, frames: int, quietest: float, *, one_shot: bool = False, split: str = "train"
    ) -> None:
        self.frames, self.one_shot, self.floor = frames, one_shot, math.log(arrays.spec.floor)
        mel = torch.from_numpy(arrays.mel)
        level = mel.float().amax(1)
        loudest = float(torch.quantile(level[:: max(1, len(level) // 100_000)], 0.95))
        threshold = loudest + quietest / NEPER * arrays.spec.power
        parts, total = [mel], len(mel)
        starts: list[list[torch.Tensor]] = [[] for _ in arrays.labels]
        for number in arrays.chosen(split):
            first, last = map(int, arrays.index[number : number + 2])
            if arrays.tracks[number].label not in arrays.labels:
                continue
            if one_shot:
                first += onset(level[first:last])
                last = min(last, first + frames)
            if last - first >= frames:
                windows = level[first:last].unfold(0, frames, 1).mean(1)
                found = first + torch.nonzero((windows > threshold) | one_shot).squeeze(1)
            else:
                silence = mel.new_full((frames - (last - first), mel.shape[1]), self.floor)
                parts += [mel[first:last], silence]
                found, total = torch.tensor([total]), total + frames
            starts[arrays.labels.index(arrays.tracks[number].label)].append(found)
        empty = [label for label, found in zip(arrays.labels, starts, strict=True) if not sum(map(len, found))]
        if len(empty) == len(starts) or (empty and split == "train"):
            raise DatasetError(f"no {split} track that is loud enough for: {', '.join(empty) or 'any class'}")
        self.mel = torch.cat(parts) if len(parts) > 1 else mel
        self.starts = [torch.cat([torch.empty(0, dtype=torch.long), *found]) for found in starts]

    def draw(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-mel `[count, n_mels, frames]` float32 and class numbers `[count]`."""
        labels = torch.randint(len(self.starts), (count,))
        chosen = [self.starts[label] for label in labels.tolist()]
        first = torch.stack([starts[torch.randint(len(starts), ())] for starts in chosen])
        return self._cut(first), labels

    def spread(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """As `draw`, but `count` different crops (or all, if fewer) evenly from all there are, always the same ones."""
        first = torch.cat(self.starts)
        labels = torch.repeat_interleave(torch.tensor([len(starts) for starts in self.starts]))
        chosen = torch.linspace(0, len(first) - 1, min(count, len(first))).long()
        return self._cut(first[chosen]), labels[chosen]

    def _cut(self, first: torch.Tensor) -> torch.Tensor:
        return self.mel[first[:, None] + torch.arange(self.frames)].float().transpose(1, 2)

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of each band over a sample of crops, `[n_mels, 1]` each.

        One-shots are mostly silence: theirs are such that three deviations reach from the floor to the loudest.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            sample = self.draw(1024)[0]
        if self.one_shot:
            half = (sample.amax((0, 2)) - self.floor)[:, None] / 2
            return self.floor + half, half / 3
        return sample.mean((0, 2))[:, None], sample.std((0, 2))[:, None].clamp_min(1e-3)


class Stretches:
    """Stretches of equal length from all tracks of a split, loud or not; a shorter track is filled up with silence.

    Args:
        arrays: of kind "log_mel".
        frames: length of a stretch.
        split: which tracks.
        label: of this class alone; None is all tracks, also those without a label.

    Raises:
        DatasetError: no such track.
    """

    def __init__(self, arrays: Arrays, frames: int, split: str, label: str | None = None) -> None:
        self.frames, self.mel, self.floor = frames, torch.from_numpy(arrays.mel), math.log(arrays.spec.floor)
        chosen = [number for number in arrays.chosen(split) if label in (None, arrays.tracks[number].label)]
        if not chosen:
            raise DatasetError(f"no {split} track of class {label!r}")
        self.bounds = torch.tensor([arrays.index[number : number + 2].tolist() for number in chosen])
        self.starts = (self.bounds[:, 1] - self.bounds[:, 0] - frames).clamp_min(0) + 1  # of each track: how many
        self.ends = self.starts.cumsum(0)

    def draw(self, count: int) -> torch.Tensor:
        """Log-mel `[count, n_mels, frames]` float32 from random places."""
        return self._cut(torch.randint(int(self.ends[-1]), (count,)))

    def spread(self, count: int) -> torch.Tensor:
        """As `draw`, but at most `count` evenly from all places, always the same ones."""
        return self._cut(torch.linspace(0, int(self.ends[-1]) - 1, min(count, int(self.ends[-1]))).long())

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of each band, `[n_mels, 1]` each."""
        sample = self.spread(1024)
        return sample.mean((0, 2))[:, None], sample.std((0, 2))[:, None].clamp_min(1e-3)

    def _cut(self, places: torch.Tensor) -> torch.Tensor:
        track = torch.searchsorted(self.ends, places, right=True)
        first = self.bounds[track, 0] + places - self.ends[track] + self.starts[track]
        at = first[:, None] + torch.arange(self.frames)
        rows = self.mel[at.clamp_max(len(self.mel) - 1)].float()
        rows[at >= self.bounds[track, 1][:, None]] = self.floor
        return rows.transpose(1, 2)


def onset(level: torch.Tensor) -> int:
    """The first of `[N]` frames whose level (natural logarithm) comes within ONSET dB of the loudest's."""
    return copies.onset(level.float().numpy()[None], ONSET / NEPER)
