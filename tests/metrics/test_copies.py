import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.metrics.copies import (
    BANDS,
    PIECE,
    STEPS,
    Projection,
    cut,
    nearest,
    onset,
    ratio,
    smallest,
    unit,
)

FLOOR = float(np.log(1e-5))


def bursts(frames: int, seed: int = 0, bands: int = 128) -> np.ndarray:
    """Noise of changing level in every band: never twice the same."""
    rng = np.random.default_rng(seed)
    coarse = np.repeat(np.repeat(rng.normal(0, 1, (16, frames // 8 + 1)), 8, 1), -(-bands // 16), 0)
    return (coarse[:bands, :frames] + rng.normal(0, 0.1, (bands, frames)) - 2).astype(np.float32)


def test_a_window_is_averages_without_level_and_half_of_the_mean_spectrum() -> None:
    mel = bursts(128)
    small = mel.reshape(BANDS, 8, STEPS, 8).mean((1, 3))
    small -= small.mean()
    expected = small - 0.5 * small.mean(1, keepdims=True)
    assert np.allclose(cut(mel, 128, 32, FLOOR).averages, expected.reshape(1, -1), atol=1e-5)


def test_level_does_not_count_and_starts_are_frames() -> None:
    mel = bursts(400)
    quiet, loud = cut(mel - 0.7, 128, 32, FLOOR), cut(mel + 0.7, 128, 32, FLOOR)
    assert np.allclose(quiet.averages, loud.averages, atol=1e-4)
    assert loud.starts.tolist() == list(range(0, 400 - 128 + 1, 32))
    later = cut(mel[:, 64:], 128, 32, FLOOR)
    assert np.allclose(later.averages[0], loud.averages[2], atol=1e-5)
    assert not np.allclose(later.averages[0], loud.averages[1], atol=0.1)


def test_what_lies_far_below_the_loudest_does_not_count() -> None:
    mel = bursts(128)
    mel[64:] = mel.max() - 9
    lower = mel.copy()
    lower[64:] -= 1.5
    assert np.allclose(cut(mel, 128, 32, FLOOR).averages, cut(lower, 128, 32, FLOOR).averages, atol=1e-5)


def test_silence_hiss_and_pauses_are_no_windows() -> None:
    hiss = np.random.default_rng(0).normal(-3, 0.5, (128, 300))
    assert len(cut(np.full((128, 300), FLOOR), 128, 32, FLOOR).starts) == 0
    assert len(cut(hiss, 128, 32, FLOOR).starts) == 0
    paused = np.concatenate([bursts(256), bursts(256, 1) - 9], axis=1)
    assert cut(paused, 128, 64, FLOOR).starts.max() < 256


def test_a_short_clip_is_filled_up_with_the_floor() -> None:
    short = bursts(50)
    filled = np.concatenate([short, np.full((128, 78), FLOOR, np.float32)], axis=1)
    assert np.array_equal(cut(short, 128, 32, FLOOR).averages, cut(filled, 128, 32, FLOOR).averages)


def test_a_one_shot_begins_at_its_onset() -> None:
    hit = bursts(300)
    late = np.concatenate([np.full((128, 13), FLOOR, np.float32), hit], axis=1)
    assert onset(late) == 13
    found = cut(late, 128, 32, FLOOR, one_shot=True)
    assert found.starts.tolist() == [13]
    assert np.array_equal(found.averages, cut(hit, 128, 32, FLOOR, one_shot=True).averages)


def test_any_number_of_bands() -> None:
    assert cut(bursts(128, bands=80), 128, 32, FLOOR).averages.shape == (1, BANDS * STEPS)


@pytest.mark.parametrize(
    ("mel", "window", "stride"),
    [
        (np.zeros((128, 0)), 128, 32),
        (np.zeros(128), 128, 32),
        (np.zeros((8, 200)), 128, 32),
        (np.full((128, 200), np.nan), 128, 32),
        (np.zeros((128, 200)), 100, 32),
        (np.zeros((128, 200)), 128, 12),
        (np.zeros((128, 200)), 0, 32),
    ],
)
def test_what_is_no_log_mel_or_no_window(mel: np.ndarray, window: int, stride: int) -> None:
    with pytest.raises(ParameterError):
        cut(mel, window, stride, FLOOR)


def test_projection_makes_unit_rows_of_equal_variance() -> None:
    rng = np.random.default_rng(0)
    averages = (rng.normal(size=(2000, 256)) * np.geomspace(10, 0.5, 256)).astype(np.float32)
    project = Projection.fit(averages, 12)
    raw = (averages - project.mean) @ project.basis
    assert np.allclose(np.cov(raw.T), np.eye(12), atol=0.01)
    assert np.allclose(np.linalg.norm(project(averages), axis=1), 1, atol=1e-5)
    few = Projection.fit(averages[:3], 12)  # two directions only
    assert np.isfinite(few(averages)).all()


def test_nearest_is_the_slow_one() -> None:
    rng = np.random.default_rng(0)
    query, rows = unit(rng.normal(size=(PIECE + 9, 5))), unit(rng.normal(size=(40, 5)))
    rows[7] = query[3]
    distance, number = nearest(query, rows)
    slow = np.array([[np.linalg.norm(q - r) for r in rows] for q in query])
    assert np.array_equal(number, slow.argmin(1))
    assert np.allclose(distance, slow.min(1), atol=1e-3)
    assert distance[3] < 1e-3


def test_ratio_is_one_between_equals_and_near_zero_for_a_copy() -> None:
    found = ratio(np.array([0.0, 0.5, 0.02], np.float32), np.array([0.0, 0.5, 0.9], np.float32))
    assert found[:2].tolist() == [1, 1]
    assert found[2] < 0.05


def test_smallest_in_excerpts_end_to_end() -> None:
    starts = np.array([0, 8, 72, 120, 128, 136, 400])
    ratios = np.array([0.9, 0.8, 0.3, 0.2, 0.7, 0.6, 0.5], np.float32)
    # excerpts of 200 frames: windows of 128 that begin at 0 to 72 within each; 120, 128 and 136 lead out of the first
    assert smallest(ratios, starts, 600, 200, 128).tolist() == pytest.approx([0.3, 0.5])
    assert smallest(ratios, starts, 599, 200, 128).tolist() == pytest.approx([0.3])  # the last one isn't whole
    assert smallest(ratios, starts, 1000, 1000, 128).tolist() == pytest.approx([0.2])
    assert len(smallest(ratios[:0], starts[:0], 600, 200, 128)) == 0
