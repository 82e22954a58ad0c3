# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, import-untyped, assignment, no-redef"
# ruff: noqa: RET505, RUF005 - Triton wants both branches of what it decides when it compiles, and knows no unpacking
"""A real FFT in Triton, whole frames to a program: from samples to the squares of the magnitudes, all in registers.

A frame x of n = A B real samples; W(n) = exp(-2 pi i / n):

    Y[p, b] = sum over a of x[a B + b] W(A)^(a p)                      a thread has one b: real in, p ≤ A / 2 out
    X[p + q A] = sum over b of (Y[p, b] W(n)^(p b)) W(B)^(b q)         a thread has one p, after one exchange

so a thread transforms numbers in its own registers, and they change threads once. Bin p + q A above n / 2 is the
conjugate of bin n - p - q A, which is one of row A - p: rows 0 … A / 2 are enough, and the last one has a transform of
its own (`_middle`), whose bins take the places of those that row 0, being real, has twice.

Rejected by count: tensor cores. As products of 8 x 8 x 8 the FFT is four times the operations, TF32 needs three passes
for nearly float32, and by the data sheet of a Hopper it is seven times as fast: slower, and two bits less exact.
"""

import math

import triton
import triton.language as tl


@triton.constexpr_function
def _cosine(k, n):
    return math.cos(2 * math.pi * k / n)


@triton.constexpr_function
def _sine(k, n):
    return math.sin(2 * math.pi * k / n)


@triton.constexpr_function
def _tangent(k, n):
    return round(math.tan(2 * math.pi * k / n), 15)  # of an eighth of a turn it is 1, not nearly 1


@triton.constexpr_function
def _twos(n):
    return (2,) * (n.bit_length() - 1)


@triton.jit
def _turned(re, im, K: tl.constexpr, N: tl.constexpr):
    """(re + i im) W(N)^K but for a factor, and the factor: with what it is added to it makes fused multiply-adds."""
    if K == 0:
        return re, im, 1.0
    elif 4 * K == N:
        return im, -re, 1.0
    elif 8 * K <= N or 8 * K >= 3 * N:  # of cosine and sine the larger one is the factor; 2 K < N
        return re + im * _tangent(K, N), im - re * _tangent(K, N), _cosine(K, N)
    else:
        return re * _tangent(N - 4 * K, 4 * N) + im, im * _tangent(N - 4 * K, 4 * N) - re, _sine(K, N)


