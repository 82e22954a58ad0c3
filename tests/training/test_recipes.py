from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric

from audio_gen.datasets._arrays import KINDS, Arrays
from audio_gen.errors import CheckpointError, DatasetError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.autoencoder import AutoencoderNet
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.classifier import ClassifierNet
from audio_gen.models.discriminators import CRITIC, critic
from audio_gen.models.generator import GeneratorNet
from audio_gen.models.vocoder import VocoderNet
from audio_gen.registry import names, pick
from audio_gen.training.augment import strengthen
from audio_gen.training.ensemble import Ensemble
from audio_gen.training.negatives import negatives
from audio_gen.training.recipes.emotion import TERMS
from audio_gen.training.settings import override
from audio_gen.training.taught import Taught, squared_error
from audio_gen.training.train import RECIPES

Small = Callable[[str], list[str]]
SOUNDING = [name for name in names(RECIPES) if pick(RECIPES, name).KIND != "score"]  # notes: test_note_recipes


@pytest.fixture
def data(pictures: Arrays, emotions: Arrays, mels: Arrays, waves: Arrays) -> dict[str, Arrays]:
    taught = pictures.mel[:, None, ::32].mean(3).astype(np.float16) / 50  # a band of each class; one slot
    told = replace(pictures, teacher=taught)
    return {"classifier": pictures, "emotion": emotions, "gan": mels, "vae": mels, "distil": told, "vocoder": waves}


def started(name: str, arrays: Arrays, small: list[str], init: Checkpoint | None = None) -> Any:
    module = pick(RECIPES, name)
    torch.manual_seed(0)
    recipe = module.build(arrays, override(module.Settings(), small), init)
    recipe.setup(Fabric(accelerator="cpu", devices=1))
    return recipe


def run(recipe: Any, steps: int) -> list[dict[str, float]]:
    found = []
    for step in range(steps):
        torch.manual_seed(step)
        found.append(recipe.step(step, step / steps))
    return found


@pytest.mark.parametrize("name", SOUNDING)
def test_every_recipe_keeps_the_contract(name: str, data: dict[str, Arrays], tiny_settings: Small) -> None:
    module = pick(RECIPES, name)
    assert module.KIND in KINDS
    settings = module.Settings()
    assert {"steps", "batch", "widths"} <= {field.name for field in fields(settings)}
    assert all(type(getattr(settings, field.name)) in (bool, int, float, str, tuple) for field in fields(settings))
    recipe = started(name, data[name], tiny_settings(name))
    assert recipe.modules().keys() >= {"ema"}
    assert recipe.optimizers()
    (figures,) = run(recipe, 1)
    assert figures
    assert all(np.isfinite(value) for value in figures.values())
    found = recipe.validate()
    assert np.isfinite(found["score"])
    made = recipe.checkpoint("mine", {"data": "made up"})
    assert (made.name, made.licence) == ("mine", data[name].licence)
    assert made.labels == data[name].labels or name == "distil"
    assert made.training["data"] == "made up"
    assert made.training["settings"]["batch"] == recipe.settings.batch
    families = {"classifier": ClassifierNet, "autoencoder": AutoencoderNet, "vocoder": partial(VocoderNet, made.spec)}
    checkpoint.build({**families, "generator": GeneratorNet}[made.family], made.without(CRITIC))


@pytest.mark.parametrize(("name", "score"), [("classifier", 0.6), ("emotion", 0.6), ("distil", 0.1)])
def test_the_loss_goes_down_and_the_score_up(
    name: str, score: float, data: dict[str, Arrays], tiny_settings: Small
) -> None:
    own = {"classifier": ["smoothing=0.01", "outliers=0"], "emotion": ["smoothing=0.01"], "distil": []}
    plain = ["strength=0.3", "dropout=0", *own[name]]
    plain += ["mixup=0"] if name == "classifier" else []
    recipe = started(name, data[name], [*tiny_settings(name), *plain])
    before = recipe.validate()
    losses = [figures["loss"] for figures in run(recipe, 80)]
    after = recipe.validate()
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    assert after["score"] > before["score"] + 0.1
    assert after["score"] > score


