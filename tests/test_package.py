from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import audio_gen as ag


@pytest.mark.parametrize("name", ag.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(ag, name).__doc__
    assert name in dir(ag)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Orchestra'"):
        _ = ag.Orchestra


def test_errors_have_one_base() -> None:
    for error in (ag.ParameterError, ag.DecodeError, ag.DatasetError, ag.CheckpointError):
        assert issubclass(error, ag.AudioGenError)
    assert issubclass(ag.ParameterError, ValueError)


def test_the_five_lines_of_the_readme(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.classifier()
    tiny.generator()
    soundfile.write("song.wav", np.random.default_rng(0).uniform(-0.1, 0.1, (30000, 2)), 44100)
    clip = ag.load("song.wav")
    spec = ag.MelSpec()
    mel = ag.LogMel(spec)(clip.to(spec.sample_rate, channels=1).samples)
    assert mel.shape == (1, 128, spec.frames(15000))
    for result in ag.Classifier.load("genre").predict(["song.wav"]):
        assert len(result.top(3)) == 3
        assert result.timeline
    clips = ag.Generator.load("music").sample(2, seconds=0.5, label="folk", seed=7)
    ag.save("out.wav", clips[1])
    assert ag.load("out.wav").duration == 0.5
    ag.save("again.wav", ag.Vocoder.load("griffin-lim")(mel))
    assert ag.load("again.wav").sample_rate == spec.sample_rate
