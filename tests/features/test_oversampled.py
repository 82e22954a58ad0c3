"""Pictures made at twice the rate against those of the resampled samples."""

import pytest
import torch

from audio_gen.audio.resample import resample
from audio_gen.features.decibel_image import SPEC, DecibelImage
from audio_gen.features.oversampled import oversampled, resampler_response


@pytest.mark.parametrize("tonal", [False, True])
def test_the_transform_does_the_resampling(tonal: bool) -> None:
    rate = 2 * SPEC.sample_rate
    noise = torch.randn(1, 3 * rate, generator=torch.Generator().manual_seed(0))
    samples = 0.05 * noise + 0.3 * torch.sin(torch.arange(3 * rate) * (2 * torch.pi * 440 / rate))
    picture = DecibelImage(SPEC, 40, tonal=tonal)
    wanted = picture(resample(samples, rate, SPEC.sample_rate))
    found = oversampled(picture, 2)(samples)
    assert found.shape == wanted.shape
    inner = (found - wanted)[..., 2:-2].abs()  # at the ends one reflects what the other has filtered already
    assert inner.max() < 0.5
    assert inner.mean() < 0.02
    assert wanted.std() > 3


def test_the_response_is_that_of_a_low_pass() -> None:
    gain = resampler_response(SPEC, 2)
    assert gain.shape == (1 + SPEC.n_fft,)
    assert torch.allclose(gain[: SPEC.n_fft * 8 // 20], torch.ones(()), atol=1e-3)
    assert gain[SPEC.n_fft // 2 + 50 :].abs().max() < 1e-3
