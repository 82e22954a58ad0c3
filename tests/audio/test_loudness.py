"""Loudness and true peak: the standard's anchors, a foreign reference, and streams against the whole."""

import itertools
import math

import pytest
import torch
import torchaudio

from audio_gen.audio import artificial
from audio_gen.audio.loudness import Loudness, TruePeak, gain_for, k_weighting
from audio_gen.errors import ParameterError

RATES = [22050, 44100, 48000]


def lufs(samples: torch.Tensor, rate: int) -> float:
    meter = Loudness(rate, samples.shape[0])
    meter.add(samples)
    return meter.lufs


def dbtp(samples: torch.Tensor, rate: int) -> float:
    meter = TruePeak(rate, samples.shape[0])
    meter.add(samples)
    return meter.dbtp


def signal(name: str, rate: int) -> torch.Tensor:
    if name == "tone":
        return artificial.tone(rate, 3.0, 440.0).repeat(2, 1)
    if name == "stereo":
        return torch.cat([artificial.noise(rate, 3.0, "pink", seed) for seed in (1, 2)])
    if name == "gated":  # 3 s of music, then 6 s that are 30 dB lower: these only count without the gates
        loud, low = (artificial.noise(rate, seconds, "pink", 3) for seconds in (3.0, 6.0))
        return torch.cat([loud, low * 10**-1.5, artificial.silence(rate, 3.0)], dim=1)
    return artificial.noise(rate, 3.0, name, 4)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", ["pink", "brown", "tone", "stereo", "gated"])
def test_it_agrees_with_torchaudio(rate: int, name: str) -> None:
    samples = signal(name, rate)
    assert lufs(samples, rate) == pytest.approx(float(torchaudio.functional.loudness(samples, rate)), abs=0.1)


def test_surrounds_weigh_more_and_low_effects_nothing() -> None:
    samples = torch.cat([artificial.noise(48000, 1.0, "pink", seed) for seed in range(5)])
    assert lufs(samples, 48000) == pytest.approx(float(torchaudio.functional.loudness(samples, 48000)), abs=0.1)
    with_lfe = torch.cat([samples[:3], torch.ones(1, 48000), samples[3:]])
    assert lufs(with_lfe, 48000) == pytest.approx(lufs(samples, 48000), abs=1e-9)


@pytest.mark.parametrize("rate", [8000, 11025, *RATES, 96000])
def test_997_hz_at_full_scale_is_the_anchor_at_every_rate(rate: int) -> None:
    sine = 2 * artificial.tone(rate, 5.0, 997.0)
    assert lufs(sine, rate) == pytest.approx(-3.01, abs=0.03 if rate >= 22050 else 0.25)
    assert lufs(torch.cat([sine, torch.zeros_like(sine)]), rate) == lufs(sine, rate)
    assert lufs(torch.cat([sine, sine]), rate) == pytest.approx(lufs(sine, rate) + 3.01, abs=0.01)
    assert lufs(0.1 * sine, rate) == pytest.approx(lufs(sine, rate) - 20, abs=1e-3)


def test_the_filter_at_48_khz_is_that_of_the_tables() -> None:
    head, low_cut = k_weighting(48000)
    assert head == pytest.approx(
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585], abs=1e-12
    )
    assert low_cut == pytest.approx([1, -2, 1, 1, -1.99004745483398, 0.99007225036621], abs=1e-12)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 96000])
def test_the_curve_is_the_same_at_other_rates(rate: int) -> None:
    from scipy.signal import sosfreqz

    hertz = [20, 38, 100, 500, 997, 2000, 3000]
    curves = [20 * torch.tensor(abs(sosfreqz(k_weighting(r), hertz, fs=r)[1])).log10() for r in (rate, 48000)]
    # the tables' own curve is warped by its rate; well below half of it that is little
    torch.testing.assert_close(*curves, atol=0.3 if rate == 8000 else 0.1, rtol=0)


def test_quiet_parts_count_only_above_the_gates() -> None:
    rate = 48000
    sine = 2 * artificial.tone(rate, 4.0, 997.0)
    just_counted, gated_out = (lufs(torch.cat([sine, level * sine], dim=1), rate) for level in (0.5, 0.2))
    assert just_counted == pytest.approx(-3.01 + 10 * math.log10((1 + 0.25) / 2), abs=0.1)
    assert gated_out > -3.2  # -14 LU: only the blocks across the border are left of it
    assert lufs(10 ** (-68 / 20) * sine, rate) == -math.inf  # -71 LUFS


def test_sounds_under_400_ms_are_measured_as_one_block_without_gates() -> None:
    rate = 48000
    sine = 2 * artificial.tone(rate, 0.39, 997.0)
    assert lufs(sine, rate) == pytest.approx(-3.01, abs=0.06)
    assert lufs(sine[:, :4000], rate) == pytest.approx(-3.01, abs=0.3)  # less than one step
    assert lufs(1e-4 * sine, rate) == pytest.approx(-83.01, abs=0.06)


