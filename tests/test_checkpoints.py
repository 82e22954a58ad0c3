"""Every checkpoint that is published with the code."""

import re
from pathlib import Path

import pytest
import torch

import audio_gen
from audio_gen.features.log_mel import LogMel
from audio_gen.models import checkpoint, copy_index
from audio_gen.models.discriminators import critic
from audio_gen.pipelines import note_copies
from audio_gen.pipelines.autoencoder import Autoencoder
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.composer import FAMILIES, Composer
from audio_gen.pipelines.generate import Generator, Wish
from audio_gen.pipelines.humaniser import Humaniser
from audio_gen.pipelines.vocoder import Vocoder

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
        made = next(generator.mels(1, seconds=None if generator.net.length else 0.5))
        assert made.mel.shape[0] == model.spec.n_mels
        assert torch.isfinite(made.mel).all()
        assert made.mel.std() > 0.1
        assert critic(model) is not None
        assert model.training["credits"]
        index = copy_index.load(copy_index.find(model.name))
        assert index.spec == model.spec
        assert index.one_shot == bool(generator.net.length)
        assert not copy_index.score(index, made.mel.numpy()).ratio < 0.05
    elif model.family == "autoencoder":
        autoencoder = Autoencoder(model)
        mel = autoencoder.make(Wish(model.labels[0], seconds=0.5)).mel
        again = autoencoder.decode(autoencoder.encode(mel))[:, : mel.shape[1]]
        assert (again - mel).abs().mean() < 0.5 * (mel - mel.mean(1, keepdim=True)).abs().mean() + 0.2
    elif model.family == "vocoder":
        mel = LogMel(model.spec)(0.1 * torch.randn(1, 22050))[0]
        sound = Vocoder.of(model)(mel).samples
        assert (LogMel(model.spec)(sound)[0] - mel).abs().mean() < 0.3
    elif model.family == "humaniser":
        beat = Composer.load("drums-rnn").compose(bars=2)
        touched = Humaniser(model).humanise(beat, strength=1.0)
        assert touched.notes == beat.notes
        assert touched != beat
    else:
        assert model.family in FAMILIES
        score = Composer.load(path).compose(bars=4, seed=3)
        assert len(score.bars()) == 4
        assert 4 < score.notes < 400
        assert note_copies.find(model.name, model.training["data"]) is not None
        assert score == Composer.load(path).compose(bars=4, seed=3)


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
