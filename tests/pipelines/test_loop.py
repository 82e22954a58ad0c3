from typing import Any

import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.pipelines.generate import Generator
from audio_gen.pipelines.loop import fitted, frames_around, loop_seconds


def seam(samples: torch.Tensor, spec: MelSpec) -> tuple[float, float]:
    """Change of the log-mel from frame to frame where the clip begins again, and the largest elsewhere."""
    twice = LogMel(spec)(torch.cat([samples, samples], 1))[0]
    change = twice.diff(dim=1).abs().mean(0)
    middle = samples.shape[1] // spec.hop_length
    return float(change[middle - 2 : middle + 3].max()), float(change[10 : middle - 10].max())


def test_bars_at_a_tempo() -> None:
    assert loop_seconds(120, 4) == 8
    assert loop_seconds(90.5, 1) == pytest.approx(4 * 60 / 90.5)
    for wrong in ((0, 4), (1000, 4), (120, 0), (float("nan"), 1)):
        with pytest.raises(ParameterError, match="bpm must be 20 to 400"):
            loop_seconds(*wrong)


@pytest.mark.parametrize("seconds", [1.0, 1.9047, 2.5])
def test_a_loop_is_exact_and_has_no_seam(tiny: Any, seconds: float) -> None:
    made = Generator.load(tiny.generator())
    spec = made.checkpoint.spec
    clips = made.sample(2, seconds=seconds, label="folk", loop=True)
    for clip in clips:
        assert clip.samples.shape == (1, round(seconds * spec.sample_rate))
        at_seam, elsewhere = seam(clip.samples, spec)
        assert at_seam <= 1.1 * elsewhere
    assert not torch.equal(clips[0].samples, clips[1].samples)


def test_a_clip_that_is_no_loop_has_a_seam(tiny: Any) -> None:
    time = torch.arange(22050) / 22050
    ramp = (0.001 + 0.3 * time) * torch.sin(2 * torch.pi * 440 * time)
    at_seam, elsewhere = seam(ramp[None], Generator.load(tiny.generator()).checkpoint.spec)
    assert at_seam > 2 * elsewhere


def test_log_mels_are_stretched_around() -> None:
    spec = MelSpec(n_fft=512, hop_length=256, n_mels=4)
    turn = torch.arange(88) * (2 * torch.pi / 88)
    mel = torch.stack([turn.sin(), turn.cos(), torch.ones(88), torch.zeros(88)])
    longer = fitted(mel, 256 * 91, spec)
    assert longer.shape == (4, 91)
    again = (torch.arange(91) + 0.5) * (2 * torch.pi / 91) - torch.pi / 88
    assert torch.allclose(longer[0], again.sin(), atol=5e-3)
    assert torch.equal(fitted(mel, 256 * 88, spec), mel)
    assert frames_around(256 * 91, spec, 8) == 88
    with pytest.raises(ParameterError, match="a loop takes 1 s or more"):
        frames_around(20000, spec, 8)