def test_the_discriminator_learns_to_tell(mels: Arrays, tiny_settings: Small) -> None:
    recipe = started("gan", mels, tiny_settings("gan"))
    losses = []
    for step in range(25):
        torch.manual_seed(step)
        real, labels = recipe.crops.draw(8)
        classes = torch.nn.functional.one_hot(labels, 2).float()
        fake = recipe.generator(recipe._noise(8), classes[..., None], 32)
        losses.append(recipe._discriminate(recipe.ema.module.standardise(real), fake, classes, 0.1)["d_loss"])
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_a_step_of_the_gan_tells_how_it_goes(mels: Arrays, tiny_settings: Small) -> None:
    recipe = started("gan", mels, tiny_settings("gan"))
    for figures in run(recipe, 3):
        assert {"d_loss", "g_loss", "r1", "r2", "fake_std"} <= figures.keys()
        assert all(np.isfinite(value) for value in figures.values())
    found = recipe.validate()
    assert found["score"] == -found["kad"]
    assert recipe.validate() == found  # the noise is always the same


def test_the_gan_trains_each_network_in_its_own_half(mels: Arrays, tiny_settings: Small) -> None:
    recipe = started("gan", mels, tiny_settings("gan"))

    def weights(name: str) -> torch.Tensor:
        return torch.cat([value.flatten() for value in recipe.modules()[name].state_dict().values()]).clone()

    before = {name: weights(name) for name in recipe.modules()}
    real, labels = recipe.crops.draw(8)
    classes = torch.nn.functional.one_hot(labels, 2).float()
    real = recipe.ema.module.standardise(real)
    fake = recipe.generator(recipe._noise(8), classes[..., None], 32)
    recipe._discriminate(real, fake, classes, 1.0)
    assert torch.equal(weights("generator"), before["generator"])
    assert not torch.equal(weights("discriminator"), before["discriminator"])
    middle = weights("discriminator")
    recipe._generate(real, fake, classes)
    assert torch.equal(weights("discriminator"), middle)
    assert not torch.equal(weights("generator"), before["generator"])
    assert all(weight.requires_grad for weight in recipe.discriminator.parameters())


def test_a_generator_keeps_its_critic(mels: Arrays, tiny_settings: Small) -> None:
    recipe = started("gan", mels, tiny_settings("gan"))
    run(recipe, 2)
    made = recipe.checkpoint("mine", {})
    judge = critic(made)
    assert judge is not None
    real, labels = recipe.crops.draw(6)
    classes, real = torch.nn.functional.one_hot(labels, 2).float(), recipe.ema.module.standardise(real)
    with torch.no_grad():
        assert torch.allclose(judge(real, classes), recipe.discriminator(real, classes), atol=1e-5)
    assert critic(made.without(CRITIC)) is None
    again = started("gan", mels, tiny_settings("gan"), made)
    assert torch.equal(again.generator.first.weight, made.state["first.weight"])
    with pytest.raises(CheckpointError, match="weights don't fit"):
        critic(replace(made, config={**made.config, "widths": [8, 16]}))


@pytest.mark.parametrize("frames", [32, 33])
def test_the_gan_of_one_shots(frames: int, mels: Arrays, tiny_settings: Small) -> None:
    recipe = started("gan", mels, [*tiny_settings("gan"), f"frames={frames}", "one_shot=true"])
    assert torch.cat(recipe.crops.starts).shape == (8,)  # one for each track
    assert len(recipe.valid[0]) == 2
    for figures in run(recipe, 3):
        assert all(np.isfinite(value) for value in figures.values())
    assert np.isfinite(recipe.validate()["score"])
    made = recipe.checkpoint("mine", {})
    net = checkpoint.build(GeneratorNet, made.without(CRITIC))
    assert net.length == made.config["length"] == frames
    assert net.place is not None
    assert net.place.abs().sum() > 0  # it has learnt
    judge = critic(made)
    assert judge is not None
    assert judge.place is not None
    (whole,) = net.pieces(net.draw(frames), torch.eye(2)[:1, :, None], frames)
    assert whole.shape == (1, 16, frames)


def test_the_autoencoder_learns(mels: Arrays, tiny_settings: Small) -> None:
    recipe = started("vae", mels, [*tiny_settings("vae"), "augment=0"])
    before = recipe.validate()
    losses = [figures["loss"] for figures in run(recipe, 60)]
    after = recipe.validate()
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    assert after["difference"] < 0.8 * before["difference"]
    assert after["score"] > before["score"]
    net = checkpoint.build(AutoencoderNet, recipe.checkpoint("mine", {}))
    assert [int(part.abs().sum() > 0) for part in net.kept] == [1, 1]
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():  # what it draws of a class is loud where the class is
        drawn = [net.decode(net.draw(row, 60, random))[0] for row in torch.eye(2)]
    tilt = [float(mel[:8].mean() - mel[8:].mean()) for mel in map(net.decoder.restore, drawn)]
    assert tilt[mels.labels.index("low")] > tilt[mels.labels.index("high")] + 1


