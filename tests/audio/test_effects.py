import math

import pytest
import torch

from audio_gen.audio.effects import gain, low_pass, spaced_pair, speed, white_noise
from audio_gen.errors import ParameterError

RATE = 22050


def tone(hertz: float, seconds: float = 1.0) -> torch.Tensor:
    return 0.5 * torch.sin(2 * math.pi * hertz * torch.arange(round(seconds * RATE)) / RATE)[None]


def power(samples: torch.Tensor) -> float:
    return float(samples.square().mean())


def loudest(samples: torch.Tensor) -> float:
    """The frequency of the highest peak, in Hz."""
    return float(torch.fft.rfft(samples[0]).abs().argmax()) * RATE / samples.shape[1]


def test_gain_does_not_clip_and_goes_back() -> None:
    loud = gain(tone(440), 12)
    assert power(loud) / power(tone(440)) == pytest.approx(10**1.2, rel=1e-4)
    assert loud.max() > 1.9
    assert torch.allclose(gain(loud, -12), tone(440), atol=1e-6)


def test_low_pass_keeps_what_is_below_and_stops_what_is_above() -> None:
    assert torch.allclose(low_pass(tone(3900), RATE, 4000), tone(3900), atol=1e-3)
    assert power(low_pass(tone(4410), RATE, 4000)) < 1e-6
    assert low_pass(torch.ones(2, 5), RATE, 4000).shape == (2, 5)
    with pytest.raises(ParameterError, match="not 0"):
        low_pass(tone(1), RATE, 0)


@pytest.mark.parametrize("snr", [20.0, 0.0])
def test_noise_is_as_loud_as_said_and_the_same_each_time(snr: float) -> None:
    noisy = white_noise(tone(440), snr)
    assert 10 * math.log10(power(tone(440)) / power(noisy - tone(440))) == pytest.approx(snr, abs=0.2)
    assert torch.equal(noisy, white_noise(tone(440), snr))
    assert not torch.equal(noisy, white_noise(tone(440), snr, seed=1))
    assert not white_noise(torch.zeros(1, 9), snr).any()


@pytest.mark.parametrize("factor", [1.03, 0.97, 2.0])
def test_speed_changes_length_and_pitch(factor: float) -> None:
    fast = speed(tone(440), RATE, factor)
    assert fast.shape[1] == pytest.approx(RATE / factor, rel=1e-3)
    assert loudest(fast) == pytest.approx(440 * factor, rel=0.005)
    with pytest.raises(ParameterError, match="not 0"):
        speed(tone(440), RATE, 0)


def test_a_spaced_pair_is_stereo_and_folds_down_to_a_comb() -> None:
    def folded(hertz: float) -> float:
        pair = spaced_pair(tone(hertz), RATE)
        assert pair.shape == (2, RATE)
        assert not torch.allclose(pair[0], pair[1], atol=0.01)
        return power(pair.mean(0)[None]) / power(tone(hertz))

    assert folded(2000) == pytest.approx(((1 + 10 ** (-3 / 20)) / 2) ** 2, rel=0.02)
    assert folded(1002) < 0.03  # 11 samples are half a period of it
    assert torch.equal(spaced_pair(torch.ones(1, 3), RATE)[0], torch.ones(3))
