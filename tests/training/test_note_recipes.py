from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import CheckpointError, DatasetError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.composer import ComposerNet
from audio_gen.models.drum_rnn import DrumRnnNet
from audio_gen.models.drum_vae import DrumVaeNet
from audio_gen.models.humaniser import HumaniserNet
from audio_gen.models.melody import MelodyNet
from audio_gen.models.performer import PerformerNet
from audio_gen.registry import names, pick
from audio_gen.symbolic.encoders.melody import HOLD
from audio_gen.training.drum_crops import DrumCrops
from audio_gen.training.gaps import draw_gap
from audio_gen.training.recipes.composer import composer_pieces
from audio_gen.training.recipes.melody_rl import REWARDS, with_tokens
from audio_gen.training.rewards._tune import Tune
from audio_gen.training.rewards._usual import Usual
from audio_gen.training.settings import override
from audio_gen.training.train import RECIPES, Plan, train
from tests.training.test_recipes import run

Small = Callable[[str], list[str]]
NOTES = [name for name in names(RECIPES) if pick(RECIPES, name).KIND == "score"]
NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "composer": ComposerNet,
    "drum_rnn": DrumRnnNet,
    "drum_vae": DrumVaeNet,
    "humaniser": HumaniserNet,
    "melody": MelodyNet,
    "performer": PerformerNet,
}
BEGUN = {"drums_gan": "drums_rnn", "melody_rl": "melody"}  # what can't begin from nothing


