import math

import pytest
import torch

from audio_gen.features.decibel_image import SPEC, DecibelImage, from_uint8, relative, to_uint8
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec

SMALL = MelSpec(sample_rate=8000, n_fft=64, hop_length=16, n_mels=8, power=2.0, floor=1e-10)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("spec", [SMALL, MelSpec(power=1.0), SPEC])
@pytest.mark.parametrize("gain", [0.0, 1e-9])
def test_silence_is_the_lowest_everywhere(spec: MelSpec, gain: float) -> None:
    image = DecibelImage(spec, 10)(gain * noise(2, 5000))
    assert image.shape == (2, spec.n_mels, 10)
    assert torch.equal(image, torch.full_like(image, -80.0))


def test_silence_and_sound_share_a_batch() -> None:
    image = DecibelImage(SMALL, 20)(torch.stack([torch.zeros(2000), noise(2000)]))
    assert (image[0] == -80).all()
    assert image[1].max() > -5


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_values_are_decibels_below_the_loudest_point(power: float) -> None:
    spec = MelSpec(sample_rate=8000, n_fft=64, hop_length=16, n_mels=8, power=power, floor=1e-10)
    samples = noise(2000)
    linear = LogMel(spec)(samples).double().exp()
    count = linear.shape[-1]
    twin = torch.full((8, 30), math.nan, dtype=torch.float64)
    for column in range(30):
        frame = (4 * column + 1) * count // (4 * 30)  # floor((j + 1/4) N / columns)
        for band in range(8):
            decibels = (20 / power) * math.log10(linear[band, frame] / linear.max())
            twin[band, column] = max(decibels, -80.0)
    assert torch.allclose(DecibelImage(spec, 30)(samples).double(), twin, atol=1e-3)


@pytest.mark.parametrize("columns", [1, 7, 129, 387])
def test_column_j_is_frame_floor_of_j_and_a_quarter(columns: int) -> None:
    for length in (1, 16, 500, 3000, 66150):
        frames = LogMel(SMALL)(noise(length))
        count = frames.shape[-1]
        index = [(4 * column + 1) * count // (4 * columns) for column in range(columns)]
        right = relative(frames * (10 / math.log(10)))[:, index]
        assert torch.equal(DecibelImage(SMALL, columns)(noise(length)), right)


@pytest.mark.parametrize("gain", [1e-2, 0.1, 0.5, 3.0, 100.0])
def test_blind_to_gain(gain: float) -> None:
    picture = DecibelImage(SPEC, 40)
    samples = 0.1 * noise(40000)
    assert torch.allclose(picture(samples), picture(samples * gain), atol=1e-3)
    assert not torch.allclose(picture(samples), picture(0.1 * noise(40000, seed=1)), atol=1)


@pytest.mark.parametrize("tonal", [False, True])
def test_a_picture_of_frames_is_the_picture_of_their_samples(tonal: bool) -> None:
    spec = MelSpec(n_fft=2048, hop_length=512, n_mels=16, power=2.0, floor=1e-10)
    picture, samples = DecibelImage(spec, 9, tonal=tonal), noise(2, 22050)
    frames = picture.log_mel(samples)
    assert frames.shape == (2, picture.rows, spec.frames(22050))
    assert torch.equal(picture.of_frames(frames), picture(samples))
    louder = torch.cat([frames[:, :16] + 1, frames[:, 16:] + 2], 1)  # mel bands and notes are each relative
    assert torch.allclose(picture.of_frames(louder), picture(samples), atol=1e-3)


def test_uint8_round_trip() -> None:
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(from_uint8(every)), every)
    decibels = torch.linspace(-80, 0, 1001)
    assert (from_uint8(to_uint8(decibels)) - decibels).abs().max() <= 80 / 255 / 2 + 1e-4
    assert to_uint8(torch.tensor([-200.0, 10.0])).tolist() == [0, 255]


def test_input_is_not_changed_and_gradient_is_finite() -> None:
    samples = noise(1000).requires_grad_(True)
    before = samples.detach().clone()
    DecibelImage(SMALL, 12)(samples).mean().backward()
    assert torch.equal(samples.detach(), before)
    assert samples.grad is not None
    assert torch.isfinite(samples.grad).all()
