"""Distances between sets of embeddings: properties, and slow obvious twins."""

import itertools

import numpy as np
import pytest
from scipy.linalg import sqrtm

from audio_gen.errors import ParameterError
from audio_gen.metrics._kernels import kernels
from audio_gen.metrics.generation import (
    class_agreement,
    density_coverage,
    frechet_audio_distance,
    inception_score,
    kernel_audio_distance,
    kernel_audio_distance_chance,
    kernel_audio_distance_interval,
    mean_distance,
)


def cloud(rows: int, seed: int, shift: float = 0.0, width: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, width)) + shift


def slow_kad(x: np.ndarray, y: np.ndarray) -> float:
    n, m = len(x), len(y)
    sigma = np.median([np.linalg.norm(x[i] - x[j]) for i in range(n) for j in range(i)])

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-(np.linalg.norm(a - b) ** 2) / (2 * sigma**2)))

    xx = np.mean([kernel(x[i], x[j]) for i in range(n) for j in range(n) if i != j])
    yy = np.mean([kernel(y[i], y[j]) for i in range(m) for j in range(m) if i != j])
    return float(100 * (xx + yy - 2 * np.mean([kernel(a, b) for a in x for b in y])))


def slow_fad(x: np.ndarray, y: np.ndarray) -> float:
    cov_x, cov_y = np.cov(x.T), np.cov(y.T)
    cross = np.trace(sqrtm(cov_x @ cov_y)).real
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(cov_x) + np.trace(cov_y) - 2 * cross)


def slow_density_coverage(x: np.ndarray, y: np.ndarray, k: int) -> tuple[float, float]:
    radius = [sorted(np.linalg.norm(a - b) for b in x)[k] for a in x]  # 0 is the row itself
    inside = [[np.linalg.norm(a - b) < r for b in y] for a, r in zip(x, radius, strict=True)]
    return np.sum(inside) / (k * len(y)), float(np.mean([any(row) for row in inside]))


@pytest.mark.parametrize("shift", [0.0, 0.7, 50.0])
def test_equal_their_slow_twins(shift: float) -> None:
    x, y = cloud(30, 0) * np.arange(1, 9), cloud(25, 1, shift) * 2
    assert kernel_audio_distance(x, y) == pytest.approx(slow_kad(x, y), abs=1e-9)
    assert frechet_audio_distance(x, y) == pytest.approx(slow_fad(x, y))
    found = density_coverage(x, y, k=4)
    assert (found.density, found.coverage) == pytest.approx(slow_density_coverage(x, y, 4))


def test_same_distribution_is_near_zero_and_kad_may_be_below() -> None:
    kads = [kernel_audio_distance(cloud(100, i), cloud(100, 100 + i)) for i in range(20)]
    assert abs(np.mean(kads)) < 0.1  # unbiased
    assert min(kads) < 0 < max(kads)
    assert frechet_audio_distance(cloud(5000, 0), cloud(5000, 1)) < 0.02


def test_grow_with_the_shift() -> None:
    x = cloud(200, 0)
    shifted = [cloud(200, 1, shift) for shift in (0.0, 0.3, 0.6, 1.2, 2.4)]
    for distance in (kernel_audio_distance, frechet_audio_distance):
        figures = [distance(x, y) for y in shifted]
        assert figures == sorted(figures)
        assert figures[-1] > figures[0] + 1
    coverages = [density_coverage(x, y).coverage for y in shifted]
    assert coverages == sorted(coverages, reverse=True)
    assert coverages[0] > 0.9
    assert coverages[-1] < 0.1


def test_order_of_rows_does_not_matter() -> None:
    x, y, random = cloud(40, 0), cloud(50, 1, 0.5), np.random.default_rng(2)
    a, b = random.permutation(x), random.permutation(y)
    assert kernel_audio_distance(a, b) == pytest.approx(kernel_audio_distance(x, y))
    assert frechet_audio_distance(a, b) == pytest.approx(frechet_audio_distance(x, y))
    assert density_coverage(a, b) == density_coverage(x, y)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_identical_sets(offset: float) -> None:
    x = cloud(60, 0, offset)
    found = density_coverage(x, x.copy())
    assert (found.density, found.coverage) == (1.0, 1.0)
    assert frechet_audio_distance(x, x) == pytest.approx(0, abs=1e-6)
    assert kernel_audio_distance(x, x) < 0  # the unbiased estimate leaves out a row's kernel with itself, once


def test_kad_width_is_the_reference_alone() -> None:
    x, far = cloud(50, 0), 1e6 * cloud(50, 1)
    # at the width of x nothing of `far` is near anything; only the mean kernel within x is left
    squares = np.square(x[:, None] - x).sum(-1)[np.triu_indices(50, 1)]
    within = np.exp(-squares / (2 * np.median(np.sqrt(squares)) ** 2)).mean()
    assert kernel_audio_distance(x, far) == pytest.approx(100 * within)
    assert kernel_audio_distance(far, x) < 10  # at the width of `far` all are near


