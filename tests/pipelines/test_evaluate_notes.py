"""The whole evaluation, with networks that know nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from audio_gen.models.composer import ComposerNet
from audio_gen.models.drum_rnn import DrumRnnNet
from audio_gen.models.humaniser import HumaniserNet
from audio_gen.models.melody import MelodyNet
from audio_gen.pipelines import _tunes
from audio_gen.pipelines.evaluate_notes import FAMILIES, evaluate_notes
from audio_gen.pipelines.records import plain
from tests import notes
from tests.pipelines import note_layouts

COMPOSER = {"styles": 1, "width": 16, "layers": 1, "heads": 2}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    note_layouts.quick(monkeypatch)


def saved(folder: Path, family: str, network: Any, config: dict[str, Any], labels: tuple[str, ...]) -> str:
    return str(notes.saved(folder, family, family, note_layouts.seeded(network, config), config, labels))


def check(found: dict[str, Any]) -> dict[str, Any]:
    json.dumps(plain(found), allow_nan=False)
    assert found["real_or_not"].keys() == {"value", "low", "high"}
    details: dict[str, Any] = found["details"]
    return details


def test_melodies_with_and_without_train(tmp_path: Path) -> None:
    name = saved(tmp_path, "melody", MelodyNet, {"styles": 1, "width": 8}, ("Jazz",))
    note_layouts.openewld(tmp_path, ["test"], 4, bars=8)
    details = check(evaluate_notes(name, "openewld", tmp_path, "test"))
    assert details["generated_pieces"] == 4
    assert details["real_or_not"].keys() == {"generated", "shuffled", "uniform", "real_real"}
    assert details["copies"].startswith("not measured")
    assert details["obeyed"]["metre"]["value"] == details["obeyed"]["tempo"]["value"] == 1
    row = details["w1_over_real_real"]["mean_absolute_interval"]
    assert row["uniform"]["value"] > 1.5 > 1 == row["real_real"]["value"]
    curve = {name: {lag: one["value"] for lag, one in row.items()} for name, row in whole_curve(details).items()}
    assert curve["real"]["1 bars"] < 0.7 < 0.9 < curve["real"]["2 bars"]  # phrases of two bars come again and again
    assert curve["shuffled"]["2 bars"] < 0.7
    assert details["four_bars_found_once"]["real"]["value"] == 0 < details["four_bars_found_once"]["shuffled"]["value"]
    counts = details["jensen_shannon"]
    assert counts.keys() == {f"{name}_transitions" for name in ("pitch_class", "interval", "duration")} | {
        "pitch_classes"
    }
    assert counts["pitch_classes"]["shuffled"]["value"] == pytest.approx(counts["pitch_classes"]["real_real"]["value"])
    assert counts["interval_transitions"]["uniform"]["value"] > counts["interval_transitions"]["real_real"]["value"]
    assert details["obedience"]["range"]["asked"]["value"] == details["obedience"]["bars"]["asked"]["value"] == 1
    assert details["locked_notes_kept_by_continue"]["value"] == 1
    assert "locked_notes_kept_by_infill" not in details
    note_layouts.openewld(tmp_path, ["test", "train"], 4, bars=8)
    details = check(evaluate_notes(name, "openewld", tmp_path, "test", count=3))
    assert details["generated_pieces"] == 3
    assert "ngram" in details["real_or_not"]
    assert details["copies"]["longest"].keys() == {
        *("real", "generated", "ngram", "shuffled", "uniform"),
        *("alarm_above", "generated_above"),
    }


def whole_curve(details: dict[str, Any]) -> dict[str, Any]:
    curve: dict[str, Any] = details["self_similarity_by_lag"]
    assert curve.keys() >= {"real", "generated", "shuffled", "uniform"}
    return curve


def test_drums(tmp_path: Path) -> None:
    name = saved(tmp_path, "drum_rnn", DrumRnnNet, {"styles": 2, "width": 8}, ("funk", "rock"))
    note_layouts.groove(tmp_path, ["train", "test"], 4)
    found = evaluate_notes(name, "groove", tmp_path, "test", count=3, seed=2)
    details = check(found)
    assert details["generated_pieces"] == 3
    assert details["copies"]["bars"]["real"]["value"] == 1  # both splits are the same here
    assert details["hits_w1_over_real_real"].keys() == {"velocity", "offset_ms"}
    assert whole_curve(details)["real"]["1 bars"]["value"] > 0.99  # each bar is the one before again
    assert details["style_as_asked"].startswith("not measured")  # of four pieces two styles have two
    assert details["locked_notes_kept_by_continue"]["value"] == details["locked_notes_kept_by_infill"]["value"] == 1
    assert details["gap_of_four_bars"]["bars_before"]["value"] > 0.99 > details["gap_of_four_bars"]["uniform"]["value"]
    assert "range" not in details["obedience"]
    assert details["w1_over_real_real"]["velocity"].keys() >= {"generated", "shuffled", "uniform", "ngram"}
    assert evaluate_notes(name, "groove", tmp_path, "test", count=3, seed=2) == found


def test_chorales(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tunes, "FEWEST", 0)  # this network hardly sings
    name = saved(tmp_path, "composer", ComposerNet, COMPOSER, ("chorale",))
    note_layouts.jsb(tmp_path, ["test"], 3, bars=8)
    details = check(evaluate_notes(name, "jsb", tmp_path, "test", count=2))
    assert details["w1_over_real_real"].keys() == details["jensen_shannon"].keys() == {"soprano", "bass"}
    assert details["locked_notes_kept_by_infill"]["value"] == 1
    assert details["gap_of_four_bars"]["generated"].keys() == {"cells", "changed_cells"}
    assert details["obedience"]["key"].keys() == {"asked", "not_asked"}
    assert "nats_per_row" in details


def test_nothing_is_made_where_none_is_wanted_or_none_could_be(tmp_path: Path) -> None:
    note_layouts.groove(tmp_path, ["test"], 2)
    humaniser = saved(tmp_path, "humaniser", HumaniserNet, {"styles": 2, "width": 8}, ("funk", "rock"))
    found = evaluate_notes(humaniser, "groove", tmp_path, "test")
    assert found.keys() == {"velocity_rmse", "timing_mae_ms", "details"}
    drums = saved(tmp_path, "drum_rnn", DrumRnnNet, {"styles": 2, "width": 8}, ("funk", "rock"))
    assert "real_or_not" not in evaluate_notes(drums, "groove", tmp_path, "test", count=0)
    note_layouts.groove(tmp_path, ["test"], 2, meter="3-4")
    assert evaluate_notes(drums, "groove", tmp_path, "test")["details"]["samples"].startswith("none")
    assert set(FAMILIES) >= {"drum_rnn", "drum_vae", "humaniser", "melody", "composer"}