def test_the_autoencoder_hears_tracks_without_labels(mels: Arrays, tiny_settings: Small) -> None:
    tracks = tuple(track._replace(label="") for track in mels.tracks)
    recipe = started("vae", replace(mels, tracks=tracks, labels=()), tiny_settings("vae"))
    assert all(np.isfinite(value) for value in run(recipe, 1)[0].values())
    assert recipe.checkpoint("mine", {}).config["classes"] == 1


def test_gan_crops_are_balanced_and_stay_inside_their_track(mels: Arrays, tiny_settings: Small) -> None:
    recipe = started("gan", mels, tiny_settings("gan"))
    crops, labels = recipe.crops.draw(400)
    assert crops.shape == (400, 16, 32)
    assert 120 < int(labels.sum()) < 280
    low = crops[:, :8].mean((1, 2)) > crops[:, 8:].mean((1, 2))
    assert torch.equal(low, labels == mels.labels.index("low"))  # a crop over a border would mix the two
    mean, std = recipe.crops.statistics()
    assert torch.allclose(recipe.ema.module.mean, mean)
    assert abs(float(mean.mean()) + 4) < 0.2
    assert std.min() > 0.5


def test_gan_passes_over_silence(mels: Arrays, tiny_settings: Small) -> None:
    quiet = mels.mel.copy()
    quiet[:30] = -11.5  # the beginning of the first track
    recipe = started("gan", replace(mels, mel=quiet), tiny_settings("gan"))
    starts = torch.cat(recipe.crops.starts)
    assert len(starts) < len(torch.cat(started("gan", mels, tiny_settings("gan")).crops.starts))
    assert not ((starts > 0) & (starts < 5)).any()


