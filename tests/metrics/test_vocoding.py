"""Spectral distances between waveforms."""

import math

import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.metrics.vocoding import (
    log_spectral_distance,
    mel_l1,
    multi_resolution_stft,
    onset_correlation,
    spectral_convergence,
)

DISTANCES = (spectral_convergence, log_spectral_distance, multi_resolution_stft)


def noise(samples: int, seed: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).normal(size=samples)


def slow_magnitudes(samples: np.ndarray, window: int) -> np.ndarray:
    """Frame by frame, bin by bin, from the definition."""
    hann = np.array([0.5 - 0.5 * math.cos(2 * math.pi * i / window) for i in range(window)])
    frames = []
    for centre in range(0, len(samples) + window // 4, window // 4):
        cut = [samples[i] if 0 <= i < len(samples) else 0.0 for i in range(centre - window // 2, centre + window // 2)]
        turns = np.exp(-2j * math.pi * np.outer(np.arange(window // 2 + 1), np.arange(window)) / window)
        frames.append(np.abs(turns @ (hann * cut)) * 2 / hann.sum())
    return np.array(frames)


def test_equal_their_slow_twins() -> None:
    x, y, floor = noise(333, 0), noise(333, 1), 1e-5
    a, b = slow_magnitudes(x, 64), slow_magnitudes(y, 64)
    assert spectral_convergence(x, y, window=64) == pytest.approx(math.sqrt(((a - b) ** 2).sum() / (a**2).sum()))
    decibels = 20 * np.log10(np.maximum(a, floor)) - 20 * np.log10(np.maximum(b, floor))
    assert log_spectral_distance(x, y, window=64) == pytest.approx(
        np.mean([math.sqrt(np.mean(d**2)) for d in decibels])
    )
    logs = np.mean(np.abs(np.log(np.maximum(a, floor)) - np.log(np.maximum(b, floor))))
    expected = spectral_convergence(x, y, window=64) + logs
    assert multi_resolution_stft(x, y, windows=(64,)) == pytest.approx(expected)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("samples", [1, 700, 5000])
def test_zero_for_the_same_and_more_for_more_noise(distance, samples: int) -> None:
    x = np.sin(0.1 * np.arange(samples) + 1)
    assert distance(x, x) == 0
    assert distance(x, -x) == pytest.approx(0, abs=1e-9)  # phase is not compared
    figures = [distance(x, x + size * noise(samples, 2)) for size in (0.01, 0.1, 1, 10)]
    assert figures == sorted(figures)
    assert figures[0] > 0


def test_log_spectral_distance_of_half_the_volume_is_six_decibels() -> None:
    x = noise(20000, 0)
    assert log_spectral_distance(x, 0.5 * x) == pytest.approx(20 * math.log10(2), rel=1e-2)
    assert spectral_convergence(x, 0.5 * x) == pytest.approx(0.5)


def test_multi_resolution_is_the_mean_over_windows() -> None:
    x, y = noise(5000, 0), noise(5000, 1)
    single = [multi_resolution_stft(x, y, windows=(window,)) for window in (512, 1024, 2048)]
    assert multi_resolution_stft(x, y) == pytest.approx(np.mean(single))


def test_silence() -> None:
    silence, x = np.zeros(3000), noise(3000, 0)
    assert math.isnan(spectral_convergence(silence, x))
    assert math.isnan(multi_resolution_stft(silence, x))
    assert log_spectral_distance(silence, silence) == 0
    assert 0 < log_spectral_distance(x, silence) < 100
    assert spectral_convergence(x, silence) == 1


def test_input_is_not_changed_and_float32_will_do() -> None:
    x, y = noise(3000, 0).astype(np.float32), noise(3000, 1).astype(np.float32)
    before = x.copy()
    assert multi_resolution_stft(x, y) == multi_resolution_stft(x.astype(np.float64), y.astype(np.float64))
    assert np.array_equal(x, before)


def test_mel_l1() -> None:
    assert mel_l1(np.zeros((1, 4, 3)), np.full((1, 4, 3), -0.5)) == 0.5
    assert mel_l1([[0.0, 1.0]], [[1.0, 3.0]]) == 1.5


def test_what_does_not_fit_is_refused() -> None:
    for distance in DISTANCES:
        with pytest.raises(ParameterError, match="one length"):
            distance(noise(10, 0), noise(11, 0))
        with pytest.raises(ParameterError, match="finite"):
            distance(noise(10, 0), np.full(10, np.inf))
    with pytest.raises(ParameterError, match="one shape"):
        mel_l1(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ParameterError, match="window"):
        spectral_convergence(noise(10, 0), noise(10, 1), window=2)


def test_onset_envelopes_agree_where_the_beats_do() -> None:
    beats = np.zeros(20000)
    beats[::2500] = 1.0
    sound = noise(20000, 0) * np.convolve(beats, np.exp(-np.arange(2000) / 400))[:20000]
    other = noise(20000, 1) * np.convolve(beats, np.exp(-np.arange(2000) / 400))[:20000]
    assert onset_correlation(sound, sound) == pytest.approx(1)
    assert onset_correlation(sound, other) > 0.8
    assert onset_correlation(sound, np.roll(other, 1250)) < 0.2
    assert math.isnan(onset_correlation(np.zeros(4000), np.zeros(4000)))
