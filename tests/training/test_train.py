from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.generate import Generator
from audio_gen.training.train import Plan, kind_of, train

Small = Callable[[str], list[str]]


def plan(tmp_path: Path, recipe: str, small: list[str], **changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "name": "mine",
        "runs": tmp_path / "runs",
        "output": tmp_path / "out",
        "assignments": [*small, "steps=6"],
        "device": "cpu",
        "validate_every": 3,
        "quiet": True,
    }
    return Plan(recipe, **{**fields, **changes})


def test_kinds() -> None:
    assert [kind_of(name) for name in ("classifier", "emotion", "gan")] == ["image", "tonal_image", "log_mel"]
    with pytest.raises(ParameterError, match=r"there are: classifier.*emotion.*gan"):
        kind_of("transformer")


@pytest.mark.parametrize("recipe", ["classifier", "emotion"])
def test_a_classifier_that_classifies(
    tmp_path: Path, pictures: Arrays, emotions: Arrays, tiny_settings: Small, recipe: str
) -> None:
    arrays = {"classifier": pictures, "emotion": emotions}[recipe]
    path = train(plan(tmp_path, recipe, tiny_settings(recipe), facts={"data": "made up"}), arrays)
    assert path == tmp_path / "out" / "mine.safetensors"
    model = Classifier.load(path)
    assert model.labels == arrays.labels
    made = model.checkpoint
    assert (made.name, made.licence) == ("mine", arrays.licence)
    assert made.training["recipe"] == recipe
    assert made.training["data"] == "made up"
    assert made.training["settings"]["steps"] == made.training["steps"] == 6
    assert made.training["best_step"] in (3, 6)
    assert made.training["valid"]["score"] == pytest.approx(made.training["valid"]["score"])
    assert model.window == round(16 * 30 / 387 * 22050)


def test_a_generator_that_generates(tmp_path: Path, mels: Arrays, tiny_settings: Small) -> None:
    path = train(plan(tmp_path, "gan", tiny_settings("gan")), mels)
    model = Generator.load(path)
    assert model.labels == ("high", "low")
    assert model.checkpoint.spec == mels.spec
    (clip,) = model.sample(1, seconds=0.5, label="low")
    assert clip.samples.shape == (1, 11025)


def test_nothing_is_published_before_the_end(
    tmp_path: Path, pictures: Arrays, tiny_settings: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    from audio_gen.training.recipes.classifier import Classifier as Recipe

    small, step = tiny_settings("classifier"), Recipe.step

    def interrupted(self: Recipe, number: int, progress: float) -> dict[str, float]:
        if number == 4:
            raise KeyboardInterrupt
        return step(self, number, progress)

    with monkeypatch.context() as patch:
        patch.setattr(Recipe, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(plan(tmp_path, "classifier", small), pictures)
    assert (tmp_path / "runs" / "mine" / "best.safetensors").exists()
    assert not list((tmp_path / "out").rglob("*")) if (tmp_path / "out").exists() else True
    resumed = train(plan(tmp_path, "classifier", small), pictures)
    whole = train(plan(tmp_path / "other", "classifier", small), pictures)
    assert resumed.read_bytes() == whole.read_bytes()


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path, pictures: Arrays, tiny_settings: Small) -> None:
    small = tiny_settings("classifier")
    one, two = (train(plan(tmp_path / name, "classifier", small), pictures) for name in "ab")
    assert one.read_bytes() == two.read_bytes()
    other = train(plan(tmp_path / "c", "classifier", small, seed=1), pictures)
    assert other.read_bytes() != one.read_bytes()


def test_a_checkpoint_of_that_name_is_not_replaced(tmp_path: Path, pictures: Arrays, tiny_settings: Small) -> None:
    small = tiny_settings("classifier")
    path = train(plan(tmp_path, "classifier", small), pictures)
    before = path.read_bytes()
    with pytest.raises(ParameterError, match="is there already; give --overwrite or another --name"):
        train(plan(tmp_path, "classifier", small), pictures)
    assert path.read_bytes() == before
    path.write_bytes(b"old")
    train(plan(tmp_path, "classifier", small, overwrite=True), pictures)
    assert path.read_bytes() == before


def test_a_run_with_other_settings_is_not_gone_on_with(tmp_path: Path, pictures: Arrays, tiny_settings: Small) -> None:
    small = tiny_settings("classifier")
    train(plan(tmp_path, "classifier", small), pictures).unlink()
    for other in ("rate=0.02", "widths=8,8,8,16"):
        with pytest.raises(DatasetError, match="--overwrite"):
            train(plan(tmp_path, "classifier", [*small, other]), pictures)


def test_a_run_on_other_data_is_not_gone_on_with(tmp_path: Path, pictures: Arrays, tiny_settings: Small) -> None:
    small = tiny_settings("classifier")
    train(plan(tmp_path, "classifier", small), pictures).unlink()
    changed = replace(pictures, mel=255 - pictures.mel)
    with pytest.raises(DatasetError, match="holds another run, of data"):
        train(plan(tmp_path, "classifier", small), changed)


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "/tmp/x", "a/", "two\nlines"])
def test_refuses_names_that_are_paths(tmp_path: Path, pictures: Arrays, tiny_settings: Small, name: str) -> None:
    with pytest.raises(ParameterError, match="plain name"):
        train(plan(tmp_path, "classifier", tiny_settings("classifier"), name=name), pictures)
    assert not list(tmp_path.rglob("*"))


def test_starts_from_a_checkpoint(tmp_path: Path, pictures: Arrays, tiny_settings: Small) -> None:
    small = tiny_settings("classifier")
    first = checkpoint.load(train(plan(tmp_path, "classifier", small, name="first"), pictures))
    plain = train(plan(tmp_path, "classifier", small, name="plain", seed=3), pictures)
    tuned = train(plan(tmp_path, "classifier", small, name="tuned", seed=3, init=first), pictures)
    assert not checkpoint.load(tuned).state["stem.0.weight"].equal(checkpoint.load(plain).state["stem.0.weight"])