def test_gan_fills_short_tracks_up_with_silence(mels: Arrays, tiny_settings: Small) -> None:
    recipe = started("gan", mels, [*tiny_settings("gan"), "frames=100", "batch=2"])
    crops, labels = recipe.crops.draw(300)
    filled = crops[:, :, -1].amax(1) < -11
    floor = torch.tensor(mels.spec.floor).log().half().float()
    assert 0 < int(filled.sum()) < 300
    for crop, label in zip(crops[filled], labels[filled], strict=True):
        silent = (crop == floor).all(0)
        number = 100 - int(silent.sum())  # frames of music
        assert number in (60, 70, 80, 90)
        assert mels.labels[int(label)] == ("low", "high")[(number - 60) // 10 % 2]
        assert torch.equal(silent, torch.arange(100) >= number)
    assert all(np.isfinite(value) for figures in run(recipe, 1) for value in figures.values())


def test_emotion_learns_both_kinds_of_label(emotions: Arrays, tiny_settings: Small) -> None:
    found = started("emotion", emotions, tiny_settings("emotion")).validate()
    assert {"quadrants_quadrant", "rated_valence_r", "rated_arousal_r"} <= found.keys()


def test_one_dataset_may_tell_quadrants_of_some_and_figures_of_others(emotions: Arrays, tiny_settings: Small) -> None:
    one = tuple(track._replace(dataset="both") for track in emotions.tracks)
    recipe = started("emotion", replace(emotions, tracks=one), tiny_settings("emotion"))
    assert all(np.isfinite(figures["loss"]) for figures in run(recipe, 3))
    assert {"both_quadrant", "both_valence_r", "both_arousal_r"} <= recipe.validate().keys()


@pytest.mark.parametrize(
    ("name", "lacking"),
    [("classifier", "train"), ("classifier", "valid"), ("emotion", "train"), ("emotion", "valid"), ("gan", "train")],
)
def test_a_missing_split_is_told(name: str, lacking: str, data: dict[str, Arrays], tiny_settings: Small) -> None:
    arrays = data[name]
    tracks = tuple(track._replace(split="test") if track.split == lacking else track for track in arrays.tracks)
    with pytest.raises(DatasetError, match=f"'{lacking}'.*there are: test"):
        started(name, replace(arrays, tracks=tracks), tiny_settings(name))


@pytest.mark.parametrize("name", sorted({*SOUNDING} - {"vocoder"}))
def test_tracks_without_labels_are_told(name: str, data: dict[str, Arrays], tiny_settings: Small) -> None:
    tracks = tuple(track._replace(label="", targets={}) for track in data[name].tracks)
    with pytest.raises(DatasetError):
        started(name, replace(data[name], tracks=tracks, teacher=None), tiny_settings(name))


def test_emotion_needs_something_to_validate_with(emotions: Arrays, tiny_settings: Small) -> None:
    tracks = tuple(
        track._replace(label="", targets={}) if track.split == "valid" else track for track in emotions.tracks
    )
    with pytest.raises(DatasetError, match="valid"):
        started("emotion", replace(emotions, tracks=tracks), tiny_settings("emotion"))


def test_a_class_without_tracks_is_named(pictures: Arrays, mels: Arrays, tiny_settings: Small) -> None:
    with pytest.raises(DatasetError, match="zither"):
        started("classifier", replace(pictures, labels=(*pictures.labels, "zither")), tiny_settings("classifier"))
    with pytest.raises(DatasetError, match="zither"):
        started("gan", replace(mels, labels=(*mels.labels, "zither")), tiny_settings("gan"))
    with pytest.raises(DatasetError, match="zither"):  # not at the end, when its sequences are to be learnt
        started("vae", replace(mels, labels=(*mels.labels, "zither")), tiny_settings("vae"))


def test_starts_from_a_checkpoint(pictures: Arrays, tiny_settings: Small) -> None:
    first = started("classifier", pictures, tiny_settings("classifier"))
    run(first, 3)
    saved = replace(first.checkpoint("first", {}), labels=("other", "labels", "than", "these"))
    torch.manual_seed(5)
    second = started("classifier", pictures, tiny_settings("classifier"), saved)
    trunk = {key for key in saved.state if not key.startswith(("classes.", "values."))}
    now = second.net.state_dict()
    assert all(torch.equal(now[key], saved.state[key]) for key in trunk)
    assert not torch.equal(now["classes.weight"], saved.state["classes.weight"])


def test_refuses_to_start_from_what_does_not_fit(
    pictures: Arrays, mels: Arrays, tiny: Any, tiny_settings: Small
) -> None:
    generator, classifier = checkpoint.load(tiny.generator()), checkpoint.load(tiny.classifier())
    with pytest.raises(CheckpointError, match="family 'generator', not 'classifier'"):
        started("classifier", pictures, tiny_settings("classifier"), generator)
    wider = started("classifier", pictures, [*tiny_settings("classifier"), "widths=8,8,8,16"], classifier)
    assert wider.checkpoint("mine", {}).config["widths"] == list(classifier.config["widths"])  # those it starts from
    broken = replace(classifier, config={**classifier.config, "widths": [8, 8, 8, 16]})
    with pytest.raises(CheckpointError, match="its widths are"):
        started("classifier", pictures, tiny_settings("classifier"), broken)
    for other in (generator, classifier):  # other bands, other family
        with pytest.raises(CheckpointError, match="weights don't fit"):
            started("gan", mels, tiny_settings("gan"), other)


def test_a_window_is_taught_what_the_slots_under_it_say(pictures: Arrays, tiny_settings: Small) -> None:
    rows = len(pictures.mel)
    slots = np.arange(4.0)[None, :, None] * np.ones((rows, 1, 2))
    slots[:, 3] = np.nan
    recipe = started("distil", replace(pictures, teacher=slots.astype(np.float16)), tiny_settings("distil"))
    places = torch.tensor([[0.0, 0.25], [0.125, 0.5], [0.0, 1.0], [0.75, 1.0]])
    told = recipe.music.targets(torch.tensor([0, 1, 2, 0]), places)
    raw = told * recipe.music.scale + recipe.music.center
    assert raw[:3, 0].tolist() == pytest.approx([0.0, 2 / 3, 1.0], abs=1e-5)
    assert told.isfinite().all(1).tolist() == [True, True, True, False]  # the last slot is unknown


def test_words_of_listeners_are_learnt_as_shares(emotions: Arrays, tiny_settings: Small) -> None:
    def worded(share: float) -> Arrays:
        shares = dict.fromkeys(TERMS, share)
        tracks = (t._replace(targets=t.targets | shares) if t.targets else t for t in emotions.tracks)
        return replace(emotions, tracks=tuple(tracks))

    told = []
    for share in (0.0, 1.0):
        recipe = started("emotion", worded(share), [*tiny_settings("emotion"), "strength=0.1", "dropout=0"])
        run(recipe, 60)
        made = recipe.checkpoint("mine", {})
        assert made.config["terms"] == list(TERMS)
        told.append(recipe.images.verdict(recipe.ema.module, recipe.valid[0], torch.device("cpu")).terms)
    assert (told[0] < 0.4).all()
    assert (told[1] > 0.6).all()
    assert "terms" not in started("emotion", emotions, tiny_settings("emotion")).checkpoint("mine", {}).config


def test_what_is_no_music_is_shown_with_no_class(pictures: Arrays, tiny_settings: Small) -> None:
    torch.manual_seed(0)
    noise = negatives(40, pictures.mel.shape[1], 16)
    sure = []
    for outliers in (0, 0.3):
        plain = ["strength=0.1", "dropout=0", "mixup=0", "smoothing=0", f"outliers={outliers}"]
        recipe = started("classifier", pictures, [*tiny_settings("classifier"), *plain])
        run(recipe, 80)
        with torch.no_grad():
            sure.append(float(torch.softmax(recipe.ema.module(noise).logits, -1).amax(1).mean()))
    assert sure[1] < sure[0] - 0.1


@pytest.mark.parametrize("name", ["classifier", "emotion"])
def test_lessons_are_learnt_beside(name: str, data: dict[str, Arrays], tiny_settings: Small) -> None:
    def error(recipe: Any) -> float:
        torch.manual_seed(9)
        pictures, truth = recipe.taught.draw(32, 0.0, 0.1)
        with torch.no_grad():
            rows = recipe.arrays.mel.shape[1] - pictures.shape[1]  # notes, which the lessons don't have
            told = recipe.pupil(recipe.ema.module.features(F.pad(pictures, (0, 0, 0, rows))).mean((-2, -1)))
        return float(squared_error(told, truth))

    settings = override(pick(RECIPES, name).Settings(), [*tiny_settings(name), "strength=0.1", "lessons=5"])
    torch.manual_seed(0)
    recipe = pick(RECIPES, name).build(data[name], settings, None, data["distil"])
    recipe.setup(Fabric(accelerator="cpu", devices=1))
    before = error(recipe)
    assert all(np.isfinite(figures["loss"]) for figures in run(recipe, 60))
    assert error(recipe) < 0.8 * before
    assert "pupil" in recipe.modules()  # a run that goes on has it back
    assert not any("pupil" in key for key in recipe.checkpoint("mine", {}).state)


@pytest.mark.parametrize("name", ["classifier", "emotion"])
def test_an_ensemble_teaches_what_it_says(name: str, data: dict[str, Arrays], tiny_settings: Small) -> None:
    elder = started(name, data[name], [*tiny_settings(name), "strength=0.1"])
    run(elder, 10)  # not sure of anything yet
    members = [elder.checkpoint("one", {}), elder.checkpoint("two", {})]
    torch.manual_seed(0)
    pictures = strengthen(elder.images.draw(list(elder.images.rows), 0.0), 0.1)
    truth = Ensemble(members, members[0].labels)(pictures).logits.softmax(-1)
    assert torch.allclose(truth, elder.ema.module(pictures).logits.softmax(-1), atol=1e-5)
    far = []
    for share in (0.0, 1.0):
        settings = override(pick(RECIPES, name).Settings(), [*tiny_settings(name), "strength=0.1", f"ensemble={share}"])
        torch.manual_seed(1)
        recipe = pick(RECIPES, name).build(data[name], settings, None, None, members)
        recipe.setup(Fabric(accelerator="cpu", devices=1))
        run(recipe, 40)
        with torch.no_grad():
            far.append(float((recipe.ema.module(pictures).logits.softmax(-1) - truth).abs().mean()))
    assert far[1] < far[0]


def test_who_cannot_teach_is_told(pictures: Arrays, emotions: Arrays, tiny: Any, tiny_settings: Small) -> None:
    with pytest.raises(ParameterError, match="can't teach"):
        Ensemble([checkpoint.load(tiny.classifier())], ("other", "labels"))
    with pytest.raises(DatasetError, match="no teacher in these arrays"):
        Taught(pictures, 16)


def test_heads_of_the_same_labels_go_on(pictures: Arrays, tiny_settings: Small) -> None:
    first = started("classifier", pictures, tiny_settings("classifier"))
    run(first, 3)
    made = first.checkpoint("mine", {})
    again = started("classifier", pictures, tiny_settings("classifier"), made).net
    assert torch.equal(again.classes.weight, made.state["classes.weight"])
    assert float(again.temperature) == 1
    other = started("classifier", pictures, tiny_settings("classifier"), replace(made, labels=("x", "y", "z"))).net
    assert torch.equal(other.stem[0].weight, made.state["stem.0.weight"])
    assert not torch.equal(other.classes.weight, made.state["classes.weight"])
