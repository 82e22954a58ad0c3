import sqlite3
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.registry import names, pick
from audio_gen.training.fit import NoScoreError
from audio_gen.training.recipes.classifier import Classifier as Recipe
from audio_gen.training.search import search
from audio_gen.training.settings import override
from audio_gen.training.train import RECIPES, Plan, train

Small = Callable[[str], list[str]]


@pytest.fixture
def plan(tmp_path: Path, tiny_settings: Small, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plan]:
    """Plans of tiny searches in which the highest rate scores best."""
    pytest.importorskip("optuna", reason="comes with the extra `search`")
    monkeypatch.setattr(Recipe, "validate", lambda self: {"score": self.settings.rate})
    monkeypatch.setattr("audio_gen.training.train.CLASSES", "none")  # reports are tested where they are made
    small = [text for text in tiny_settings("classifier") if not text.startswith("rate")]

    def made(folder: str = "one", **changes: Any) -> Plan:
        usual: dict[str, Any] = {
            "name": "mine",
            "runs": tmp_path / folder / "runs",
            "output": tmp_path / folder / "out",
            "assignments": [*small, "steps=2"],
            "device": "cpu",
            "validate_every": 1,
            "quiet": True,
        }
        return Plan("classifier", **{**usual, **changes})

    return made


def stop_at(monkeypatch: pytest.MonkeyPatch, calls: int, error: BaseException) -> None:
    """The `calls`-th step from now on ends with `error`."""
    seen, step = [0], Recipe.step

    def stopping(self: Recipe, number: int, progress: float) -> dict[str, float]:
        seen[0] += 1
        if seen[0] == calls:
            raise error
        return step(self, number, progress)

    monkeypatch.setattr(Recipe, "step", stopping)


def table(plan: Plan) -> list[tuple[str, float | None]]:
    """State and score of all trials, read without Optuna."""
    store = sqlite3.connect(plan.runs / "mine" / "search.sqlite")
    rows = store.execute("select state, value from trials left join trial_values using (trial_id) order by number")
    found = rows.fetchall()
    store.close()
    return found


@pytest.mark.parametrize("name", [name for name in names(RECIPES) if hasattr(pick(RECIPES, name), "SEARCH")])
def test_every_declared_space_fits_its_settings(name: str) -> None:
    module = pick(RECIPES, name)
    settings = module.Settings()
    assert module.SEARCH.keys() <= {field.name for field in fields(settings)}
    for key, (kind, *values) in module.SEARCH.items():
        assert kind in ("log", "linear", "choice")
        if kind != "choice":
            low, high = values
            assert low < high
            assert low <= getattr(settings, key) <= high, f"the default of {key} lies outside of what is searched"
        for value in values:
            assert getattr(override(settings, [f"{key}={value}"]), key) == value


def test_the_best_trial_is_published_and_more_trials_go_on(plan: Callable[..., Plan], pictures: Arrays) -> None:
    one = plan()
    path = search(one, pictures, 2)
    first = checkpoint.load(path).training["search"]
    assert path == one.output / "mine.safetensors"
    assert (first["trials"], first["chosen_by"]) == (2, "score on valid")
    assert search(one, pictures, 3) == path  # its own checkpoint may be replaced
    made = checkpoint.load(path)
    told = made.training["search"]
    scores = [value for _, value in table(one)]
    assert [state for state, _ in table(one)] == ["COMPLETE"] * 3
    assert len(set(scores)) == 3, "nothing was chosen"
    assert told["score"] == max(value for value in scores if value is not None) == made.training["settings"]["rate"]
    assert (told["trials"], told["trial"]) == (3, scores.index(told["score"]) + 1)
    assert told["settings"].keys() == {"rate", "decay", "dropout", "strength", "mixup", "smoothing"}
    assert all(made.training["settings"][key] == value for key, value in told["settings"].items())
    assert made.training["settings"]["batch"] == 8
    assert f"trial {told['trial']} of 3, chosen by its score on valid" in path.with_suffix(".md").read_text()
    kept = {file.parent.name for file in (one.runs / "mine").rglob("*") if file.name in ("state.pt", path.name)}
    assert kept == {f"trial-{told['trial']}"}


