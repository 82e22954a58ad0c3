"""How a file is cut into the windows that a classifier hears: every half window, the last maybe at the file's end.

Each frame of the file is transformed once; a window's picture is made of the frames that lie in it. Of long files every
second window is spared the convolutions: its two halves were heard in its neighbours.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch

from audio_gen.features.decibel_image import DecibelImage, wrap
from audio_gen.features.streaming import LogMelStream

ALL_HEARD = 12  # windows, a minute: what is measured on is shorter


class Window(NamedTuple):
    """One window of a file.

    Args:
        number: in the order of time, from 0.
        picture: `[rows, columns]`.
        regular: whether it starts at a multiple of half a window; the last one may end with the file instead.
        between: whether its neighbours speak for it.
    """

    number: int
    picture: torch.Tensor
    regular: bool = True
    between: bool = False


class Cutter:
    """Samples of one file, in blocks → its windows; bounded memory.

    A window starts with the frame nearest to its first sample. A rest of at least a quarter window gets a last window
    that ends with the audio; audio shorter than one window is repeated to fill it.

    Args:
        picture: what makes pictures of frames.
        size: samples of a window.
        watch: is shown all frames, `[rows, k]`, in order.
    """

    def __init__(self, picture: DecibelImage, size: int, watch: Callable[[torch.Tensor], object] | None = None) -> None:
        self.samples = 0  # that went by, as they came
        self._picture, self._size, self._watch = picture, size, watch
        self._spec = picture.log_mel.spec
        self._count = self._spec.frames(size)
        self._frames, self._first = torch.zeros(picture.rows, 0), 0  # frames still needed; which one is the first

    @property
    def sample_rate(self) -> int:
        """Of the samples that it wants."""
        return self._spec.sample_rate

    @torch.no_grad()
    def windows(self, blocks: Iterator[torch.Tensor]) -> Iterator[Window]:
        """Blocks `[1, t]` → windows in order."""
        stream = LogMelStream(log_mel=self._picture.log_mel)
        number = length = 0
        for block in self._filled(blocks):
            length += block.shape[1]
            self._take(stream.push(block))
            while number < self._regular(length) and self._start(number) + self._count <= self._end:
                yield self._window(number, self._start(number))
                number += 1
            self._drop(min(self._start(number), self._end - self._count))
        if length:
            self._take(stream.finish())
            last = self._end - self._count
            for rest in range(number, self._regular(length)):
                yield self._window(rest, min(self._start(rest), last))
            number = self._regular(length)
            if length - ((number - 1) * (self._size // 2) + self._size) >= self._size // 4:
                yield self._window(number, last)._replace(regular=False)

    def _filled(self, blocks: Iterator[torch.Tensor]) -> Iterator[torch.Tensor]:
        """At first one window, wrapped if there are no more samples; then the blocks as they come."""
        held = torch.zeros(1, 0)
        for block in blocks:
            self.samples += block.shape[1]
            if self.samples - block.shape[1] >= self._size:
                yield block
                continue
            held = torch.cat([held, block], 1)
            if self.samples >= self._size:
                yield held
        if 0 < self.samples < self._size:
            yield wrap(held, self._size)

    def _regular(self, length: int) -> int:
        """How many windows there are at half a window's hop in `length` samples, one window or more."""
        return (length - self._size) // (self._size // 2) + 1

    def _start(self, number: int) -> int:
        return round(number * (self._size // 2) / self._spec.hop_length)

    @property
    def _end(self) -> int:
        return self._first + self._frames.shape[1]

    def _take(self, frames: torch.Tensor) -> None:
        self._frames = torch.cat([self._frames, frames], 1)
        if self._watch is not None:
            self._watch(frames)

    def _drop(self, before: int) -> None:
        if before > self._first:
            self._frames, self._first = self._frames[:, before - self._first :], before  # copied by the next join

    def _window(self, number: int, start: int) -> Window:
        begin = start - self._first
        return Window(number, self._picture.of_frames(self._frames[:, begin : begin + self._count]))


def thinned(windows: Iterator[Window]) -> Iterator[Window]:
    """Say which windows lie `between` two others that are heard; these come a little late, all else in order.

    None do in files of up to a minute; in longer ones every second window, but for what has no regular neighbour.
    """
    spare: list[Window] = []
    for window in windows:
        if window.regular and window.number % 2:
            spare.append(window)
            continue
        if window.regular and window.number >= ALL_HEARD:
            yield from (one._replace(between=True) for one in spare)
            spare.clear()
        yield window
    yield from spare


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
