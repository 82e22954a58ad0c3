# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, import-untyped, no-any-return"
# ruff: noqa: RET505 - Triton wants both branches of what it decides when it compiles
"""Log-mels on a GPU in one kernel: samples are read and log-mels written, and nothing between leaves the chip.

A program takes a few frames of one signal: reflection at its ends, window, FFT (`_triton_fft`), power, bands, log.
Bands are sums of what `tl.gather` fetches. It goes through shared memory where the tensor is flat; along an axis of
more it would ask each thread in turn. A row is cut into parts of equal length, so that a short one costs little.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import triton
import triton.language as tl

from audio_gen.errors import ParameterError
from audio_gen.features._triton_fft import squares_of_spectrum, table
from audio_gen.features.log_mel import FULL_SCALE
from audio_gen.features.mel_spec import MelSpec

SHAPES = {256: (16, 16, 16), 512: (32, 16, 16), 1024: (64, 16, 8), 2048: (64, 32, 4), 4096: (64, 64, 4)}
"""n_fft = A B → A, B and the frames of a program: what the registers of 128 threads hold."""

WARPS = 4
REGISTERS = {4096: 255}  # of a thread; else 128, so that four programs share a multiprocessor
BANKS = 32  # of shared memory: threads that read from different ones don't wait for each other
LARGEST = 1 << 17  # numbers that a program may fetch for its bands: 1024 a thread, one after the other


def supported(spec: MelSpec) -> bool:
    """Whether the spec can be computed here: n_fft a power of two from 256 to 4096."""
    return spec.n_fft in SHAPES and torch.version.hip is None


class Plan(NamedTuple):
    """All that is known before the samples; tensors on the GPU.

    Args:
        spec: what the frames are like.
        rows: of the filter bank.
        windows: for samples of full scale 1, and for int16.
        twiddles: `[2, B, A / 2]`, tables of the FFT.
        bins: `[J, V]`, bin j of part v.
        weights: `[J, V]`.
        parts: `[C, R]`, the parts of row r; those that it doesn't need have no weight.
    """

    spec: MelSpec
    rows: int
    windows: tuple[torch.Tensor, torch.Tensor]
    twiddles: torch.Tensor
    bins: torch.Tensor
    weights: torch.Tensor
    parts: torch.Tensor


def plan(spec: MelSpec, window: torch.Tensor, bank: torch.Tensor) -> Plan | None:
    """For frames of `spec`, which is supported: `window [n_fft]`, `bank [rows, 1 + n_fft // 2]`, on the GPU.

    None where the bank isn't for this kernel: the last bin has a weight, which it never has in a mel filter bank, or
    its rows are no narrow bands.
    """
    matrix = bank.detach().cpu().numpy()
    a, b, frames = SHAPES[spec.n_fft]
    cuts = [_cut(matrix[:, :-1], width) for width in (4, 8, 16, 32)]
    bins, weights, parts = min(cuts, key=lambda cut: cut[0].size + cut[2].size)
    if matrix[:, -1].any() or frames * (bins.size + parts.size) > LARGEST:
        return None
    angles = 2 * np.pi / spec.n_fft * np.outer(np.arange(b), np.arange(a // 2))
    twiddles = np.stack([_in_fours(np.cos(angles)), _in_fours(np.sin(angles))])
    one = torch.from_numpy(_in_fours(window.cpu().numpy().reshape(a, b)))
    windows = one.to(bank.device), (one / FULL_SCALE).to(bank.device)
    return Plan(
        spec, len(matrix), windows, *(torch.from_numpy(x).to(bank.device) for x in (twiddles, bins, weights, parts))
    )


def _in_fours(matrix: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """As `_triton_fft.table` reads it."""
    return matrix.reshape(-1, 4, matrix.shape[1]).transpose(0, 2, 1).astype(np.float32, order="C")


def _cut(
    matrix: npt.NDArray[np.float32], width: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Bins, weights and parts of a plan, with rows in parts of `width` bins.

    A part may begin before its first weight. It begins where that bank of memory is asked for least, and its turn is
    after those that ask for the same one: 32 threads after each other read from 32 banks, and so at the next bin.
    """
    cut: list[tuple[int, int, int, int]] = []  # turn, row, where it begins in memory, first bin of its own
    asked = Counter[int]()
    for r, band in enumerate(np.flatnonzero(row) for row in matrix):
        for k in range(band[0], band[-1] + 1, width) if len(band) else ():
            earliest = max(0, min(k, band[-1] + 1 - width))
            start = min(range(k, earliest - 1, -1), key=lambda place: asked[place % BANKS])
            cut.append((asked[start % BANKS], r, start, k))
            asked[start % BANKS] += 1
    _, row, begin, first = np.array(sorted(cut, key=lambda part: part[0]), int).reshape(-1, 4).T
    bins = begin + np.arange(width)[:, None]
    weights = np.where((bins >= first) & (bins < first + width), np.pad(matrix, ((0, 0), (0, width)))[row, bins], 0)
    members = [np.flatnonzero(row == r) for r in range(len(matrix))]
    longest = max(1, *map(len, members))
    parts = np.full((triton.next_power_of_2(longest), triton.next_power_of_2(len(matrix))), len(cut))
    for r, member in enumerate(members):
        parts[: len(member), r] = member
    spare = ((0, 0), (0, triton.next_power_of_2(len(cut) + 1) - len(cut)))
    places = np.pad(bins % matrix.shape[1], spare)
    return places.astype(np.int32), np.pad(weights, spare).astype(np.float32), parts.astype(np.int32)


