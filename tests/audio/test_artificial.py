import pytest
import torch

from audio_gen.audio.artificial import clicks, noise, silence, tone

RATE = 22050


@pytest.mark.parametrize(("color", "slope"), [("white", 0), ("pink", -3), ("brown", -6)])
def test_noise_falls_by_its_slope(color: str, slope: float) -> None:
    samples = noise(RATE, 4, color, seed=1)
    spectrum = torch.fft.rfft(samples[0]).abs().square()
    edges = [round(hertz * 4) for hertz in (500, 1000, 4000, 8000)]
    low, high = (10 * torch.log10(spectrum[a:b].mean()) for a, b in (edges[:2], edges[2:]))
    assert float(high - low) / 3 == pytest.approx(slope, abs=0.3)  # an octave; 3 lie between
    assert 0.009 < samples.abs().max() < 0.51
    assert torch.equal(samples, noise(RATE, 4, color, seed=1))
    assert not torch.equal(samples, noise(RATE, 4, color, seed=2))


def test_a_tone_is_one_line() -> None:
    spectrum = torch.fft.rfft(tone(RATE, 1, 1000)[0]).abs()
    assert spectrum.argmax() == 1000
    assert spectrum[1000] > 1e3 * spectrum[1010:].max()


def test_clicks_come_as_often_as_said() -> None:
    samples = clicks(RATE, 20, 10, seed=0)
    assert 150 < int((samples != 0).sum()) < 250
    assert clicks(RATE, 0.01, 0.01, seed=3).any()


def test_silence_is_silent() -> None:
    assert silence(RATE, 2).shape == (1, 2 * RATE)
    assert not silence(RATE, 2).any()
