from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from audio_gen.errors import DatasetError
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.evaluate_generator import evaluate_generator, pink_noise
from audio_gen.pipelines.generate import Generator

RATE = 22050


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """Twelve seconds of each style, in class folders."""
    random = np.random.default_rng(0)
    for n, label in enumerate(("folk", "techno")):
        for part in range(2):
            path = tmp_path / "real" / label / f"{part}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            t = np.arange(6 * RATE) / RATE
            tone = 0.3 * np.sin(2 * np.pi * (300 + 2000 * n + 50 * part) * t)
            soundfile.write(path, tone + 0.05 * random.standard_normal(len(t)), RATE)
    return tmp_path / "real"


@pytest.fixture
def cast(tiny: Any) -> tuple[Generator, Classifier, Classifier]:
    """A generator, a judge of its labels and a listener."""
    judge = tiny.classifier("judge", ("techno", "folk"))
    return Generator.load(tiny.generator()), Classifier.load(judge), Classifier.load(tiny.classifier())


def test_figures(cast: tuple[Generator, Classifier, Classifier], real: Path) -> None:
    found = evaluate_generator(*cast, "folder", real, "test", count=8)
    assert list(found) == ["details"]
    details = found["details"]
    assert (details["clips"], details["real_clips"]) == (8, 20)  # five whole windows of 1.008 s in each file of 6 s
    assert (details["model"], details["judge"], details["listener"]) == ("music", "judge", "genre")
    for key in ("class_agreement", "class_agreement_real", "kad", "kad_real_halves", "kad_pink_noise"):
        assert details[key].keys() == {"value", "low", "high"}
    assert sum(sum(row) for row in details["confusion"]) == 8
    assert 1 <= details["inception_score"] <= 2
    assert 0 <= details["coverage"] <= 1
    assert details["kad_real_halves"]["value"] < details["kad_pink_noise"]["value"]
    assert evaluate_generator(*cast, "folder", real, "test", count=8) == found


def test_labels_have_to_agree(cast: tuple[Generator, Classifier, Classifier], real: Path) -> None:
    generator, judge, listener = cast
    with pytest.raises(DatasetError, match="judge 'genre' knows"):
        evaluate_generator(generator, listener, listener, "folder", real, "test", count=8)
    for path in real.rglob("*.wav"):
        soundfile.write(path, np.zeros(100), RATE)
    with pytest.raises(DatasetError, match="has no track of folk, techno as long as"):
        evaluate_generator(generator, judge, listener, "folder", real, "test", count=8)


def test_a_torn_real_track_is_left_out(cast: tuple[Generator, Classifier, Classifier], real: Path) -> None:
    (real / "folk" / "0.wav").write_bytes(b"torn")
    assert evaluate_generator(*cast, "folder", real, "test", count=8)["details"]["real_clips"] == 15


def test_pink_noise_falls_by_three_decibels_an_octave() -> None:
    noise = pink_noise(1 << 16, 0)[0]
    assert noise.square().mean().sqrt().item() == pytest.approx(0.1, rel=1e-4)
    power = torch.fft.rfft(noise).abs().square()
    octaves = [10 * power[1 << k : 2 << k].mean().log10().item() for k in range(8, 15)]
    assert np.diff(octaves) == pytest.approx(-3.01, abs=0.8)
    assert torch.equal(pink_noise(100, 3), pink_noise(100, 3))
    assert not torch.equal(pink_noise(100, 3), pink_noise(100, 4))


def test_every_clip_is_heard_whole(cast: tuple[Generator, Classifier, Classifier]) -> None:
    generator, judge, _ = cast
    seconds = judge.window / judge.checkpoint.spec.sample_rate
    (clip,) = generator.sample(1, seconds=seconds)
    assert clip.samples.shape[1] == judge.window