def test_killed_in_a_trial_it_is_done_again(
    plan: Callable[..., Plan], pictures: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = plan()
    for killed in (4, 1):  # in the last step of the second trial, and in the first step after that
        with monkeypatch.context() as patch:
            stop_at(patch, killed, KeyboardInterrupt())
            with pytest.raises(KeyboardInterrupt):
                search(one, pictures, 2)
        assert not one.output.exists()
    path = search(one, pictures, 2)
    assert [state for state, _ in table(one)] == ["COMPLETE", "FAIL", "FAIL", "COMPLETE"]
    assert checkpoint.load(path).training["search"]["trials"] == 2
    assert path.read_bytes() == search(plan("whole"), pictures, 2).read_bytes()
    with monkeypatch.context() as patch:
        stop_at(patch, 1, AssertionError("all is done"))
        assert search(one, pictures, 2) == path


def test_a_trial_that_diverges_is_one_without_a_score(
    plan: Callable[..., Plan], pictures: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = plan(assignments=[*plan().assignments, "decay=0.01"])
    with monkeypatch.context() as patch:
        stop_at(patch, 2, NoScoreError("lost"))
        with pytest.raises(NoScoreError, match="none of 1 trials gave a score; the last: lost"):
            search(one, pictures, 1)
    assert not one.output.exists()
    told = checkpoint.load(search(one, pictures, 2)).training["search"]
    assert [state for state, _ in table(one)] == ["FAIL", "COMPLETE"]
    assert (told["trial"], told["trials"]) == (2, 2)
    assert "decay" not in told["settings"]  # it was set


def test_another_search_is_not_gone_on_with(plan: Callable[..., Plan], pictures: Arrays) -> None:
    path = search(plan(), pictures, 1)
    with pytest.raises(DatasetError, match="holds another search, of seed 0, not 1; give --overwrite"):
        search(plan(seed=1), pictures, 1)
    path.write_bytes(b"not made by this search")
    with pytest.raises(Exception, match=r"not a whole audio_gen checkpoint|is there already"):
        search(plan(), pictures, 1)
    search(plan(overwrite=True, seed=1), pictures, 1)
    assert checkpoint.load(path).training["seed"] == 1


def test_a_checkpoint_that_a_plain_training_made_stays(plan: Callable[..., Plan], pictures: Arrays) -> None:
    before = train(plan(), pictures).read_bytes()
    with pytest.raises(ParameterError, match="is there already; give --overwrite or another --name"):
        search(plan(), pictures, 1)
    assert (plan().output / "mine.safetensors").read_bytes() == before
    assert not (plan().runs / "mine" / "search.sqlite").exists()


def test_a_broken_store_is_told(plan: Callable[..., Plan], pictures: Arrays) -> None:
    store = plan().runs / "mine" / "search.sqlite"
    store.parent.mkdir(parents=True)
    store.write_bytes(b"no database, " * 1000)
    with pytest.raises(DatasetError, match=r"can't be gone on with.*--overwrite") as caught:
        search(plan(), pictures, 1)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": "gan"}, "nothing to search in 'gan'"),
        ({"assignments": [f"{key}=1" for key in pick(RECIPES, "classifier").SEARCH]}, "--set fixes them all"),
        ({"devices": 2}, "one device"),
        ({"name": "../mine"}, "plain name"),
    ],
)
def test_refuses(plan: Callable[..., Plan], pictures: Arrays, changes: dict[str, Any], message: str) -> None:
    usual = plan(assignments=[])
    with pytest.raises(ParameterError, match=message):
        search(Plan(**{**vars(usual), **changes}), pictures, 1)
    assert not usual.runs.exists()


def test_without_optuna_it_says_what_to_install(
    plan: Callable[..., Plan], pictures: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ParameterError, match=r'pip install "audio-gen\[search\]"'):
        search(plan(), pictures, 1)


def test_chosen_values_are_of_every_kind(plan: Callable[..., Plan], pictures: Arrays, monkeypatch: Any) -> None:
    space = {"warmup": ("linear", 1, 3), "batch": ("choice", 4, 6), "rate": ("log", 1e-3, 2e-3)}
    monkeypatch.setattr(pick(RECIPES, "classifier"), "SEARCH", space)
    bare = [text for text in plan().assignments if text.split("=")[0] not in space]
    made = checkpoint.load(search(plan(assignments=bare), pictures, 1)).training
    assert made["settings"]["warmup"] in (1, 2, 3)
    assert made["settings"]["batch"] in (4, 6)
    assert 1e-3 <= made["settings"]["rate"] <= 2e-3
    assert made["search"]["settings"] == {key: made["settings"][key] for key in space}