def test_silence_and_nothing_are_infinitely_quiet() -> None:
    for length in (0, 100, 22050):
        assert lufs(torch.zeros(2, length), 22050) == -math.inf
        assert dbtp(torch.zeros(2, length), 22050) == -math.inf
    assert Loudness(22050, 1).lufs == -math.inf
    assert TruePeak(22050, 1).dbtp == -math.inf


@pytest.mark.parametrize("length", [3000, 70000])
@pytest.mark.parametrize("rate", [11025, 44100])
def test_a_stream_equals_the_whole(length: int, rate: int) -> None:
    samples = signal("stereo", rate).repeat(1, 3)[:, :length]
    loudness, peak = Loudness(rate, 2), TruePeak(rate, 2)
    cuts = [0, 1, 700, 701, 5000, 5000, 20000, length]
    for start, end in itertools.pairwise(cuts):
        loudness.add(samples[:, start:end])
        peak.add(samples[:, start:end])
    assert loudness.lufs == pytest.approx(lufs(samples[:, :length], rate), abs=1e-9)
    assert peak.dbtp == pytest.approx(dbtp(samples, rate), abs=1e-4)


def test_measuring_changes_nothing_and_goes_on() -> None:
    samples = signal("stereo", 22050)
    before = samples.clone()
    meter = Loudness(22050, 2)
    meter.add(samples)
    first = meter.lufs
    meter.add(3 * samples)
    assert meter.lufs > first + 3
    dbtp(samples, 22050)
    assert torch.equal(samples, before)


def test_peaks_between_the_samples_are_found() -> None:
    t = torch.arange(4800)
    fade = torch.hann_window(4800)
    sine = fade * torch.sin(2 * math.pi * t / 4 + math.pi / 4)  # each sample is 3 dB below the wave's top
    assert sine.abs().max() < 0.708
    assert dbtp(sine[None], 48000) == pytest.approx(0, abs=0.05)
    assert dbtp(torch.stack([0.1 * sine, 0.5 * sine]), 48000) == pytest.approx(-6.02, abs=0.05)  # the louder channel


def test_a_true_peak_is_never_below_the_samples() -> None:
    nyquist = torch.hann_window(4001, periodic=False) * torch.tensor([1.0, -1.0]).repeat(2001)[:4001]
    assert dbtp(nyquist[None], 44100) == pytest.approx(0, abs=1e-5)  # the resampler takes all of it away


def test_the_end_of_a_sound_counts_though_the_filter_keeps_it_back() -> None:
    short = torch.sin(math.pi * torch.arange(60) / 2 + math.pi / 4)
    assert dbtp(short[None], 44100) > -1  # the samples alone have -3.01


def test_a_true_peak_that_was_read_takes_no_more() -> None:
    meter = TruePeak(22050, 1)
    meter.add(torch.ones(1, 100))
    assert meter.dbtp == meter.dbtp
    with pytest.raises(ParameterError, match="read already"):
        meter.add(torch.ones(1, 100))


def test_the_gain_reaches_the_target_or_the_ceiling() -> None:
    assert gain_for(-20.0, -12.0, -14.0) == pytest.approx(10 ** (6 / 20))
    assert gain_for(-20.0, -4.0, -14.0) == pytest.approx(10 ** (3 / 20))  # to -1 dBTP and no further
    assert gain_for(-20.0, -4.0, -14.0, ceiling_dbtp=-2.0) == pytest.approx(10 ** (2 / 20))
    assert gain_for(-8.0, -0.5, -14.0) == pytest.approx(10 ** (-6 / 20))
    assert gain_for(-20.0, -4.0, None) == 1
    assert gain_for(-20.0, 2.0, None) == pytest.approx(10 ** (-3 / 20))
    assert gain_for(-math.inf, -math.inf, -14.0) == 1
    assert gain_for(-math.inf, 2.0, -14.0) == pytest.approx(10 ** (-3 / 20))  # a peak in what is silent on average


def test_the_gain_does_what_it_says() -> None:
    samples = signal("stereo", 44100)
    gain = gain_for(lufs(samples, 44100), dbtp(samples, 44100), -30.0)
    assert lufs(gain * samples, 44100) == pytest.approx(-30, abs=1e-3)


@pytest.mark.parametrize(("rate", "channels"), [(3999, 1), (22050, 0)])
def test_what_can_not_be_measured_is_refused(rate: int, channels: int) -> None:
    with pytest.raises(ParameterError, match=f"{rate} Hz and {channels}"):
        Loudness(rate, channels)
    with pytest.raises(ParameterError):
        TruePeak(0, channels)
    for meter in (Loudness(22050, 2), TruePeak(22050, 2)):
        for shape in ((1, 10), (10,)):
            with pytest.raises(ParameterError, match=r"\[2, t\]"):
                meter.add(torch.zeros(shape))
