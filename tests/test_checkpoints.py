"""Every checkpoint that is published with the code."""

import re
from pathlib import Path

import pytest
import torch

import audio_gen
from audio_gen.models import checkpoint
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.generate import Generator

PUBLISHED = sorted((Path(audio_gen.__file__).parent.parent / "checkpoints").glob("*.safetensors"))


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_loads_and_runs(path: Path) -> None:
    model = checkpoint.load(path)
    assert model.name == path.stem
    if model.family == "classifier":
        classifier = Classifier(model)
        prediction = classifier.hear(0.1 * torch.randn(1, classifier.window))
        assert prediction.logits.shape == (1, len(model.labels))
        assert torch.isfinite(prediction.logits).all()
    elif model.family == "generator":
        generator = Generator(model)
        made = next(generator.mels(1, seconds=0.5))
        assert made.mel.shape[0] == model.spec.n_mels
        assert torch.isfinite(made.mel).all()
        assert made.mel.std() > 0.1


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_tells_its_licence_and_how_it_was_made(path: Path) -> None:
    model = checkpoint.load(path)
    assert model.licence
    assert model.training["command"].startswith("audio-gen train ")
    assert not re.search(r"[ =]/", model.training["command"])  # nobody's folders
    assert model.training["data"]
    card = path.with_suffix(".md")
    assert card.is_file()
    assert model.licence.split(" (")[0] in card.read_text()
    assert path.stat().st_size < 20e6


def test_the_card_of_every_checkpoint_belongs_to_one() -> None:
    for card in PUBLISHED[0].parent.glob("*.md") if PUBLISHED else ():
        assert card.with_suffix(".safetensors") in PUBLISHED or card.stem == "README"