def log_mel(samples: torch.Tensor, made: Plan, pad: int, count: int) -> torch.Tensor:
    """`[B, T] -> [B, rows, count]`: frame n begins at sample n * hop - pad; beyond the ends samples are reflected.

    Args:
        samples: floating point or int16 (full scale is 32768), on the GPU of the plan.
        made: by `plan`.
        pad: samples before the first frame's first one.
        count: frames; the last one's samples are there or reflected once.

    Raises:
        ParameterError: a signal of 2^31 samples, or as many values to write for one.
    """
    spec, length = made.spec, samples.shape[1]
    if max(length + spec.n_fft, made.rows * count) >= 1 << 31:
        raise ParameterError(f"a GPU takes fewer than 2^31 samples and values of one signal, not {length}: cut it")
    samples = samples if samples.stride(1) == 1 else samples.contiguous()
    out = torch.empty(len(samples), made.rows, count, device=samples.device)
    tiles = -(-count // SHAPES[spec.n_fft][2])
    if not out.numel():
        return out
    with torch.cuda.device_of(samples):
        _kernel[(len(samples) * tiles,)](
            samples,
            made.windows[samples.dtype == torch.int16],
            made.twiddles,
            made.bins,
            made.weights,
            made.parts,
            out,
            samples.stride(0),
            length,
            1 / max(1, 2 * (length - 1)),
            pad,
            count,
            tiles,
            spec.hop_length,
            made.rows,
            float(spec.floor),
            **_constants(made),
            num_warps=WARPS,
            maxnreg=REGISTERS.get(spec.n_fft, 128),
        )
    return out


def _constants(made: Plan) -> dict[str, float]:
    """What the kernel is compiled for."""
    names = ("A", "B", "F", "J", "V", "C", "R", "POWER")
    numbers = (*SHAPES[made.spec.n_fft], *made.bins.shape, *made.parts.shape, float(made.spec.power))
    return dict(zip(names, numbers, strict=True))


@triton.jit
def _samples(x, first, length, inverse, pad, hop, count, A: tl.constexpr, B: tl.constexpr, F: tl.constexpr):
    """`[F, A, B]`: frames `first` … of one signal, float32; beyond the last frame, that one again."""
    start = first * hop - pad
    frame = tl.minimum(tl.arange(0, F), count - 1 - first)
    near = frame[:, None] * hop + tl.arange(0, B)[None, :]
    steps = tl.arange(0, A)[None, :, None] * B
    if (start >= 0) & (start + (F - 1) * hop + A * B <= length):
        y = tl.load((x + start + near)[:, None, :] + steps)
    else:  # numpy's reflection has a period; the half keeps the quotient away from whole numbers, so that it is exact
        i = start + near[:, None, :] + steps
        period = tl.maximum(2 * (length - 1), 1)
        i -= tl.floor((i.to(tl.float32) + 0.5) * inverse).to(tl.int32) * period
        # the hint, untrue where it runs backwards, keeps the layout of the other branch
        y = tl.load(x + tl.max_contiguous(tl.minimum(i, period - i), (1, 1, B)))
    return y.to(tl.float32)


@triton.jit
def _to_the_power(squares, POWER: tl.constexpr):
    """|X|^POWER from |X|²."""
    if POWER == 2:
        return squares
    elif POWER == 1:
        return tl.sqrt(squares)
    else:  # the exponent of a large number would take digits of a float32
        return tl.exp2(tl.log2(squares.to(tl.float64)) * (POWER / 2)).to(tl.float32)


@triton.jit
def _grid(J: tl.constexpr, R: tl.constexpr):
    """`[1, J, R]`: 0, 1, 2 and so on."""
    return tl.arange(0, J)[None, :, None] * R + tl.arange(0, R)[None, None, :]


@triton.jit
def _fetched(x, places, F: tl.constexpr, J: tl.constexpr, R: tl.constexpr):
    """F times S numbers, `[J, R]` → `[F, J, R]`: of each S those at the places."""
    S: tl.constexpr = x.numel // F
    index = tl.arange(0, F)[:, None, None] * S + tl.load(places + _grid(J, R))
    return tl.reshape(tl.gather(tl.reshape(x, (F * S,)), tl.reshape(index, (F * J * R,)), 0), (F, J, R))


# Numbers aren't compiled for, and neither is alignment but that of what `table` reads: four numbers at a time, anything
# else would spread over fewer threads.
@triton.jit(
    do_not_specialize=["stride", "length", "pad", "count", "tiles", "hop", "rows"],
    do_not_specialize_on_alignment=["x", "bins", "weights", "parts", "out"],
)
def _kernel(
    x,
    window,
    twiddles,
    bins,
    weights,
    parts,
    out,
    stride,  # from signal to signal
    length,
    inverse,  # of the reflection's period
    pad,
    count,
    tiles,  # programs for one signal
    hop,
    rows,
    floor,
    A: tl.constexpr,
    B: tl.constexpr,
    F: tl.constexpr,
    J: tl.constexpr,
    V: tl.constexpr,
    C: tl.constexpr,
    R: tl.constexpr,
    POWER: tl.constexpr,
):
    signal = (tl.program_id(0) // tiles).to(tl.int64)
    first = tl.program_id(0) % tiles * F
    y = _samples(x + signal * stride, first, length, inverse, pad, hop, count, A, B, F) * table(window, A, B, F)
    spectrum = _to_the_power(squares_of_spectrum(y, twiddles, A, B, F), POWER)
    sums = tl.sum(_fetched(spectrum, bins, F, J, V) * tl.load(weights + _grid(J, V)), 1)
    mel = tl.sum(_fetched(sums, parts, F, C, R), 1)
    mel = tl.log(tl.maximum(mel, floor, propagate_nan=tl.PropagateNan.ALL))
    row = tl.arange(0, R)[None, :]
    frame = first + tl.arange(0, F)[:, None]
    tl.store(out + signal * rows * count + row * count + frame, mel, mask=(row < rows) & (frame < count))
