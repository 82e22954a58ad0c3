"""Random crops of prepared log-mels for training a generator."""

import math

import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError

NEPER = 20 / math.log(10)  # decibels in one unit of a log-mel of magnitudes


class Crops:
    """Class-balanced random crops of the training tracks.

    Args:
        arrays: of kind "log_mel".
        frames: length of a crop; a shorter track (a drum hit) is filled up with silence.
        quietest: crops of longer tracks below this level against the loudest frames, in dB, are passed over.

    Raises:
        DatasetError: a class without a training track that is loud enough.
    """

    def __init__(self, arrays: Arrays, frames: int, quietest: float) -> None:
        self.frames = frames
        mel = torch.from_numpy(arrays.mel)
        level = mel.float().amax(1)
        loudest = float(torch.quantile(level[:: max(1, len(level) // 100_000)], 0.95))
        threshold = loudest + quietest / NEPER * arrays.spec.power
        parts, total = [mel], len(mel)
        starts: list[list[torch.Tensor]] = [[] for _ in arrays.labels]
        for number in arrays.chosen("train"):
            first, last = map(int, arrays.index[number : number + 2])
            if arrays.tracks[number].label not in arrays.labels:
                continue
            if last - first >= frames:
                windows = level[first:last].unfold(0, frames, 1).mean(1)
                found = first + torch.nonzero(windows > threshold).squeeze(1)
            else:
                silence = mel.new_full((frames - (last - first), mel.shape[1]), math.log(arrays.spec.floor))
                parts += [mel[first:last], silence]
                found, total = torch.tensor([total]), total + frames
            starts[arrays.labels.index(arrays.tracks[number].label)].append(found)
        empty = [label for label, found in zip(arrays.labels, starts, strict=True) if not sum(map(len, found))]
        if empty or not starts:
            raise DatasetError(f"no training track that is loud enough for: {', '.join(empty) or 'any class'}")
        self.mel = torch.cat(parts) if len(parts) > 1 else mel
        self.starts = [torch.cat(found) for found in starts]

    def draw(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-mel `[count, n_mels, frames]` float32 and class numbers `[count]`."""
        labels = torch.randint(len(self.starts), (count,))
        chosen = [self.starts[label] for label in labels.tolist()]
        first = torch.stack([starts[torch.randint(len(starts), ())] for starts in chosen])
        rows = self.mel[first[:, None] + torch.arange(self.frames)]
        return rows.float().transpose(1, 2), labels

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of each band over a sample of crops, `[n_mels, 1]` each."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            sample = self.draw(1024)[0]
        return sample.mean((0, 2))[:, None], sample.std((0, 2))[:, None].clamp_min(1e-3)
