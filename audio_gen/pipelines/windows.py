"""How a file is cut into the windows that a classifier hears: every half window, the last maybe at the file's end."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from audio_gen.features.decibel_image import wrap


def batches(blocks: Iterator[torch.Tensor], size: int, batch_size: int) -> Iterator[torch.Tensor]:
    """Blocks `[1, t]` → batches `[B, size]` of windows at half a window's hop; bounded memory.

    A rest of at least a quarter window gets a last window that ends with the audio; audio shorter than one window is
    wrapped to fill it.
    """
    hop = size // 2
    kept, start = torch.zeros(1, 0), 0  # samples still needed, and where in them the next window starts
    for block in blocks:
        kept = torch.cat([kept, block], 1)
        while kept.shape[1] - start >= size + (batch_size - 1) * hop:
            yield kept[0, start : start + size + (batch_size - 1) * hop].unfold(0, size, hop)
            start += batch_size * hop
        used = max(0, start - hop)  # the last window that was heard stays, for one that ends with the audio
        kept, start = kept[:, used:].clone(), start - used
    windows = list(kept[0, start:].unfold(0, size, hop)) if kept.shape[1] - start >= size else []
    start += len(windows) * hop
    total = kept.shape[1]
    if start == 0 and total:
        yield wrap(kept, size)
    elif start and total - (start - hop + size) >= size // 4:
        windows.append(kept[0, -size:])
    if windows:
        yield torch.stack(windows)


@dataclass(frozen=True, eq=False)
class Windows:
    """Where the windows of a file lie, and the grid of the feature maps in them.

    Args:
        samples: length of the file at the model's rate.
        size: samples of a window.
        columns: columns of a window.
        stride: mel bands and columns from one cell to the next.
    """

    samples: int
    size: int
    columns: int
    stride: tuple[int, int]

    def starts(self, count: int) -> list[int]:
        """First sample of each of `count` windows: every half window, the last maybe where it ends with the file."""
        hop = self.size // 2
        regular = max(0, self.samples - self.size) // hop + 1
        return [k * hop if k < regular else self.samples - self.size for k in range(count)]
