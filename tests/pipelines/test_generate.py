import re
from typing import Any

import pytest
import torch

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.griffin_lim import GriffinLim
from audio_gen.pipelines.generate import Generator, clip_generator
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
    every = list(made.mels(4, seconds=0.3, seed=3, batch_size=4))
    for skip in ([0], [1, 3], [0, 1, 2]):
        for item in made.mels(4, seconds=0.3, seed=3, batch_size=2, skip=skip):
            assert item.index not in skip
            assert torch.equal(item.mel, every[item.index].mel)
            assert item.label == every[item.index].label
    assert not torch.equal(every[0].mel, every[2].mel)
    assert [item.label for item in every] == ["folk", "techno", "folk", "techno"]


@pytest.mark.parametrize("seconds", [1e-5, 0.005, 0.1, 0.5, 1.2345])
def test_clips_are_as_long_as_asked(tiny: Any, seconds: float) -> None:
    (clip,) = Generator.load(tiny.generator()).sample(1, seconds=seconds, label="folk")
    assert clip.samples.shape == (1, max(1, round(seconds * 22050)))
    assert torch.isfinite(clip.samples).all()


def test_labels_make_a_difference(tiny: Any) -> None:
    made = Generator.load(tiny.generator())
    folk, techno = (next(made.mels(1, seconds=0.3, label=label)).mel for label in made.labels)
    assert folk.shape == techno.shape
    assert not torch.allclose(folk, techno, atol=1e-2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "polka"}, "folk, techno"),
        ({"count": 0}, "count must be at least 1"),
        ({"seconds": 0}, "seconds above 0"),
        ({"seconds": float("nan")}, "seconds above 0"),
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
