"""Fourier transforms of LANES real signals side by side, in place: decimation in frequency, radix 8 and 4.

N real samples are taken for M = N / 2 complex ones, even samples real and odd ones imaginary. A pass of radix r over a
length L makes r lengths L / r of it (W. M. Gentleman and G. Sande, "Fast Fourier Transforms: for fun and profit", AFIPS
1966): with x_q = z[j + q L / r],

`z[j + p L / r] = e^(-2πi j p / L) Σ_q e^(-2πi p q / r) x_q`.

After the last pass `z[position[k]]` is frequency k, and the real samples' spectrum is

`X[k] = (Z[k] + Z*[M - k]) / 2 - i e^(-2πi k / N) (Z[k] - Z*[M - k]) / 2`.

Layout: `z[(2 i + c) * LANES + lane]`, c = 0 real, 1 imaginary.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.features._lanes import LANES, load, spread, sqrt, store, transpose
from audio_gen.features._native import native

Floats = npt.NDArray[np.float32]
Wholes = npt.NDArray[np.int64]
SMALLEST = 128  # samples: half of them in the first pass of radix 8 give whole vectors


class Fourier(NamedTuple):
    """What a transform of N samples needs, besides its window.

    Args:
        radices: of the passes; the first is 8.
        twiddles: cos and -sin of each pass' factors, j by j, p from 1 on.
        position: `[M + 1]`, where each frequency lies; that of M is that of 0.
        turns: `[2 (M + 1)]`, cos and sin of 2πk / N.
        half: √½.
    """

    radices: Wholes
    twiddles: Floats
    position: Wholes
    turns: Floats
    half: Floats


def fourier(n_fft: int) -> Fourier:
    """Of a power of two from `SMALLEST` on."""
    count = n_fft // 2
    threes = count.bit_length() - 1  # log2; 4 = 2 + 2 of them are two fours, so that no pass is of radix 2
    fours = -threes % 3
    radices = [8] * ((threes - 2 * fours) // 3) + [4] * fours
    twiddles, length = [], count
    for radix in radices:
        step = length // radix
        angle = 2 * np.pi / length * np.outer(np.arange(step), np.arange(1, radix))
        twiddles.append(np.stack([np.cos(angle), -np.sin(angle)], -1).ravel())
        length = step
    k = np.arange(count + 1)
    angle = 2 * np.pi / n_fft * k
    turns = np.stack([np.cos(angle), np.sin(angle)], -1).ravel()
    floats = (np.concatenate(twiddles), turns, np.sqrt([0.5]))
    twiddle, turn, half = (values.astype(np.float32) for values in floats)
    return Fourier(np.array(radices), twiddle, _positions(k % count, count, radices), turn, half)


def _positions(k: Wholes, length: int, radices: list[int]) -> Wholes:
    if not radices:
        return np.zeros_like(k)
    step = length // radices[0]
    return k % radices[0] * step + _positions(k // radices[0], step, radices[1:])


@native
def transform(plan: Any, source: Any, start: int, hop: int, window: Any, z: Any) -> None:
    """Frames `source[start + hop lane :]` times the window → z. The first pass begins while its samples are at hand."""
    radices, twiddles, half = plan.radices, plan.twiddles, plan.half  # once: inside loops each would be counted
    step = z.shape[0] // (2 * LANES) // 8
    for j in range(0, step, LANES // 2):
        for q in range(8):
            n = 2 * (j + q * step)
            transpose(source, start + n, hop, window, n, z, n * LANES)
        for i in range(j, j + LANES // 2):
            _radix8(z, i, step, twiddles, 14 * i, half)
    for part in range(8):  # all other passes over an eighth, which stays in the cache
        length, t = step, 14 * step
        for radix in radices[1:]:
            shorter = length // radix
            for i in range(shorter):
                for begin in range(part * step, (part + 1) * step, length):
                    if radix == 8:
                        _radix8(z, begin + i, shorter, twiddles, t, half)
                    else:
                        _radix4(z, begin + i, shorter, twiddles, t)
                t += 2 * (radix - 1)
            length = shorter


@native
def magnitudes(plan: Any, z: Any, squared: bool, target: Any) -> None:
    """Twice the magnitude of each frequency, or its square: `target[k * LANES + lane]`, k = 0 … M."""
    position, turns = plan.position, plan.turns
    count = z.shape[0] // (2 * LANES)
    for k in range(count // 2 + 1):
        i, o = position[k] * 2 * LANES, position[count - k] * 2 * LANES
        ar, ai, br, bi = load(z, i), load(z, i + LANES), load(z, o), load(z, o + LANES)
        even_r, even_i, odd_r, odd_i = ar + br, ai - bi, ai + bi, br - ar
        c, s = spread(turns, 2 * k), spread(turns, 2 * k + 1)
        turned_r, turned_i = c * odd_r + s * odd_i, c * odd_i - s * odd_r
        xr, xi, yr, yi = even_r + turned_r, even_i + turned_i, even_r - turned_r, even_i - turned_i
        x, y = xr * xr + xi * xi, yr * yr + yi * yi
        if squared:
            store(target, k * LANES, x)
            store(target, (count - k) * LANES, y)
        else:
            store(target, k * LANES, sqrt(x))
            store(target, (count - k) * LANES, sqrt(y))


@native
def _turn(z: Any, at: int, re: Any, im: Any, twiddles: Any, t: int) -> None:
    c, s = spread(twiddles, t), spread(twiddles, t + 1)
    store(z, at, re * c - im * s)
    store(z, at + LANES, re * s + im * c)


@native
def _radix4(z: Any, first: int, step: int, twiddles: Any, t: int) -> None:
    i, d = first * 2 * LANES, step * 2 * LANES
    ar, ai = load(z, i), load(z, i + LANES)
    br, bi = load(z, i + d), load(z, i + d + LANES)
    cr, ci = load(z, i + 2 * d), load(z, i + 2 * d + LANES)
    dr, di = load(z, i + 3 * d), load(z, i + 3 * d + LANES)
    er, ei, fr, fi = ar + cr, ai + ci, ar - cr, ai - ci
    gr, gi, hr, hi = br + dr, bi + di, br - dr, bi - di
    store(z, i, er + gr)
    store(z, i + LANES, ei + gi)
    _turn(z, i + d, fr + hi, fi - hr, twiddles, t)
    _turn(z, i + 2 * d, er - gr, ei - gi, twiddles, t + 2)
    _turn(z, i + 3 * d, fr - hi, fi + hr, twiddles, t + 4)


@native
def _radix8(z: Any, first: int, step: int, twiddles: Any, t: int, half: Any) -> None:
    i, d = first * 2 * LANES, step * 2 * LANES
    h = spread(half, 0)
    ar, ai = load(z, i), load(z, i + LANES)
    er, ei = load(z, i + 4 * d), load(z, i + 4 * d + LANES)
    cr, ci = load(z, i + 2 * d), load(z, i + 2 * d + LANES)
    gr, gi = load(z, i + 6 * d), load(z, i + 6 * d + LANES)
    ar, ai, er, ei = ar + er, ai + ei, ar - er, ai - ei
    cr, ci, gr, gi = cr + gr, ci + gi, ci - gi, gr - cr  # the difference times -i
    ar, ai, cr, ci = ar + cr, ai + ci, ar - cr, ai - ci  # of the even ones: frequencies 0 and 2,
    er, ei, gr, gi = er + gr, ei + gi, er - gr, ei - gi  # 1 and 3
    br, bi = load(z, i + d), load(z, i + d + LANES)
    fr, fi = load(z, i + 5 * d), load(z, i + 5 * d + LANES)
    dr, di = load(z, i + 3 * d), load(z, i + 3 * d + LANES)
    hr, hi = load(z, i + 7 * d), load(z, i + 7 * d + LANES)
    br, bi, fr, fi = br + fr, bi + fi, br - fr, bi - fi
    dr, di, hr, hi = dr + hr, di + hi, di - hi, hr - dr
    br, bi, dr, di = br + dr, bi + di, bi - di, dr - br  # the difference times -i
    fr, fi, hr, hi = fr + hr, fi + hi, fr - hr, fi - hi
    fr, fi = (fr + fi) * h, (fi - fr) * h  # times e^(-iπ/4)
    hr, hi = (hi - hr) * h, (hr + hi) * h  # times -e^(-3iπ/4): taken away below where it is to be added
    store(z, i, ar + br)
    store(z, i + LANES, ai + bi)
    _turn(z, i + d, er + fr, ei + fi, twiddles, t)
    _turn(z, i + 2 * d, cr + dr, ci + di, twiddles, t + 2)
    _turn(z, i + 3 * d, gr + hr, gi - hi, twiddles, t + 4)
    _turn(z, i + 4 * d, ar - br, ai - bi, twiddles, t + 6)
    _turn(z, i + 5 * d, er - fr, ei - fi, twiddles, t + 8)
    _turn(z, i + 6 * d, cr - dr, ci - di, twiddles, t + 10)
    _turn(z, i + 7 * d, gr - hr, gi + hi, twiddles, t + 12)