def test_kad_does_not_depend_on_the_unit() -> None:
    x, y = cloud(50, 0), cloud(50, 1, 0.5)
    assert kernel_audio_distance(30 * x + 7, 30 * y + 7) == pytest.approx(kernel_audio_distance(x, y))


def test_kad_interval_covers_the_figure_without_the_lift_of_repeated_rows() -> None:
    x, y = cloud(60, 0), cloud(60, 1, 0.4)
    found = kernel_audio_distance_interval(x, y, samples=300)
    assert found.value == kernel_audio_distance(x, y)
    assert found.low < found.value < found.high
    assert abs((found.low + found.high) / 2 - found.value) < 0.3 * (found.high - found.low)
    assert found == kernel_audio_distance_interval(x, y, samples=300)


def tracks(seed: int, count: int = 12, each: int = 10, width: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Windows of a track resemble each other more than other tracks'."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(count, 1, width))
    return (centres + 0.3 * random.normal(size=(count, each, width))).reshape(-1, width), np.repeat(
        np.arange(count), each
    )


def test_windows_of_one_track_are_no_strangers() -> None:
    (x, groups), (y, others) = tracks(0), tracks(1)
    rows = kernel_audio_distance_interval(x, y, samples=300)
    whole = kernel_audio_distance_interval(x, y, reference_groups=groups, estimate_groups=others, samples=300)
    assert whole.value == pytest.approx(rows.value)
    assert whole.high - whole.low > 2 * (rows.high - rows.low)
    alone = kernel_audio_distance_interval(
        x, y, reference_groups=np.arange(120), estimate_groups=np.arange(120, 240), samples=50
    )
    none = kernel_audio_distance_interval(x, y, samples=50)
    assert (alone.value, alone.low, alone.high) == pytest.approx((none.value, none.low, none.high))


def test_the_order_and_the_names_of_groups_do_not_matter() -> None:
    (x, groups), (y, others) = tracks(0), tracks(1)
    order = np.random.default_rng(2).permutation(len(x))
    found = kernel_audio_distance_interval(x, y, reference_groups=groups, estimate_groups=others + 50, samples=50)
    again = kernel_audio_distance_interval(
        x[order],
        y,
        reference_groups=np.array([f"track {g:02}" for g in groups])[order],
        estimate_groups=others,
        samples=50,
    )
    assert (found.value, found.low, found.high) == pytest.approx((again.value, again.low, again.high))
    with pytest.raises(ParameterError, match="120 rows need 120 groups"):
        kernel_audio_distance_interval(x, y, reference_groups=groups[1:])


def test_drawn_groups_are_what_slow_copies_are() -> None:
    """A draw against copying the rows, with pairs of strangers and pairs within a copy counted one by one."""
    (x, groups), (y, others) = tracks(0, 4, 3), tracks(1, 3, 2)
    sigma = np.median([np.linalg.norm(x[i] - x[j]) for i in range(len(x)) for j in range(i)])

    def copies(rows: np.ndarray, of: np.ndarray, counts: list[int]) -> list[tuple[int, int, np.ndarray]]:
        return [(g, c, row) for g, n in enumerate(counts) for c in range(n) for row in rows[of == g]]

    def mean(left: list, right: list, strangers: bool) -> float:
        """Of one set with itself: no row with itself, no copy of a group with another copy of it."""
        pairs = [
            np.exp(-((a - b) ** 2).sum() / (2 * sigma**2))
            for i, (g, c, a) in enumerate(left)
            for j, (h, d, b) in enumerate(right)
            if strangers or (i != j and (g != h or c == d))
        ]
        return float(np.mean(pairs))

    found = kernels(x, y, groups, others + 10)
    n, m = [2, 0, 1, 1], [3, 0, 0]
    left, right = copies(x, groups, n), copies(y, others, m)
    expected = mean(left, left, False) + mean(right, right, False) - 2 * mean(left, right, True)
    assert found.distance(np.array(n), np.array(m)) == pytest.approx(expected)


def test_a_recording_and_its_copy_are_drawn_together() -> None:
    x, groups = tracks(0)
    y = x + 0.05 * np.random.default_rng(3).normal(size=x.shape)
    together = kernel_audio_distance_interval(x, y, reference_groups=groups, estimate_groups=groups, samples=200)
    apart = kernel_audio_distance_interval(x, y, reference_groups=groups, estimate_groups=groups + 100, samples=200)
    assert together.value == pytest.approx(apart.value)
    assert together.high - together.low < 0.3 * (apart.high - apart.low)


def test_a_piece_and_what_was_made_after_it_are_kept_apart() -> None:
    """Against counting pairs one by one, in the sets and in a draw; music made after a piece is nearer than others."""
    x = cloud(12, 0)
    y = x + 0.1 * cloud(12, 1)
    groups = np.arange(12)
    found = kernels(x, y, groups, groups, apart=True)
    sigma = np.median([np.linalg.norm(x[i] - x[j]) for i in range(12) for j in range(i)])

    def mean(left: np.ndarray, right: np.ndarray, counts: np.ndarray) -> float:
        drawn = np.repeat(groups, counts)
        pairs = [(i, j) for i in drawn for j in drawn if i != j]
        return float(np.mean([np.exp(-((left[i] - right[j]) ** 2).sum() / (2 * sigma**2)) for i, j in pairs]))

    for counts in (np.ones(12, int), np.array([2, 0, 3, 1] * 3)):
        expected = mean(x, x, counts) + mean(y, y, counts) - 2 * mean(x, y, counts)
        assert found.distance(counts, counts) == pytest.approx(expected)
    near, apart = (
        kernel_audio_distance_interval(x, y, reference_groups=groups, estimate_groups=groups, apart=one, samples=50)
        for one in (False, True)
    )
    assert near.value < -3 < apart.value
    assert apart.low <= apart.value <= apart.high
    with pytest.raises(ParameterError, match="need the same groups"):
        kernel_audio_distance_interval(x, y, apart=True)


def test_chance_is_the_share_of_swaps_that_are_as_far() -> None:
    x = cloud(5, 0)
    y = x + 0.3 * cloud(5, 1)
    rows = np.concatenate([x, y])
    squares = np.square(rows[:, None] - rows).sum(-1)
    k = np.exp(-squares / (2 * np.median(np.sqrt(squares[np.triu_indices(10, 1)])) ** 2))

    def distance(swaps: tuple[int, ...]) -> float:
        one = [i + 5 * swap for i, swap in enumerate(swaps)]
        other = [(i + 5) % 10 for i in one]
        pairs = [(i, j) for i in range(5) for j in range(5) if i != j]
        return float(sum(k[one[i], one[j]] + k[other[i], other[j]] - 2 * k[one[i], other[j]] for i, j in pairs))

    found = distance((0,) * 5)
    expected = np.mean([distance(swaps) >= found - 1e-9 for swaps in itertools.product((0, 1), repeat=5)])
    assert kernel_audio_distance_chance(x, y, samples=20_000) == pytest.approx(expected, abs=0.02)


def test_chance_tells_a_shift_of_all_pairs_from_none() -> None:
    x = cloud(30, 0)
    assert kernel_audio_distance_chance(x, x + 0.2) == 0.001  # far less than rows differ, but all one way
    pairs = [(x + 0.5 * cloud(30, seed), x + 0.5 * cloud(30, seed + 20)) for seed in range(1, 21)]
    chances = [kernel_audio_distance_chance(*pair) for pair in pairs]
    assert np.mean(np.array(chances) > 0.05) >= 0.8
    assert kernel_audio_distance_chance(x, x) == 1
    with pytest.raises(ParameterError, match="30 rows of the reference need as many, not 20"):
        kernel_audio_distance_chance(x, cloud(20, 0))


def test_mean_distance() -> None:
    x = cloud(20, 0, 100.0)
    slow = np.mean([np.linalg.norm(x[i] - x[j]) for i in range(20) for j in range(i)])
    assert mean_distance(x) == pytest.approx(slow)
    assert mean_distance(np.ones((5, 3))) == 0
    with pytest.raises(ParameterError, match="two rows"):
        mean_distance(x[:1])


def test_coverage_counts_modes_and_density_does_not() -> None:
    x = np.concatenate([cloud(100, 0), cloud(100, 1, 30.0)])
    found = density_coverage(x, cloud(200, 2))  # one of two modes
    assert found.coverage < 0.55
    assert found.density > 0.9


def test_class_agreement() -> None:
    probs = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]
    assert class_agreement(probs, [0, 1, 1]) == pytest.approx(2 / 3)


