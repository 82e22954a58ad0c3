import io

import numpy as np
import pytest
from PIL import Image

from audio_gen.features.mel_spec import MelSpec
from audio_gen.pipelines import _pictures as pictures

SILENCE = np.log(1e-5)


def draw(mel: np.ndarray, **options: float) -> np.ndarray:
    """The picture's colour indices, `[rows, columns]`."""
    with Image.open(io.BytesIO(pictures.spectrogram_png(mel, **options))) as image:
        return np.asarray(image).astype(int)


def luminance(colours: np.ndarray) -> np.ndarray:
    linear = np.where(colours <= 10, colours / 3294.6, ((colours / 255 + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_the_palette_gets_brighter_all_the_way():
    colours = pictures.palette()
    assert colours.shape == (256, 3)
    assert (np.diff(luminance(colours)) > 0).all()


def test_low_bands_lie_at_the_bottom_and_time_runs_right():
    mel = np.full((128, 50), SILENCE, np.float32)
    mel[3, 40] = 0.0
    index = draw(mel)
    assert index.shape == (128, 50)
    assert np.unravel_index(index.argmax(), index.shape) == (128 - 1 - 3, 40)


@pytest.mark.parametrize(("power", "level"), [(1.0, 0.5), (2.0, 0.75)])
def test_forty_decibels_are_half_the_scale(power: float, level: float):
    mel = np.array([[0.0, -2 * np.log(10)]], np.float32)  # 40 dB of magnitude, 20 dB of power
    assert draw(mel, power=power)[0].tolist() == [255, round(level * 255)]


def test_long_files_are_averaged_over_all_frames():
    mel = np.zeros((4, 8001), np.float16)
    mel[:, 4000:] = -3.0
    small = pictures.shrink(mel, 100)
    assert small.shape == (4, 100)
    assert small[:, :49].max() == small[:, :49].min() == 0
    assert (small[:, 51:] == -3).all()
    assert pictures.shrink(mel[:, :1], 100).shape == (4, 1)


def test_nothing_a_feature_file_may_hold_breaks_the_picture():
    mel = np.full((8, 3), np.nan, np.float32)
    assert draw(mel).shape == (8, 3)
    mel[:, 1], mel[:, 2] = np.inf, 0.0
    assert draw(mel)[0].tolist() == [0, 255, 255]


def test_frequency_ticks_stand_at_their_bands():
    spec = MelSpec()
    from audio_gen.features.log_mel import mel_filter_bank

    peaks = mel_filter_bank(spec).argmax(1).numpy() * spec.sample_rate / spec.n_fft
    for place, label in pictures.frequency_ticks(spec):
        hz = float(label.split()[0]) * (1000 if "k" in label else 1)
        assert abs(np.abs(peaks - hz).argmin() / spec.n_mels - place) < 0.02
    assert [label for _, label in pictures.frequency_ticks(MelSpec(sample_rate=4000))] == ["250 Hz", "1 kHz"]


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.4, 8.0, 30.0, 182.0, 36000.0, 1e6])
def test_time_ticks_are_few_and_inside(seconds: float):
    places = [place for place, _ in pictures.time_ticks(seconds)]
    assert 1 <= len(places) <= 7
    assert places[0] == 0
    assert max(places) <= 1 + 1e-6