@pytest.fixture
def start(
    grooves: Arrays, tunes: Arrays, pianists: Arrays, tiny_settings: Small, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    monkeypatch.setattr(pick(RECIPES, "drums_gan"), "VALID", 16)
    monkeypatch.setattr(pick(RECIPES, "melody_rl"), "SEEN", 100)

    def started(name: str, init: Checkpoint | None = None, arrays: Arrays | None = None) -> Any:
        module = pick(RECIPES, name)
        if init is None and name in BEGUN:
            init = started(BEGUN[name]).checkpoint("first", {})
        torch.manual_seed(0)
        usual = {"humanise": grooves, "performance": pianists}.get(name, grooves if "drums" in name else tunes)
        data = arrays or usual
        recipe = module.build(data, override(module.Settings(), tiny_settings(name)), init)
        recipe.setup(Fabric(accelerator="cpu", devices=1))
        return recipe

    return started


@pytest.mark.parametrize("name", NOTES)
def test_every_recipe_of_notes_keeps_the_contract(name: str, start: Callable[..., Any]) -> None:
    settings = pick(RECIPES, name).Settings()
    assert {"steps", "rate", "ema"} <= {field.name for field in fields(settings)}
    assert all(type(getattr(settings, field.name)) in (bool, int, float, str, tuple) for field in fields(settings))
    recipe = start(name)
    assert {"net", "ema"} <= recipe.modules().keys()
    assert all(np.isfinite(value) for figures in run(recipe, 3) for value in figures.values())
    assert np.isfinite(recipe.validate()["score"])
    made = recipe.checkpoint("mine", {"data": "made up"})
    assert (made.name, made.licence, made.labels) == ("mine", "CC0-1.0", recipe.arrays.labels)
    assert made.training["settings"]["steps"] == settings.steps
    checkpoint.build(NETWORKS[made.family], made)


@pytest.mark.parametrize("name", sorted({*NOTES} - {*BEGUN}))
def test_the_score_goes_up(name: str, start: Callable[..., Any]) -> None:
    recipe = start(name)
    before = recipe.validate()["score"]
    run(recipe, 30)
    assert recipe.validate()["score"] > before + 0.1


def sung(recipe: Any) -> Any:
    pieces = recipe.valid * 8
    return with_tokens(pieces, recipe.sung(recipe.net.module, pieces)[0])


def test_tunes_come_nearer_to_what_is_usual_and_the_policy_stays_near(start: Callable[..., Any]) -> None:
    taught = start("melody")
    run(taught, 40)
    recipe = start("melody_rl", taught.checkpoint("taught", {}))
    assert recipe.checkpoint("mine", {}).training["usual"].keys() == {*names(REWARDS)}
    recipe.rules = {"density": recipe.rules["density"]}
    (before,) = recipe.judged(sung(recipe)).values()
    dense = [value for value in before if value >= np.median(before)]  # from now on this is what is usual
    recipe.usual = {"density": Usual(dense)}
    shares = torch.from_numpy(recipe.usual["density"].shares.copy())
    recipe.shares = torch.nn.ParameterList([torch.nn.Parameter(shares, requires_grad=False)])
    figures = run(recipe, 30)
    (after,) = recipe.judged(sung(recipe)).values()
    assert recipe.usual["density"].away(after) < recipe.usual["density"].away(before)
    assert abs(np.mean(after) - np.mean(dense)) < abs(np.mean(before) - np.mean(dense))
    assert figures[0]["divergence"] == pytest.approx(0, abs=1e-4)
    assert figures[-1]["weight"] != figures[0]["weight"]


def test_the_critic_learns_to_tell_and_the_generator_moves(start: Callable[..., Any]) -> None:
    recipe = start("drums_gan")
    weights = [weight.clone() for weight in recipe.net.parameters()]
    (first,) = run(recipe, 1)
    assert "loss" not in first  # the critic learns alone at first
    assert all(torch.equal(*pair) for pair in zip(weights, recipe.net.parameters(), strict=True))
    apart = [figures["apart"] for figures in run(recipe, 12)]
    assert np.mean(apart[-4:]) > np.mean(apart[:4])
    assert not all(torch.equal(*pair) for pair in zip(weights, recipe.net.parameters(), strict=True))


@pytest.mark.parametrize("name", sorted(BEGUN))
def test_what_goes_on_needs_something_to_go_on_from(name: str, tunes: Arrays, grooves: Arrays) -> None:
    module = pick(RECIPES, name)
    with pytest.raises(ParameterError, match="--init"):
        module.build(grooves if "drums" in name else tunes, module.Settings(), None)


def test_another_family_is_refused(start: Callable[..., Any]) -> None:
    other = start("humanise").checkpoint("other", {})
    with pytest.raises(CheckpointError, match="family 'humaniser', not 'drum_rnn'"):
        start("drums_rnn", other)


@pytest.mark.parametrize(
    ("name", "message"), [("drums_rnn", "has drums"), ("melody", "melody"), ("composer", "melody")]
)
def test_data_without_what_is_needed(name: str, message: str, start: Callable[..., Any], request: Any) -> None:
    arrays = request.getfixturevalue("tunes" if name == "drums_rnn" else "grooves")
    with pytest.raises(DatasetError, match=message):
        start(name, None, arrays)


def test_a_killed_run_ends_as_an_undisturbed_one(tmp_path: Path, tunes: Arrays, tiny_settings: Small) -> None:
    first = Plan("melody", "tune", tmp_path / "runs", tmp_path / "made", [*tiny_settings("melody"), "steps=6"])
    plan = replace(first, device="cpu", quiet=True, validate_every=2)
    whole = train(plan, tunes).read_bytes()
    module = pick(RECIPES, "melody")
    calls = []

    def dies(self: Any, step: int, progress: float) -> dict[str, float]:
        calls.append(step)
        if step == 4:
            raise KeyboardInterrupt
        return real(self, step, progress)

    real, other = module.Melody.step, replace(plan, runs=tmp_path / "again", output=tmp_path / "other")
    module.Melody.step = dies
    try:
        with pytest.raises(KeyboardInterrupt):
            train(other, tunes)
    finally:
        module.Melody.step = real
    assert train(other, tunes).read_bytes() == whole


def test_drum_crops_begin_with_bars(grooves: Arrays) -> None:
    crops = DrumCrops(grooves, "train", any_style=0.5)
    cuts = crops.cuts(40, 32, on_bars=True)
    assert {int(piece.position[0]) for piece in cuts} == {0}
    styles = crops.hide_styles(crops.draw(200, 16)).conditions.style
    assert {0, 1, 2} == set(styles.tolist())
    assert 0.3 < (styles == 2).float().mean() < 0.7


def test_gaps_of_all_kinds(tunes: Arrays) -> None:
    pieces, _ = composer_pieces(tunes, "train")
    four = next(piece for piece in pieces if len(piece.voices.lines) == 4)
    torch.manual_seed(0)
    assert all(mask.all() for mask in draw_gap(four, 1.0, 0.0))
    for _ in range(20):
        voices = draw_gap(four, 0.0, 1.0)
        assert all(mask.all() or not mask.any() for mask in voices)
        assert 0 < sum(mask.any() for mask in voices) < 4
        bars = draw_gap(four, 0.0, 0.0)
        rows = np.concatenate([line[mask, 0] for line, mask in zip(four.voices.lines, bars, strict=True)])
        assert len(rows)
        assert rows.max() - rows.min() < 8 * four.bar


def tune(pitch: list[int], duration: list[int] | None = None, *, minor: bool = False, ends: bool = True) -> Tune:
    length = np.array(duration or [4] * len(pitch))
    onset = np.cumsum(np.append(0, length))[:-1]
    bars = max(1, -(-int(length.sum()) // 16))
    return Tune(np.array(pitch), onset, length, 16, bars, minor, np.full(len(pitch), np.nan), ends)


def test_rules_measure_what_they_say() -> None:
    rules = {name: pick(REWARDS, name).statistic for name in names(REWARDS)}
    assert rules["in_key"](tune([60, 61, 62, 64])) == 0.75
    assert rules["in_key"](tune([60, 63, 68, 71], minor=True)) == 1.0
    assert rules["leaps"](tune([60, 68, 67, 67])) == pytest.approx(1 / 3)
    assert rules["density"](tune([60] * 6)) == 3.0
    assert rules["motifs"](tune([60] * 8)) == 1.0
    assert rules["motifs"](tune([60] * 6, [4, 4, 4, 4, 8, 8])) == 0.0
    assert rules["cadence"](tune([64, 60], [8, 8])) == 2.0
    assert rules["cadence"](tune([60, 64], [8, 8])) == 0.0
    assert np.isnan(rules["cadence"](tune([64, 60], ends=False)))
    told = replace(tune([60, 61, 62]), fits=np.array([1.0, 0.0, np.nan]))
    assert rules["chord_tones"](told) == 0.5
    assert all(np.isnan(rule(tune([], []))) or name == "density" for name, rule in rules.items())


def test_a_tune_knows_which_notes_fit_their_chord(start: Callable[..., Any]) -> None:
    from audio_gen.training.rewards._tune import tune_of

    piece = start("melody").crops.pieces[0]
    found = tune_of(piece)
    assert found.bar == 16
    assert found.ends
    assert len(found.pitch) == (piece.tokens > HOLD + 1).sum()
    assert set(found.fits[~np.isnan(found.fits)]) == {0.0, 1.0}
    first = found.pitch[0] % 12
    assert found.fits[0] == float(first in (0, 4, 7))  # C major, seen from the tonic