@triton.jit
def _fft(re, im, N: tl.constexpr):
    """N complex numbers, two tuples → their transform."""
    if N == 1:
        return re, im
    else:
        even_re, even_im = _fft(re[0::2], im[0::2], N // 2)
        odd_re, odd_im = _fft(re[1::2], im[1::2], N // 2)
        low_re = ()
        low_im = ()
        high_re = ()
        high_im = ()
        for k in tl.static_range(N // 2):
            x, y, c = _turned(odd_re[k], odd_im[k], k, N)
            low_re = low_re + (even_re[k] + c * x,)
            low_im = low_im + (even_im[k] + c * y,)
            high_re = high_re + (even_re[k] - c * x,)
            high_im = high_im + (even_im[k] - c * y,)
        return low_re + high_re, low_im + high_im


@triton.jit
def _real_fft(x, N: tl.constexpr):
    """N real numbers → real parts 0 … N / 2 of their transform, and imaginary parts 1 … N / 2 - 1."""
    if N == 2:
        return (x[0] + x[1], x[0] - x[1]), ()
    else:
        even_re, even_im = _real_fft(x[0::2], N // 2)
        odd_re, odd_im = _real_fft(x[1::2], N // 2)
        low_re = (even_re[0] + odd_re[0],)
        low_im = ()
        high_re = (even_re[0] - odd_re[0],)
        high_im = ()
        for k in tl.static_range(1, N // 4):
            x, y, c = _turned(odd_re[k], odd_im[k - 1], k, N)
            low_re = low_re + (even_re[k] + c * x,)
            low_im = low_im + (even_im[k - 1] + c * y,)
            high_re = (even_re[k] - c * x,) + high_re
            high_im = (c * y - even_im[k - 1],) + high_im
        return low_re + (even_re[N // 4],) + high_re, low_im + (-odd_re[N // 4],) + high_im


@triton.jit
def _joined(x, N: tl.constexpr):
    if N == 1:
        return x[0]
    else:
        return tl.join(_joined(x[0::2], N // 2), _joined(x[1::2], N // 2))


@triton.jit
def _stack(x, N: tl.constexpr):
    """N tensors `[F, M]` → `[F, M, N]`."""
    return tl.reshape(_joined(x, N), (x[0].shape[0], x[0].shape[1], N))


@triton.jit
def _split(x, N: tl.constexpr):
    if N == 1:
        return (x,)
    else:
        even, odd = tl.split(x)
        even = _split(even, N // 2)
        odd = _split(odd, N // 2)
        both = ()
        for i in tl.static_range(N // 2):
            both = both + (even[i], odd[i])
        return both


@triton.jit
def _unstack(x, N: tl.constexpr):
    """`[F, M, N]` → N tensors `[F, M]`."""
    shape: tl.constexpr = (x.shape[0], x.shape[1]) + _twos(N)
    return _split(tl.reshape(x, shape), N)


@triton.jit
def _square(re, im, K: tl.constexpr):
    return re[K] * re[K] + im[K] * im[K]


@triton.jit
def _middle(y, B: tl.constexpr):
    """`[F, B]`, row A / 2 of Y, real → the squares of its B / 2 bins A / 2 + q A, q = 0, 1 …: a tuple of `[F, 1]`."""
    H: tl.constexpr = B // 2
    y = _unstack(y[:, None, :], B)
    re = ()
    im = ()
    for b in tl.static_range(H):
        u, v, c = _turned(y[b], -y[b + H], b, 2 * B)
        re = re + (c * u,)
        im = im + (c * v,)
    re, im = _fft(re, im, H)  # the bins of even q; the others are the conjugates of bins B - 1 - q
    squares = ()
    for q in tl.static_range(H):
        squares = squares + (_square(re, im, (q if q % 2 == 0 else B - 1 - q) // 2),)
    return squares


@triton.jit
def table(x, N: tl.constexpr, M: tl.constexpr, F: tl.constexpr):
    """`[F, N, M]`: F times the table `[N, M]` that is in memory as `[N / 4, M, 4]`, four numbers of a thread at a time.

    It is loaded F times, from the first-level cache, since the compiler lets a load of one number or more a thread
    decide how what follows is laid out over the threads, and this layout is the right one.
    """
    m = tl.arange(0, M)[:, None, None, None] * 4
    part = tl.arange(0, N // 4)[None, None, :, None] * (4 * M)
    number = tl.arange(0, 4)[None, None, None, :] + tl.zeros((M, F, N // 4, 4), tl.int32)
    return tl.reshape(tl.permute(tl.load(x + m + part + number), (1, 2, 3, 0)), (F, N, M))


@triton.jit
def squares_of_spectrum(x, twiddles, A: tl.constexpr, B: tl.constexpr, F: tl.constexpr):
    """`[F, A, B]` windowed samples → `[F, B, A / 2]`: |X|² of bins 0 … n / 2 - 1, in their order.

    Args:
        twiddles: tables of the cosines and of the sines of 2 pi p b / n, `[B, A / 2]` each.
    """
    M: tl.constexpr = A // 2
    re, im = _real_fft(_unstack(tl.permute(x, (0, 2, 1)), A), A)
    middle = _middle(re[M], B)
    re = tl.permute(_stack(re[:M], M), (0, 2, 1))  # [F, A / 2, B], the exchange
    im = tl.permute(_stack((tl.zeros((F, B), tl.float32),) + im, M), (0, 2, 1))
    # loaded not before they are needed: the registers are full
    c = tl.permute(table(twiddles, B, M, F), (0, 2, 1))
    s = tl.permute(table(twiddles + B * M, B, M, F), (0, 2, 1))
    re, im = _fft(_unstack(re * c + im * s, B), _unstack(im * c - re * s, B), B)
    p = tl.arange(0, M)[None, :] + tl.zeros((F, M), tl.int32)
    squares = ()
    for q in tl.static_range(B // 2):  # bins q A + p, and (q + 1) A - p from high to low
        high = tl.gather(_square(re, im, B - 1 - q), (M - p) % M, 1)
        squares = squares + (_square(re, im, q), tl.where(p == 0, middle[q], high))
    return tl.permute(_stack(squares, B), (0, 2, 1))
