from dataclasses import replace
from typing import Any

import pytest
import torch

from audio_gen.audio.clip import Clip
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.pipelines.autoencoder import Autoencoder
from audio_gen.pipelines.generate import Generator, Wish, sound
from audio_gen.pipelines.like import _mixture, like
from audio_gen.pipelines.mix import shares

LABELS = ("folk", "techno")


def both(tiny: Any) -> tuple[Generator, Autoencoder]:
    return Generator.load(tiny.generator()), Autoencoder.load(tiny.autoencoder())


def test_what_it_made_itself_is_found_again(tiny: Any) -> None:
    music, vae = both(tiny)
    clip = sound(music.make(Wish("techno", seed=3, seconds=2.5)), music.vocoder("griffin-lim"))
    found = like(music, vae, clip)
    assert found.distance < found.usual
    assert sum(shares(found.label, LABELS).values()) == pytest.approx(1)
    assert len(found.glob) == music.net.glob
    again = music.make(Wish(found.label, seed=5, seconds=1, glob=found.glob))
    other = music.make(Wish(found.label, seed=6, seconds=1, glob=found.glob))
    assert not torch.equal(again.mel, other.mel)  # what happens when stays free
    assert like(music, vae, clip) == found


def test_what_is_no_music_is_refused(tiny: Any) -> None:
    music, vae = both(tiny)
    wave = torch.rand(1, 44100)
    for samples, message in (
        (torch.zeros(1, 44100), "is silent"),
        (torch.cat([wave, -wave]), "channels together"),
        (torch.rand(1, 20000), "1 s or more is needed, not of 0.91 s"),
    ):
        with pytest.raises(ParameterError, match=message):
            like(music, vae, Clip(samples, 22050))
    with pytest.raises(ParameterError, match="makes one-shots"):
        like(Generator.load(tiny.generator("drums", length=40)), vae, Clip(torch.rand(1, 44100), 22050))


def test_another_spec_is_refused_with_both(tiny: Any) -> None:
    spec = MelSpec(n_fft=512, hop_length=128, n_mels=32)
    music, vae = Generator.load(tiny.generator()), Autoencoder.load(tiny.autoencoder(spec=spec))
    with pytest.raises(CheckpointError, match=r"hop_length=256.*against.*hop_length=128"):
        like(music, vae, Clip(torch.rand(1, 44100), 22050))


def test_small_shares_are_left_out() -> None:
    assert _mixture([0.02, 0.7, 0.28], ("a", "b", "c")) == "b:0.700,c:0.280"
    many = [f"l{number}" for number in range(100)]
    assert _mixture([0.01] * 100, tuple(many))  # all are small


def test_a_global_noise_of_another_size_is_refused(tiny: Any) -> None:
    music, _ = both(tiny)
    with pytest.raises(ParameterError, match="global noise has 64 numbers, not 3"):
        music.make(replace(Wish("folk"), glob=(1.0, 2.0, 3.0)))
