from dataclasses import replace
from typing import Any

import pytest
import torch

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models import checkpoint
from audio_gen.models.autoencoder import FAMILY, AutoencoderNet
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.pipelines import autoencoder
from audio_gen.pipelines.autoencoder import Autoencoder
from audio_gen.pipelines.generate import Wish, sound


def mel(frames: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(32, frames, generator=torch.Generator().manual_seed(seed)) - 4


@pytest.fixture
def vae(tiny: Any) -> Autoencoder:
    tiny.autoencoder()
    return Autoencoder.load()


@pytest.mark.parametrize("frames", [1, 2, 3, 50])
def test_shapes(vae: Autoencoder, frames: int) -> None:
    latent = vae.encode(mel(frames))
    assert latent.shape == (4, -(-frames // 2))
    assert vae.decode(latent).shape == (32, 2 * latent.shape[1])
    assert not latent.requires_grad
    assert torch.equal(vae.encode(mel(frames).double()), latent)


@pytest.mark.parametrize("wrong", [torch.zeros(31, 5), torch.zeros(32, 0), torch.zeros(32), torch.zeros(1, 32, 5)])
def test_other_shapes_are_refused(vae: Autoencoder, wrong: torch.Tensor) -> None:
    with pytest.raises(ParameterError, match=r"\[32, frames\], not"):
        vae.encode(wrong)


def test_pieces_are_those_of_the_whole(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"classes": 1, "n_mels": 32, "widths": [8, 8, 8, 8], "latent": 4}  # as deep as the recipe's
    net = tiny._random(AutoencoderNet(**config), 0)
    spec = MelSpec(n_fft=512, hop_length=256, n_mels=32)
    made = Autoencoder(Checkpoint("x", FAMILY, config, spec, {}, ("a",), {}, {}, "CC0-1.0", net.state_dict()))
    monkeypatch.setattr(autoencoder, "PIECE", 16)
    latent = torch.randn(4, 50, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = net.decoder.restore(net.decode(latent[None]))[0]
    pieces = list(made.pieces(latent))
    assert [piece.shape[1] for piece in pieces] == [128, 128, 128, 16]
    assert torch.allclose(torch.cat(pieces, 1), whole, atol=1e-5)
    assert torch.equal(torch.cat(list(made.pieces(latent, 301)), 1), torch.cat(pieces, 1)[:, :301])


def test_between_two(vae: Autoencoder) -> None:
    first, second = mel(41, 0), mel(60, 1)
    ends = [vae.decode(vae.encode(one))[:, :41] for one in (first, second)]
    assert torch.allclose(vae.interpolate(first, second, 0.0), ends[0], atol=1e-4)
    assert torch.allclose(vae.interpolate(first, second, 1.0)[:, :25], ends[1][:, :25], atol=1e-4)
    half = vae.interpolate(first, second, 0.5)
    assert half.shape == (32, 41)
    assert (half - ends[0]).norm() < (ends[0] - ends[1]).norm()


def test_what_is_made_depends_on_the_wish_alone(vae: Autoencoder) -> None:
    wish = Wish("folk", seed=4, seconds=1.3)
    item = vae.make(wish)
    assert item.samples == round(1.3 * 22050)
    assert item.mel.shape == (32, 1 + -(-item.samples // 256))
    assert torch.equal(item.mel, vae.make(wish).mel)
    for other in ({"seed": 5}, {"index": 1}, {"take": 1}, {"label": "techno"}, {"variety": 0.5}):
        assert not torch.equal(vae.make(replace(wish, **other)).mel, item.mel)
    assert sound(item, vae.vocoder("griffin-lim")).samples.shape == (1, item.samples)
    assert vae.make(replace(wish, seconds=None)).samples == 220500


def test_without_variety_it_stands_still(vae: Autoencoder) -> None:
    made = vae.make(Wish("folk", seconds=2, variety=0.0)).mel
    inside = made[:, 20:-20]
    assert inside.std(1).max() < 0.2 * vae.make(Wish("folk", seconds=2)).mel[:, 20:-20].std(1).max()
    assert torch.allclose(made, vae.make(Wish("folk", seconds=2, seed=9, variety=0.0)).mel, atol=1e-4)


@pytest.mark.parametrize(
    "wrong", [{"label": "polka"}, {"loop": True}, {"variety": 2}, {"seconds": 0}, {"glob": (1.0,)}]
)
def test_refuses(vae: Autoencoder, wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        vae.make(replace(Wish("folk"), **wrong))


def test_other_checkpoints_are_refused(tiny: Any) -> None:
    tiny.generator()
    with pytest.raises(CheckpointError, match="family 'generator'; this needs one of family 'autoencoder'"):
        Autoencoder.load("music")
    with pytest.raises(CheckpointError, match="no checkpoint is called 'vae'"):
        Autoencoder.load()
    model = checkpoint.load(tiny.autoencoder())
    with pytest.raises(CheckpointError, match="2 classes but 3 labels"):
        Autoencoder(replace(model, labels=("a", "b", "c")))
    made = Autoencoder(model)
    other = MelSpec(n_fft=512, hop_length=128, n_mels=32)
    tiny.vocoder(spec=other)
    with pytest.raises(CheckpointError, match="don't fit"):
        made.vocoder("neural")
