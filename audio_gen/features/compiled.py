"""Log-mels on the CPU, LANES frames at a time through the registers: window, transform, magnitude, filter bank, log.

Nothing is allocated from frame to frame: what a group of frames needs (`Work`) stays in the second-level cache.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.features._fourier import SMALLEST, Fourier, fourier, magnitudes, transform
from audio_gen.features._lanes import LANES, fetch_ahead, load, log, maximum, spread, store
from audio_gen.features._native import native
from audio_gen.features.mel_spec import MelSpec

GROUPS = 256  # of frames, a millisecond: what a further thread must have to do, or its start costs more than it brings


def supported(spec: MelSpec) -> bool:
    """Whether the spec can be computed here: n_fft a power of two from 128 on, power 1 or 2."""
    return spec.n_fft >= SMALLEST and spec.n_fft.bit_count() == 1 and spec.power in (1, 2)


class Plan(NamedTuple):
    """All that is known before the samples.

    Args:
        n_fft: samples of a frame.
        hop: from frame to frame.
        squared: whether powers are summed, not magnitudes.
        floor: `[1]`, the smallest sum.
        window: `[n_fft]`, halved, since the transform gives twice the spectrum.
        fourier: the transform's tables.
        first: `[rows]`, the first frequency that each row of the filter bank hears.
        last: `[rows]`, the one after its last.
        weights: of all rows, one after the other.
    """

    n_fft: int
    hop: int
    squared: bool
    floor: npt.NDArray[np.float32]
    window: npt.NDArray[np.float32]
    fourier: Fourier
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]


def plan(spec: MelSpec, window: torch.Tensor, bank: torch.Tensor) -> Plan:
    """For frames of `spec`: `window [n_fft]`, `bank [rows, 1 + n_fft // 2]`, both float32."""
    rows = bank.numpy()
    heard = [np.flatnonzero(row) for row in rows]
    first = np.array([found[0] if len(found) else 0 for found in heard])
    last = np.array([found[-1] + 1 if len(found) else 0 for found in heard])
    weights = np.concatenate([row[a:b] for row, a, b in zip(rows, first, last, strict=True)])
    floor = np.array([spec.floor], np.float32)
    halved = (window / 2).numpy()
    squared = spec.power == 2
    return Plan(spec.n_fft, spec.hop_length, squared, floor, halved, fourier(spec.n_fft), first, last, weights)


class Work(NamedTuple):
    """Room for one group of frames: of a thread's own."""

    samples: npt.NDArray[np.float32]
    z: npt.NDArray[np.float32]
    spectrum: npt.NDArray[np.float32]


_spare: defaultdict[tuple[int, ...], list[Work]] = defaultdict(list)  # by size; fresh memory costs as much as a frame


@contextmanager
def _room(made: Plan, count: int) -> Iterator[list[Work]]:
    """Of `count` threads, which nobody else has meanwhile."""
    sizes = (made.n_fft + (LANES - 1) * made.hop, made.n_fft * LANES, (1 + made.n_fft // 2) * LANES)
    spare, rooms = _spare[sizes], []
    for _ in range(count):
        try:
            rooms.append(spare.pop())
        except IndexError:
            rooms.append(Work(*(torch.empty(size).numpy() for size in sizes)))  # it begins at a cache line
    try:
        yield rooms
    finally:
        spare.extend(rooms)


def log_mel(samples: torch.Tensor, made: Plan, pad: int, count: int) -> torch.Tensor:
    """`[B, T] -> [B, rows, count]`, float32: frame n begins at sample n * hop - pad.

    Beyond their ends samples are reflected. Works in as many threads as torch does, where there is enough for them.
    """
    clips = samples.contiguous().numpy()
    out = np.empty((len(clips), len(made.first), count), np.float32)  # numpy asks for large pages, torch doesn't
    groups = -(-count // LANES)
    total = len(clips) * groups
    threads = max(1, min(torch.get_num_threads(), total // GROUPS))
    bounds = [total * number // threads for number in range(threads + 1)]
    flat = out.reshape(len(clips), len(made.first) * count)
    with _room(made, threads) as rooms:
        shares = [
            (clips, flat, made, pad, count, *ends, room) for ends, room in zip(pairwise(bounds), rooms, strict=True)
        ]
        others = [threading.Thread(target=_groups, args=share) for share in shares[1:]]
        for thread in others:
            thread.start()
        _groups(*shares[0])
        for thread in others:
            thread.join()
    return torch.from_numpy(out)


@native
def _groups(clips: Any, out: Any, made: Any, pad: int, count: int, begin: int, end: int, work: Any) -> None:
    """Groups of LANES frames, counted through all clips; a clip's last group begins earlier, to be full."""
    length, groups = clips.shape[1], -(-count // LANES)
    span = made.n_fft + (LANES - 1) * made.hop
    for number in range(begin, end):
        clip = clips[number // groups]
        frame = max(0, min(number % groups * LANES, count - LANES))
        start = frame * made.hop - pad
        if start >= 0 and start + span <= length:
            transform(made.fourier, clip, start, made.hop, made.window, work.z)
        else:
            _reflect(clip, start, work.samples)
            transform(made.fourier, work.samples, 0, made.hop, made.window, work.z)
        for ahead in range(start + span, min(start + span + LANES * made.hop, length), 16):
            fetch_ahead(clip, ahead)
        magnitudes(made.fourier, work.z, made.squared, work.spectrum)
        _filter(made, work, out[number // groups], frame, count)


@native
def _reflect(clip: Any, start: int, target: Any) -> None:
    """`target[i] = clip[start + i]`, reflected at both ends without the edge sample as often as it takes."""
    length = clip.shape[0]
    period = max(1, 2 * (length - 1))
    for i in range(target.shape[0]):
        place = (start + i) % period
        target[i] = clip[place if place < length else period - place]


@native
def _filter(made: Any, work: Any, out: Any, frame: int, count: int) -> None:
    samples, spectrum = work.samples, work.spectrum
    first, last, weights = made.first, made.last, made.weights
    floor, at = spread(made.floor, 0), 0
    for row in range(first.shape[0]):
        a = b = c = d = floor - floor  # four sums: they don't wait for each other, and round less
        k, end = first[row], last[row]
        while k + 4 <= end:
            a = a + load(spectrum, k * LANES) * spread(weights, at)
            b = b + load(spectrum, (k + 1) * LANES) * spread(weights, at + 1)
            c = c + load(spectrum, (k + 2) * LANES) * spread(weights, at + 2)
            d = d + load(spectrum, (k + 3) * LANES) * spread(weights, at + 3)
            k, at = k + 4, at + 4
        for i in range(k, end):
            a = a + load(spectrum, i * LANES) * spread(weights, at)
            at += 1
        level = log(maximum((a + b) + (c + d), floor))
        if count >= LANES:
            store(out, row * count + frame, level)
        else:
            store(samples, 0, level)
            for n in range(count):
                out[row * count + n] = samples[n]
