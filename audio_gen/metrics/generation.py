"""How near a set of generated clips is to a set of real ones, on embeddings `[N, D]` and class probabilities `[N, K]`.

The embeddings must come from a network that took no part in making the clips; lengths and loudness must match.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.metrics._kernels import Floats, kernel, kernels, squared_distances
from audio_gen.metrics.interval import Interval, percentile_interval

SCALE = 100.0
NEIGHBOURS = 5


@dataclass(frozen=True)
class DensityCoverage:
    """Density (0 and up, 1 for the same distribution) and coverage (0 to 1)."""

    density: float
    coverage: float


def kernel_audio_distance(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """KAD: 100 times the unbiased squared maximum mean discrepancy (Chung et al. 2025, Gretton et al. 2012).

    MMD² = mean_{i≠j} k(x_i, x_j) + mean_{i≠j} k(y_i, y_j) - 2 mean_{i,j} k(x_i, y_j), k(a, b) = exp(-|a - b|² / 2σ²),
    σ the median distance between two rows of the reference. Around 0, and often below, for the same distribution.

    Args:
        reference: real `[N, D]`, N ≥ 2, not all the same.
        estimate: generated `[M, D]`, M ≥ 2.
    """
    return SCALE * kernels(*_pair(reference, estimate)).distance()


def kernel_audio_distance_interval(
    reference: npt.ArrayLike,
    estimate: npt.ArrayLike,
    *,
    reference_groups: npt.ArrayLike | None = None,
    estimate_groups: npt.ArrayLike | None = None,
    apart: bool = False,
    samples: int = 1000,
    seed: int = 0,
) -> Interval:
    """KAD with its 95 % bootstrap interval over the groups of both sets, σ held.

    `bootstrap` would count a row drawn twice as a pair of its own and so lift every draw by about 100 / M; here only
    pairs of different rows count, and of a group that is drawn twice only the pairs within either.

    Args:
        reference: real `[N, D]`.
        estimate: generated `[M, D]`.
        reference_groups: `[N]`, what each row of the reference belongs to (windows of one track are no strangers); None
            is each row to itself.
        estimate_groups: `[M]`, likewise of the estimate. Where both sets hold the same groups (a recording and its
            copy), these are drawn together.
        apart: whether pairs of a group with its own counterpart are left out, where the estimate was made after the
            pieces of the reference: they are nearer than strangers, which would bring KAD below 0 by up to 200 / N.
        samples: number of draws.
        seed: of the draws.

    Raises:
        ParameterError: sets that don't fit each other, or their groups.
    """
    found = kernels(*_pair(reference, estimate), reference_groups, estimate_groups, apart=apart)
    random = np.random.default_rng(seed)
    return percentile_interval(SCALE * found.distance(), [SCALE * found.draw(random) for _ in range(samples)])


def kernel_audio_distance_chance(
    reference: npt.ArrayLike, estimate: npt.ArrayLike, *, samples: int = 999, seed: int = 0
) -> float:
    """How probable a KAD as large would be if it were chance which of row i in either set is the real one.

    A permutation test within pairs: with h_ij = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(y_i, x_j) (Gretton et al.
    2012), KAD without a row's own counterpart is the mean of h over i ≠ j, and after swaps that of s_i s_j h_ij with
    random signs s. It holds for sets that are alike, where the draws of a bootstrap need not. The kernel is as wide as
    the median distance of all rows, which swaps leave alone.

    Args:
        reference: real `[N, D]`, N ≥ 2.
        estimate: `[N, D]`, row i made after row i of the reference.
        samples: swaps; the least probability is 1 / (samples + 1).
        seed: of the swaps.

    Raises:
        ParameterError: sets that aren't pairs, or most rows the same.
    """
    x, y = _pair(reference, estimate)
    if len(x) != len(y):
        raise ParameterError(f"pairs are to be swapped: {len(x)} rows of the reference need as many, not {len(y)}")
    between = kernel(np.concatenate([x, y])).reshape(2, len(x), 2, len(x))
    h = between[0, :, 0] + between[1, :, 1] - between[0, :, 1] - between[1, :, 0]
    np.fill_diagonal(h, 0)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (samples, len(x)))
    as_far = ((signs @ h) * signs).sum(1) >= h.sum() - 1e-9
    return float((1 + as_far.sum()) / (1 + samples))


def frechet_audio_distance(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """FAD: |m_x - m_y|² + tr(C_x + C_y - 2 (C_x C_y)^½), of means and covariances (Kilgour et al. 2019).

    It falls as the sets grow (by about 1 / N): compare sets of one size only.
    """
    x, y = _pair(reference, estimate)
    cov_x, cov_y = np.atleast_2d(np.cov(x, rowvar=False)), np.atleast_2d(np.cov(y, rowvar=False))
    values, vectors = np.linalg.eigh(cov_x)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    # C_x C_y and root C_y root have the same eigenvalues, and the latter is symmetric
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_y @ root), 0)).sum()
    return float(np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(cov_x) + np.trace(cov_y) - 2 * cross)


def density_coverage(reference: npt.ArrayLike, estimate: npt.ArrayLike, *, k: int = NEIGHBOURS) -> DensityCoverage:
    """Density and coverage (Naeem et al. 2020).

    With B_i the open ball around x_i that reaches to its k-th neighbour in the reference:
    density = Σ_{i,j} [y_j in B_i] / (k M), coverage = mean_i [some y_j in B_i].

    Args:
        reference: real `[N, D]`, N > k.
        estimate: generated `[M, D]`.
        k: which neighbour.
    """
    x, y = _pair(reference, estimate)
    if not 1 <= k < len(x):
        raise ParameterError(f"k must be 1 to {len(x) - 1} for {len(x)} reference rows, not {k}")
    within = squared_distances(x, x)
    np.fill_diagonal(within, np.inf)
    radius = np.sort(within, axis=1)[:, k - 1]
    # a neighbour in both sets lies on the edge: rounding must not bring it in
    inside = squared_distances(x, y) < radius[:, None] * (1 - 1e-9)
    return DensityCoverage(float(inside.sum() / (k * len(y))), float(inside.any(1).mean()))


def mean_distance(embeddings: npt.ArrayLike) -> float:
    """Mean distance |x_i - x_j| of two different rows `[N, D]`, N ≥ 2: how much they vary; 0 where all are the same."""
    x, _ = _pair(embeddings, embeddings)
    return float(np.sqrt(squared_distances(x, x)[np.triu_indices(len(x), 1)]).mean())


def class_agreement(probs: npt.ArrayLike, asked_labels: npt.ArrayLike) -> float:
    """Share of clips of which a classifier tells the class that was asked for.

    Args:
        probs: the classifier's `[N, K]`.
        asked_labels: class indices `[N]`.
    """
    table, asked = _table(probs), np.asarray(asked_labels)
    if asked.shape != table.shape[:1]:
        raise ParameterError(f"{len(table)} clips need {len(table)} asked labels, not {list(asked.shape)}")
    return float(np.mean(table.argmax(1) == asked))


def inception_score(probs: npt.ArrayLike) -> float:
    """exp(mean_i KL(p_i | mean p)), from 1 to the number of classes K (Salimans et al. 2016)."""
    table = _table(probs)
    mean = table.mean(0)
    ratio = np.log(np.where(table > 0, table, 1.0)) - np.log(np.where(mean > 0, mean, 1.0))
    return float(np.exp(np.mean(np.sum(table * ratio, axis=1))))


def _pair(reference: npt.ArrayLike, estimate: npt.ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(reference, np.float64), np.asarray(estimate, np.float64)
    fits = x.ndim == y.ndim == 2 and x.shape[1:] == y.shape[1:] and min(len(x), len(y)) >= 2
    if not fits or not (np.isfinite(x).all() and np.isfinite(y).all()):
        given = f"{list(x.shape)} and {list(y.shape)}"
        raise ParameterError(f"embeddings must be finite [N, D] and [M, D], two rows or more each, not {given}")
    return x, y


def _table(probs: npt.ArrayLike) -> Floats:
    table = np.asarray(probs, np.float64)
    if table.ndim != 2 or table.size == 0 or not np.isfinite(table).all() or table.min() < 0:
        raise ParameterError(f"probabilities must be finite, not negative, [clips, classes], not {list(table.shape)}")
    return table