def test_inception_score_runs_from_one_to_the_number_of_classes() -> None:
    assert inception_score(np.tile([0.2, 0.3, 0.5], (9, 1))) == pytest.approx(1)
    assert inception_score(np.tile(np.eye(4), (3, 1))) == pytest.approx(4)
    probs = np.random.default_rng(0).dirichlet(np.ones(6), 50)
    divergences = [sum(p * np.log(p / q) for p, q in zip(row, probs.mean(0), strict=True)) for row in probs]
    assert inception_score(probs) == pytest.approx(np.exp(np.mean(divergences)))


@pytest.mark.parametrize("other", [np.zeros((5, 3)), np.zeros((1, 8)), np.zeros(8), np.full((5, 8), np.nan)])
def test_sets_that_do_not_fit_are_refused(other: np.ndarray) -> None:
    for metric in (kernel_audio_distance, frechet_audio_distance, density_coverage):
        with pytest.raises(ParameterError, match=r"\[N, D\]"):
            metric(cloud(20, 0), other)


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(ParameterError, match="no width"):
        kernel_audio_distance(np.ones((5, 2)), np.zeros((5, 2)))
    with pytest.raises(ParameterError, match="k must be 1 to 4"):
        density_coverage(cloud(5, 0), cloud(5, 1))
    with pytest.raises(ParameterError, match="asked labels"):
        class_agreement([[1.0, 0.0]], [0, 1])
    with pytest.raises(ParameterError, match="not negative"):
        inception_score([[-0.5, 1.5]])
