import re
from typing import Any

import pytest
import torch

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.griffin_lim import GriffinLim
from audio_gen.pipelines.generate import Generator, Wish, clip_generator, sound
from audio_gen.pipelines.vocoder import Vocoder


def test_noise_is_drawn_by_seed_and_index_alone() -> None:
    draws = {
        (seed, index): torch.rand(1, generator=clip_generator(seed, index)).item()
        for seed in (0, 1, 12)
        for index in (0, 1, 2)
    }
    assert len(set(draws.values())) == 9
    assert torch.rand(1, generator=clip_generator(1, 2)).item() == draws[1, 2]
    one, other = (torch.rand(1, generator=clip_generator(*pair)).item() for pair in ((1, 21), (12, 1)))
    assert one != other  # "1" and "21" is not "12" and "1"


def test_a_log_mel_does_not_depend_on_the_others(tiny: Any) -> None:
    made = Generator.load(tiny.generator())
    every = list(made.mels(4, seconds=0.3, seed=3))
    for index in (3, 0, 2):
        wish = Wish(("folk", "techno")[index % 2], seed=3, index=index, seconds=0.3)
        assert torch.equal(made.make(wish).mel, every[index].mel)
    assert torch.equal(every[1].mel, every[1].mel)  # each time the same
    assert not torch.equal(every[0].mel, every[2].mel)
    assert [item.label for item in every] == ["folk", "techno", "folk", "techno"]


@pytest.mark.parametrize("seconds", [1e-5, 0.005, 0.1, 0.5, 1.2345])
def test_clips_are_as_long_as_asked(tiny: Any, seconds: float) -> None:
    (clip,) = Generator.load(tiny.generator()).sample(1, seconds=seconds, label="folk")
    assert clip.samples.shape == (1, max(1, round(seconds * 22050)))
    assert torch.isfinite(clip.samples).all()


def test_one_shots_are_as_long_as_they_are_or_as_asked(tiny: Any) -> None:
    for length in (40, 41):  # a multiple of the stride, and none
        made = Generator.load(tiny.generator("drums", length=length))
        voice, spec = made.vocoder("griffin-lim"), made.checkpoint.spec
        hit, short, long = (made.make(Wish("folk", seed=1, seconds=seconds)) for seconds in (None, 0.2, 1.0))
        assert hit.mel.shape == (32, length)
        assert torch.equal(short.mel, hit.mel)
        assert long.mel.shape == (32, 1 + -(-22050 // 256))
        assert torch.equal(long.mel[:, :length], hit.mel)
        assert (long.mel[:, length:] == torch.tensor(spec.floor).log()).all()
        whole = sound(hit, voice).samples
        assert whole.shape == (1, 256 * (length - 1))
        assert torch.equal(sound(short, voice).samples, whole[:, :4410])
        tail = sound(long, voice).samples[:, 256 * (length + 2) :]
        assert tail.shape[1] == 22050 - 256 * (length + 2)
        assert tail.abs().max() < 0.01 * whole.abs().max()
        with pytest.raises(ParameterError, match="'drums' makes one-shots; they don't loop"):
            made.make(Wish("folk", loop=True, seconds=2))


def test_labels_make_a_difference(tiny: Any) -> None:
    made = Generator.load(tiny.generator())
    folk, techno = (next(made.mels(1, seconds=0.3, label=label)).mel for label in made.labels)
    assert folk.shape == techno.shape
    assert not torch.allclose(folk, techno, atol=1e-2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "polka"}, "folk, techno"),
        ({"label": ""}, "folk, techno"),
        ({"count": 0}, "count must be at least 1"),
        ({"seconds": 0}, "seconds must be above 0"),
        ({"seconds": float("nan")}, "seconds must be above 0"),
    ],
)
def test_refuses(tiny: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Generator.load(tiny.generator()).sample(**{"count": 1, **options})


def test_a_vocoder_of_another_spec_is_refused_with_both(tiny: Any) -> None:
    made, other = Generator.load(tiny.generator()), MelSpec(n_fft=512, hop_length=128, n_mels=32)
    with pytest.raises(CheckpointError) as caught:
        made.sample(1, vocoder=Vocoder("mine", GriffinLim(other)))
    for text in ("'music'", "'mine'", str(made.checkpoint.spec), str(other)):
        assert re.search(re.escape(text), str(caught.value))
    assert made.vocoder(Vocoder("mine", GriffinLim(made.checkpoint.spec))).name == "mine"


def test_mixtures_lie_between_their_labels(tiny: Any) -> None:
    made = Generator.load(tiny.generator())

    def mel(label: str) -> torch.Tensor:
        return next(made.mels(1, seconds=0.3, label=label)).mel

    folk, techno, half = mel("folk"), mel("techno"), mel("folk:1,techno:1")
    assert torch.equal(mel("folk:5"), folk)
    apart = (folk - techno).norm()
    assert (half - folk).norm() < apart
    assert (half - techno).norm() < apart
    assert (mel("folk:0.9,techno:0.1") - folk).norm() < (half - folk).norm()


def test_less_variety_brings_clips_nearer_to_each_other(tiny: Any) -> None:
    made = Generator.load(tiny.generator())

    def spread(variety: float) -> float:
        clips = torch.stack([item.mel.mean(1) for item in made.mels(6, seconds=0.5, label="folk", variety=variety)])
        return float(clips.std(0).mean())

    assert spread(0.0) < 0.7 * spread(0.5) < 0.7 * spread(1.0)
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ParameterError, match="variety must lie between 0 and 1"):
            next(made.mels(1, variety=wrong))
