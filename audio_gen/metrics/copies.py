"""Does a log-mel copy another? Short descriptors of its windows, and how near they are to those of two sets of music.

A window of a log-mel becomes BANDS x STEPS averages, too coarse for a melody to be read from; level and half of the
mean spectrum are taken off, what lies more than RANGE below its loudest is levelled, and a whitened principal component
analysis makes D numbers of unit length. With t the descriptors of the training music and o those of other music, the
ratio of a window q is

    r(q) = (min_t |q - t| + NOISE) / (min_o |q - o| + NOISE)

about 1 for new music of the style and near 0 for a copy: the distance to other music tells how near new music comes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError

BANDS, STEPS = 16, 16
RANGE = 7.0  # nepers below the loudest of a window: 61 dB
STATIC = 0.5  # share of each band's mean over the window that is taken off: timbre is the style's, not the piece's
QUIETEST = 5.2  # nepers (45 dB) below the loudest window of a clip: quieter ones are no music
FLATTEST = 0.3  # nepers, standard deviation of a window's averages: below it (silence, a steady hiss) it is no music
ONSET = 3.0  # nepers (26 dB) below the loudest frame
NOISE = 0.02  # of a distance, by 8-bit rounding
RIDGE = 1e-3  # of the largest variance: smaller ones are not blown up
PIECE = 256  # windows compared at once

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one log-mel: their averages `[n, BANDS * STEPS]` in nepers and their first frames `[n]`."""

    averages: Floats
    starts: Numbers


def cut(log_mel: npt.ArrayLike, window: int, stride: int, floor: float, *, one_shot: bool = False) -> Windows:
    """The windows of `log_mel` `[n_mels, N]` (natural logarithm of magnitudes) that hold music; maybe none.

    Args:
        log_mel: filled up with `floor` to one window if it is shorter.
        window: frames in a window, a multiple of STEPS.
        stride: frames from window to window, a multiple of `window // STEPS`.
        floor: the log-mel's smallest value.
        one_shot: one window only, from the onset: the first frame within 26 dB of the loudest.

    Raises:
        ParameterError: not `[n_mels ≥ BANDS, N ≥ 1]`, not finite, or window and stride that don't fit.
    """
    mel, step = np.asarray(log_mel, np.float32), window // STEPS
    if window < STEPS or window % STEPS or stride < step or stride % step:
        raise ParameterError(f"window must be a multiple of {STEPS}, stride one of {step}, not {window} and {stride}")
    if mel.ndim != 2 or mel.shape[0] < BANDS or mel.shape[1] < 1 or not np.isfinite(mel).all():
        raise ParameterError(f"a log-mel must be finite [n_mels ≥ {BANDS}, N ≥ 1], not {list(mel.shape)}")
    first = onset(mel) if one_shot else 0
    mel = mel[:, first : first + window] if one_shot else mel
    if mel.shape[1] < window:
        mel = np.pad(mel, ((0, 0), (0, window - mel.shape[1])), constant_values=floor)
    small = _averaged(mel, step)
    cuts = np.lib.stride_tricks.sliding_window_view(small, STEPS, axis=1)[:, :: stride // step].transpose(1, 0, 2)
    loud = cuts.max(1).mean(1)
    levelled = np.maximum(cuts, cuts.max((1, 2), keepdims=True) - RANGE)
    used = (loud >= loud.max() - QUIETEST) & (levelled.std((1, 2)) >= FLATTEST)
    kept = levelled[used]
    kept = kept - kept.mean((1, 2), keepdims=True)
    kept = kept - STATIC * kept.mean(2, keepdims=True)
    return Windows(kept.reshape(-1, BANDS * STEPS), first + stride * np.nonzero(used)[0])


def onset(log_mel: Floats, below: float = ONSET) -> int:
    """The first frame of `[n_mels, N]` whose loudest band comes within `below` of the loudest of all."""
    level = log_mel.max(0)
    return int(np.argmax(level >= level.max() - below))


def _averaged(mel: Floats, step: int) -> Floats:
    """`[n_mels, N] -> [BANDS, N // step]`: means over bands as equal as they can be, and over `step` frames."""
    edges = np.linspace(0, len(mel), BANDS + 1).astype(int)
    steps = mel[:, : mel.shape[1] // step * step].reshape(len(mel), -1, step).mean(2)
    means: Floats = (np.add.reduceat(steps, edges[:-1], axis=0) / np.diff(edges)[:, None]).astype(np.float32)
    return means


@dataclass(frozen=True, eq=False)
class Projection:
    """Averages → descriptors of unit length: `(x - mean) @ basis`, `[BANDS * STEPS]` and `[BANDS * STEPS, D]`."""

    mean: Floats
    basis: Floats

    @classmethod
    def fit(cls, averages: Floats, size: int) -> "Projection":
        """The `size` directions in which `averages` `[n, BANDS * STEPS]` vary most, each scaled to equal variance."""
        mean = averages.mean(0)
        variance, directions = np.linalg.eigh(np.cov((averages - mean).T.astype(np.float64)))
        variance, directions = variance[::-1][:size], directions[:, ::-1][:, :size]
        basis = directions / np.sqrt(np.maximum(variance, RIDGE * max(float(variance[0]), 1e-9)))
        return cls(mean.astype(np.float32), basis.astype(np.float32))

    def __call__(self, averages: Floats) -> Floats:
        """`[n, BANDS * STEPS] -> [n, D]`."""
        return unit((averages - self.mean) @ self.basis)


def unit(rows: npt.NDArray[np.floating]) -> Floats:
    """Rows `[n, D]` of length 1; a row of zeros stays."""
    wide = np.asarray(rows, np.float32)
    scaled: Floats = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-9)
    return scaled


def nearest(query: Floats, rows: Floats) -> tuple[Floats, Numbers]:
    """For each of `query` `[m, D]` the distance (0 to 2) to the nearest of `rows` `[n, D]`, and its number; all unit.

    |q - r|² = 2 - 2 q·r; PIECE queries at a time, so that memory doesn't grow with `m`.
    """
    distance, number = np.empty(len(query), np.float32), np.empty(len(query), np.int64)
    for begin in range(0, len(query), PIECE):
        likeness = query[begin : begin + PIECE] @ rows.T
        best = likeness.argmax(1)
        number[begin : begin + PIECE] = best
        distance[begin : begin + PIECE] = np.sqrt(np.maximum(2 - 2 * likeness[np.arange(len(best)), best], 0))
    return distance, number


def ratio(to_train: Floats, to_other: Floats) -> Floats:
    """Of two distances `[m]`: about 1 for new music, near 0 for a copy."""
    ratios: Floats = (to_train + NOISE) / (to_other + NOISE)
    return ratios


def smallest(ratios: Floats, starts: Numbers, frames: int, length: int, window: int) -> Floats:
    """The smallest ratio in each whole excerpt of `length` frames, end to end, in which there is a window at all.

    Args:
        ratios: `[m]`, of the windows of one track.
        starts: `[m]`, their first frames, ascending.
        frames: in the track.
        length: frames in an excerpt; a window belongs to one if it lies within.
        window: frames in a window.
    """
    if not len(ratios):
        return np.empty(0, np.float32)
    excerpt = starts // length
    within = (starts % length <= length - window) & ((excerpt + 1) * length <= frames)
    found: Floats = np.array([ratios[within & (excerpt == number)].min() for number in np.unique(excerpt[within])])
    return found.astype(np.float32)
