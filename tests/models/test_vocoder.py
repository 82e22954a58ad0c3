from functools import partial

import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.griffin_lim import GriffinLim
from audio_gen.models.vocoder import FAMILY, VocoderNet

SPEC = MelSpec(sample_rate=8000, n_fft=256, hop_length=64, n_mels=32)


def net(prior: int = 4) -> VocoderNet:
    torch.manual_seed(0)
    return VocoderNet(SPEC, (8, 16), 2, prior)


def mel(frames: int = 20) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return LogMel(SPEC)(0.1 * torch.randn(2, SPEC.hop_length * (frames - 1), generator=random))


def test_it_starts_where_griffin_lim_ends() -> None:
    with torch.no_grad():
        assert torch.equal(net()(mel()), GriffinLim(SPEC, 4, steady=True, refine=True)(mel()))


@pytest.mark.parametrize("prior", [0, 2])
def test_any_length_and_every_weight_learns(prior: int) -> None:
    vocoder = net(prior)
    with torch.no_grad():
        vocoder.angle.weight.normal_(0, 0.1)
        vocoder.factor.weight.normal_(0, 0.1)
    for frames in (2, 9, 33):
        assert vocoder(mel(frames)).shape == (2, SPEC.hop_length * (frames - 1))
        assert vocoder(mel(frames)[0]).shape == (SPEC.hop_length * (frames - 1),)
    vocoder(mel()).square().mean().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in vocoder.parameters())


def test_silence_stays_nearly_silent() -> None:
    quiet = torch.full((1, SPEC.n_mels, 12), -11.5)  # the floor
    assert net()(quiet).abs().max() < 1e-2


def test_a_checkpoint_brings_it_back() -> None:
    before = net()
    config = {"widths": [8, 16], "blocks": 2, "prior": 4}
    state = {key: value.half() for key, value in before.state_dict().items()}
    made = Checkpoint("mine", FAMILY, config, SPEC, {"name": "log_mel"}, (), {}, {}, "CC0-1.0", state)
    after = checkpoint.build(partial(VocoderNet, SPEC), made)
    with torch.no_grad():
        assert torch.allclose(after(mel()), before(mel()), atol=1e-3)


def test_refuses_what_makes_no_sense() -> None:
    for wrong in ((8,), (8, 0), (8, 8, 8)):
        with pytest.raises(ParameterError, match="two widths"):
            VocoderNet(SPEC, wrong)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="prior from 0"):
        VocoderNet(SPEC, (8, 8), 1, -1)
    with pytest.raises(ParameterError, match="≥ 2 frames"):
        net()(mel()[..., :1])
