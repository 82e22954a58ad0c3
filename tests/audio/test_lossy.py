import math

import pytest
import torch

from audio_gen.audio import lossy
from audio_gen.audio.clip import Clip
from audio_gen.audio.lossy import has_mp3, mp3
from audio_gen.errors import ParameterError

needs_mp3 = pytest.mark.skipif(not has_mp3(), reason="FFmpeg in PyAV has no MP3 encoder here")


def clip(rate: int = 22050, channels: int = 1, seconds: float = 1.0) -> Clip:
    t = torch.arange(round(seconds * rate)) / rate
    random = torch.Generator().manual_seed(0)
    tone = 0.3 * torch.sin(2 * math.pi * 440 * t)
    return Clip(tone + 0.05 * torch.randn(channels, len(t), generator=random), rate)


@needs_mp3
def test_the_tone_stays_and_the_noise_changes() -> None:
    before = clip()
    after = mp3(before)
    assert (after.sample_rate, after.channels) == (22050, 1)
    assert abs(after.samples.shape[1] - before.samples.shape[1]) < 2400
    spectra = [torch.fft.rfft(one.samples[0, :20000]).abs() for one in (before, after)]
    assert spectra[0].argmax() == spectra[1].argmax()
    assert float(spectra[1].max() / spectra[0].max()) == pytest.approx(1, abs=0.05)
    assert not torch.allclose(*spectra, rtol=0.01)
    assert torch.equal(mp3(before).samples, after.samples)


@needs_mp3
def test_fewer_bits_leave_less() -> None:
    def treble(kbps: int) -> float:
        spectrum = torch.fft.rfft(mp3(clip(44100), kbps).samples[0, :40000]).abs().square()
        return float(spectrum[12000:].sum() / spectrum.sum())

    assert treble(32) < 0.1 * treble(128)


@needs_mp3
@pytest.mark.parametrize(
    ("rate", "channels", "now"), [(44100, 2, (44100, 2)), (9000, 1, (11025, 1)), (96000, 3, (48000, 1))]
)
def test_rates_and_channels_that_it_has_not(rate: int, channels: int, now: tuple[int, int]) -> None:
    after = mp3(clip(rate, channels, 0.2))
    assert (after.sample_rate, after.channels) == now


@needs_mp3
def test_a_bit_rate_that_it_has_not() -> None:
    with pytest.raises(ParameterError, match="8 to 320 kbit/s, not 0"):
        mp3(clip(), 0)


def test_without_an_encoder_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lossy, "has_mp3", lambda: False)
    with pytest.raises(ParameterError, match="no MP3 encoder"):
        mp3(clip())
