"""Whether probabilities mean what they say: calibration error, Brier score, abstention, temperature scaling."""

import math

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError

BINS = 10
TEMPERATURES = (0.05, 20.0)

Floats = npt.NDArray[np.float64]


def ece(probs: npt.ArrayLike, labels: npt.ArrayLike, *, bins: int = BINS) -> float:
    """Expected calibration error with bins of equal mass: Σ_b n_b / N |accuracy_b - confidence_b|.

    Confidence is the probability of the told class. Rows are ordered by it and cut into `bins` parts that differ by one
    row at most (Nguyen & O'Connor 2015; bins of equal width, Guo et al. 2017, leave most of them empty).

    Args:
        probs: `[N, K]`, rows sum to 1.
        labels: true classes `[N]`.
        bins: how many parts.
    """
    table, true = _table(probs, labels)
    confidence, right = table.max(1), table.argmax(1) == true
    order = np.argsort(confidence, kind="stable")
    return float(_gap(confidence[order], right[order].astype(np.float64), bins))


def ece_upper_band(
    probs: npt.ArrayLike, *, bins: int = BINS, level: float = 0.95, samples: int = 1000, seed: int = 0
) -> float:
    """The ECE that a perfectly calibrated model of these confidences stays below with probability `level`.

    ECE is an absolute value: it is above 0 by chance alone. Labels are drawn from the probabilities themselves
    (consistency resampling, Bröcker & Smith 2007), and the `level` quantile of their ECE is the band.
    """
    table = _probabilities(probs)
    confidence = np.sort(table.max(1))
    # the ECE sees only whether a label is the told class, which has probability `confidence`
    draws = np.random.default_rng(seed).random((samples, len(confidence))) < confidence
    return float(np.quantile(_gap(confidence, draws.astype(np.float64), bins), level))


def brier(probs: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Brier score: mean of Σ_k (p_k - y_k)², from 0 to 2 (Brier 1950, in its form for several classes).

    >>> brier([[1.0, 0.0], [0.5, 0.5]], [0, 1])
    0.25
    """
    table, true = _table(probs, labels)
    told = np.eye(table.shape[1])[true]
    return float(np.mean(np.sum((table - told) ** 2, axis=1)))


def coverage(probs: npt.ArrayLike, threshold: float) -> float:
    """Share of rows that a model answers which abstains where its top probability is below `threshold`.

    >>> coverage([[0.9, 0.1], [0.5, 0.5]], 0.6)
    0.5
    """
    return float(np.mean(_probabilities(probs).max(1) >= threshold))


def selective_accuracy(probs: npt.ArrayLike, labels: npt.ArrayLike, threshold: float) -> float:
    """Accuracy over the rows that are answered (El-Yaniv & Wiener 2010); NaN where none is."""
    table, true = _table(probs, labels)
    answered = table.max(1) >= threshold
    return float(np.mean(table.argmax(1)[answered] == true[answered])) if answered.any() else math.nan


def fit_temperature(logits: npt.ArrayLike, labels: npt.ArrayLike, *, spread: float = math.inf) -> float:
    """The temperature T in [0.05, 20] that makes softmax(logits / T) most likely (Guo et al. 2017).

    The negative log-likelihood is convex in 1 / T, so a golden-section search over log T finds its least value. It
    goes to an end of the range where all labels are right, or the logits say nothing; a finite `spread` keeps it from
    that: the standard deviation of log T around 0 that is expected before any label is seen (a Gaussian prior).

    Args:
        logits: `[N, K]`, or log-probabilities (-inf counts as -1e4).
        labels: true classes `[N]`.
        spread: of log T; infinite for none expected.
    """
    given = np.asarray(logits, np.float64)
    table, true = _table(np.where(np.isneginf(given), -1e4, given), labels)

    def loss(log_temperature: float) -> float:
        scaled = table / math.exp(log_temperature)
        scaled = scaled - scaled.max(1, keepdims=True)
        surprise = np.mean(np.log(np.exp(scaled).sum(1)) - scaled[np.arange(len(true)), true])
        return float(surprise) + (log_temperature / spread) ** 2 / 2 / len(true)

    golden = (math.sqrt(5) - 1) / 2
    low, high = math.log(TEMPERATURES[0]), math.log(TEMPERATURES[1])
    while high - low > 1e-6:
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return math.exp((low + high) / 2)


def _gap(confidence: Floats, right: Floats, bins: int) -> Floats:
    """Σ_b n_b / N |mean of right - mean of confidence| for `right` `[..., N]` in the order of `confidence` `[N]`."""
    parts = np.array_split(right - confidence, bins, axis=-1)
    gap: Floats = np.sum([np.abs(part.sum(-1)) for part in parts], axis=0) / len(confidence)
    return gap


def _probabilities(probs: npt.ArrayLike) -> Floats:
    table = np.asarray(probs, np.float64)
    if table.ndim != 2 or table.size == 0 or not np.isfinite(table).all():
        raise ParameterError(f"expected finite figures [tracks, classes], one or more of each, not {list(table.shape)}")
    return table


def _table(figures: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.int64]]:
    table, true = _probabilities(figures), np.asarray(labels)
    fits = true.shape == table.shape[:1] and np.issubdtype(true.dtype, np.integer)
    if not fits or true.min() < 0 or true.max() >= table.shape[1]:
        given = f"{true.dtype} {list(true.shape)}"
        raise ParameterError(f"labels for {list(table.shape)} must be {len(table)} class indices, not {given}")
    return table, true.astype(np.int64)
