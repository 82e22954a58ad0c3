"""Random pieces of prepared waveforms for training a vocoder."""

import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError
from audio_gen.features.log_mel import FULL_SCALE


class Waves:
    """Pieces of one split's waveforms, each track as likely as it is long.

    Args:
        arrays: of kind "waveform".
        split: to draw from.
        length: of a piece, in samples; shorter tracks are left out.

    Raises:
        DatasetError: no track is long enough.
    """

    def __init__(self, arrays: Arrays, split: str, length: int) -> None:
        self.samples, self.length = torch.from_numpy(arrays.mel), length
        bounds = [(int(arrays.index[n]), int(arrays.index[n + 1])) for n in arrays.chosen(split)]
        self.bounds = [(first, last) for first, last in bounds if last - first >= length]
        if not self.bounds:
            raise DatasetError(f"no track of split {split!r} is {length} samples long")
        self.chances = torch.tensor([float(last - first) for first, last in self.bounds])

    def draw(self, count: int) -> torch.Tensor:
        """`[count, length]` float32 in [-1, 1]."""
        tracks = torch.multinomial(self.chances, count, replacement=True).tolist()
        return torch.stack([self.piece(track, float(torch.rand(()))) for track in tracks])

    def piece(self, track: int, place: float) -> torch.Tensor:
        """`[length]`, from `place` (0 to 1) of what can be a beginning."""
        first, last = self.bounds[track]
        start = first + round(place * (last - first - self.length))
        return self.samples[start : start + self.length].float() / FULL_SCALE
