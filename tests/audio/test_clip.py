"""Clip: what it lets in, and its conversions."""

import pytest
import torch

from audio_gen.audio.clip import Clip
from audio_gen.errors import ParameterError


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (torch.zeros(10), "float32 tensor"),
        (torch.zeros(1, 10, dtype=torch.float64), "float32 tensor"),
        (torch.zeros(1, 0), "at least one"),
        (torch.zeros(0, 10), "at least one"),
        (torch.tensor([[0.0, float("nan")]]), "finite"),
        (torch.tensor([[0.0, float("inf")]]), "finite"),
        ([[0.0]], "float32 tensor"),
    ],
)
def test_what_is_no_audio_is_refused(samples: torch.Tensor, reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        Clip(samples, 44100)


def test_a_rate_below_one_is_refused() -> None:
    with pytest.raises(ParameterError, match="at least 1 Hz, not 0"):
        Clip(torch.zeros(1, 1), 0)


def test_to_changes_rate_and_channels_and_leaves_the_original() -> None:
    clip = Clip(torch.randn(2, 44100), 44100)
    before = clip.samples.clone()
    mono = clip.to(22050, channels=1)
    assert mono.samples.shape == (1, 22050)
    assert mono.duration == clip.duration == 1
    torch.testing.assert_close(clip.to(channels=1).samples, before.mean(0, keepdim=True))
    assert torch.equal(clip.samples, before)


def test_mono_becomes_as_many_equal_channels() -> None:
    wide = Clip(torch.randn(1, 100), 8000).to(channels=3)
    assert wide.channels == 3
    assert torch.equal(wide.samples[0], wide.samples[2])


def test_between_two_layouts_there_is_no_rule() -> None:
    with pytest.raises(ParameterError, match="6 channels into 2"):
        Clip(torch.zeros(6, 10), 8000).to(channels=2)
