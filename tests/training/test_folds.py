import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError, ParameterError
from audio_gen.metrics.regression import pearson_r
from audio_gen.training.folds import cross_validate
from audio_gen.training.recipes.emotion import Emotion
from audio_gen.training.train import Plan

Small = Callable[[str], list[str]]


@pytest.fixture
def plan(tmp_path: Path, tiny_settings: Small) -> Callable[..., Plan]:
    def made(recipe: str = "emotion", folder: str = "one", steps: int = 4, **changes: Any) -> Plan:
        usual: dict[str, Any] = {
            "name": "mine",
            "runs": tmp_path / folder / "runs",
            "output": tmp_path / folder / "out",
            "assignments": [*tiny_settings(recipe), f"steps={steps}"],
            "device": "cpu",
            "quiet": True,
            "facts": {"data": "made up"},
        }
        return Plan(recipe, **{**usual, **changes})

    return made


@pytest.fixture
def folded(emotions: Arrays) -> Arrays:
    """The rated tracks lie in two folds, each piece rendered twice."""
    tracks, rated = list(emotions.tracks), 0
    for number, track in enumerate(tracks):
        if track.dataset == "rated":
            name = f"{rated // 2}.mid"
            tracks[number] = track._replace(id=f"{name}#{'xy'[rated % 2]}", group=name, fold=str(rated // 2 % 2))
            rated += 1
    return replace(emotions, tracks=tuple(tracks))


def stop_at(monkeypatch: pytest.MonkeyPatch, calls: int, error: BaseException) -> None:
    seen, step = [0], Emotion.step

    def stopping(self: Emotion, number: int, progress: float) -> dict[str, float]:
        seen[0] += 1
        if seen[0] == calls:
            raise error
        return step(self, number, progress)

    monkeypatch.setattr(Emotion, "step", stopping)


def test_each_piece_is_measured_once_by_a_model_that_never_heard_it(
    plan: Callable[..., Plan], folded: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[set[str]] = []
    start = Emotion.__init__

    def noting(self: Emotion, arrays: Arrays, *rest: Any) -> None:
        start(self, arrays, *rest)
        heard.append({arrays.tracks[n].group for pool in self.pools for stratum in pool for n in stratum})

    monkeypatch.setattr(Emotion, "__init__", noting)
    path = cross_validate(plan(), folded, "0-1")
    assert path == plan().runs / "mine" / "folds.json"
    assert not plan().output.exists()
    report = json.loads(path.read_text())
    told = report["details"]["predictions"]
    assert [one["id"] for one in told] == [f"{n}.mid#x" for n in (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)]
    assert [one["fold"] for one in told] == ["0"] * 5 + ["1"] * 5
    for fold, groups in zip("01", heard[-2:], strict=True):
        assert not {one["id"].split("#")[0] for one in told if one["fold"] == fold} & groups
        assert len([group for group in groups if group.endswith(".mid")]) == 5
        assert len([group for group in groups if group.startswith("group ")]) == 12  # train of the other dataset
    truth = {track.id: track.targets for track in folded.tracks}
    for axis in ("arousal", "valence"):
        figure = report[f"{axis}_r"]
        expected = pearson_r([truth[one["id"]][axis] for one in told], [one[axis] for one in told])
        assert figure["value"] == pytest.approx(expected)
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert np.isfinite(report["details"]["folds"]["1"][f"{axis}_r"]["value"])
    details = report["details"]
    assert (details["recipe"], details["data"], details["tracks"], details["steps"]) == ("emotion", "made up", 10, 4)
    assert {name: fold["tracks"] for name, fold in details["folds"].items()} == {"0": 5, "1": 5}
    assert details["datasets"]["rated"]["arousal_r"] == report["arousal_r"]


def test_killed_and_started_again_it_equals_one_that_was_not(
    plan: Callable[..., Plan], folded: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, 6, KeyboardInterrupt())  # in the second fold
        with pytest.raises(KeyboardInterrupt):
            cross_validate(plan(), folded, "2")
    assert not (plan().runs / "mine" / "folds.json").exists()
    with monkeypatch.context() as patch:
        stop_at(patch, 5, AssertionError("the first fold is done"))
        path = cross_validate(plan(), folded, "2")
    assert path.read_bytes() == cross_validate(plan(folder="two"), folded, "2").read_bytes()
    with monkeypatch.context() as patch:
        stop_at(patch, 1, AssertionError("all is done"))
        assert cross_validate(plan(), folded, "2") == path
    with pytest.raises(DatasetError, match="holds another run, of seed"):
        cross_validate(plan(seed=1), folded, "2")
    cross_validate(plan(seed=1, overwrite=True, steps=1), folded, "2")


def test_a_classifier_over_folds_made_of_groups(plan: Callable[..., Plan], pictures: Arrays) -> None:
    plain = ["strength=0.3", "dropout=0", "smoothing=0.01", "outliers=0", "mixup=0", "steps=60"]
    one = plan("classifier")
    path = cross_validate(replace(one, assignments=[*one.assignments, *plain]), pictures, "2")
    report = json.loads(path.read_text())
    assert report.keys() == {"accuracy", "macro_f1", "details"}
    told = {one["id"]: one["label"] for one in report["details"]["predictions"]}
    assert told.keys() == {track.id for track in pictures.tracks}
    assert all(16 <= fold["tracks"] <= 20 for fold in report["details"]["folds"].values())
    right = [told[track.id] == track.label for track in pictures.tracks]
    assert report["accuracy"]["value"] == pytest.approx(np.mean(right))
    assert report["accuracy"]["value"] > 0.5  # 0.25 is chance
    assert sorted(file.name for file in path.parent.iterdir()) == ["fold-0", "fold-1", "folds.json"]


def test_quadrants_are_measured_where_they_are_told(plan: Callable[..., Plan], emotions: Arrays) -> None:
    report = json.loads(cross_validate(plan(), emotions, "2").read_text())
    quadrants = {"quadrant_accuracy", "arousal_accuracy", "valence_accuracy", "macro_f1"}
    assert report.keys() == {*quadrants, "arousal_r", "valence_r", "details"}
    assert report["details"]["datasets"]["quadrants"].keys() == {"tracks", *quadrants}
    assert report["details"]["datasets"]["rated"].keys() == {"tracks", "arousal_r", "valence_r"}


@pytest.mark.parametrize(
    ("recipe", "changes", "message"),
    [
        ("distil", {}, "isn't measured by labels, as --folds needs; give classifier or emotion"),
        ("gan", {}, "isn't measured by labels"),
        ("emotion", {"name": "a/b"}, "plain name"),
        ("emotion", {"devices": 2}, "one device"),
        ("emotion", {"ensemble": ["anything"]}, "takes no --ensemble"),
    ],
)
def test_refuses(plan: Callable[..., Plan], folded: Arrays, recipe: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        cross_validate(plan(recipe, **changes), folded, "2")
    assert not plan().runs.exists()


def test_a_group_in_two_folds_is_told_before_any_training(plan: Callable[..., Plan], folded: Arrays) -> None:
    tracks = [track._replace(group="same") if track.fold else track for track in folded.tracks]
    with pytest.raises(DatasetError, match="group 'same' is in two splits"):
        cross_validate(plan(), replace(folded, tracks=tuple(tracks)), "0-1")
    assert not plan().runs.exists()


def test_a_class_that_one_group_holds_is_told_before_any_training(plan: Callable[..., Plan], pictures: Arrays) -> None:
    tracks = [track._replace(group="same") if track.label == "drums" else track for track in pictures.tracks]
    with pytest.raises(DatasetError, match="without a training track: drums"):
        cross_validate(plan("classifier"), replace(pictures, tracks=tuple(tracks)), "3")
    assert not plan("classifier").runs.exists()
