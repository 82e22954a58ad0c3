"""Drum networks, humanisers and autoencoders of drums against beats."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from audio_gen.errors import DatasetError
from audio_gen.models import checkpoint
from audio_gen.models.drum_pieces import batch_of, piece_of
from audio_gen.models.drum_rnn import DrumRnnNet, nats
from audio_gen.models.drum_vae import DrumVaeNet, windows
from audio_gen.models.humaniser import HumaniserNet
from audio_gen.pipelines._note_pieces import read_split
from audio_gen.pipelines.evaluate_drum_vae import reconstruct_drums
from audio_gen.pipelines.evaluate_drums import drum_pieces, f1, foretell_drums, likeliest
from audio_gen.pipelines.evaluate_humaniser import Struck, _means, evaluate_humaniser, mae, rmse
from tests import notes
from tests.pipelines import note_layouts

STYLES = ("funk", "rock")
SMALL = {"styles": 2, "width": 8}


def saved(folder: Path, family: str, network: Any, config: dict[str, Any]) -> Any:
    net = note_layouts.seeded(network, config)
    return checkpoint.load(notes.saved(folder, family, family, net, config, STYLES))


def test_nats_of_whole_beats_in_four_four(tmp_path: Path) -> None:
    note_layouts.groove(tmp_path, ["test"])
    read = read_split("groove", tmp_path, "test")
    assert read.train == []
    model = saved(tmp_path, "drum_rnn", DrumRnnNet, SMALL)
    found = foretell_drums(model, read)
    assert found.keys() == {"nats_per_step", "nats_per_note", "nats_per_quarter", "hit_f1", "details"}
    net = checkpoint.build(DrumRnnNet, model)
    total, steps, hits = 0.0, 0, 0.0
    for one in read.told[:5]:  # the sixth is a fill
        piece = piece_of(one.score, STYLES.index(one.item.label or ""))
        batch = batch_of([piece])
        with torch.no_grad():
            total += float(nats(net(batch), batch.grid).hits.sum())
        steps, hits = steps + len(piece.grid), hits + float(piece.grid[..., 0].sum())
    assert found["nats_per_step"]["value"] == pytest.approx(total / steps, rel=1e-5)
    assert found["nats_per_note"]["value"] == pytest.approx(total / hits, rel=1e-5)
    assert found["nats_per_quarter"]["value"] == pytest.approx(4 * total / steps, rel=1e-5)
    details = found["details"]
    assert (details["pieces"], details["measured_pieces"], details["measured_on"]) == (6, 5, "beats in 4/4")
    assert details["hit_f1_of_the_bar_before"]["value"] == 1  # each bar is the one before
    assert details["uniform_nats_per_step"] == pytest.approx(9 * np.log(2))
    assert details["shuffled_nats_per_step"]["value"] > 0
    assert 0 <= details["hit_ece"] <= 1
    assert "ngram_nats_per_step" not in details
    assert {name: group["pieces"] for name, group in details["groups"].items()} == {
        "all": 6, "fills": 1, "funk": 3, "rock": 3,
    }  # fmt: skip


def test_beats_that_train_has_cost_little_by_ngrams(tmp_path: Path) -> None:
    note_layouts.groove(tmp_path, ["train", "test"])
    found = foretell_drums(saved(tmp_path, "drum_rnn", DrumRnnNet, SMALL), read_split("groove", tmp_path, "test"))
    assert 0 < found["details"]["ngram_nats_per_step"]["value"] < 0.5 < found["details"]["uniform_nats_per_step"]


def test_without_a_beat_in_four_four_all_pieces_count(tmp_path: Path) -> None:
    note_layouts.groove(tmp_path, ["test"], 2, meter="3-4")
    found = foretell_drums(saved(tmp_path, "drum_rnn", DrumRnnNet, SMALL), read_split("groove", tmp_path, "test"))
    assert found["details"]["measured_on"] == "all pieces"
    note_layouts.openewld(tmp_path, ["test"], 1)
    with pytest.raises(DatasetError, match="none of 1 pieces has drums"):
        drum_pieces(read_split("openewld", tmp_path, "test").told, STYLES)


def test_each_drum_is_guessed_after_those_before_it() -> None:
    net = note_layouts.seeded(DrumRnnNet, SMALL)
    torch.nn.init.normal_(net.among)
    hidden = torch.randn(1, 6, 8)
    with torch.no_grad():
        told = likeliest(net, hidden)
        assert torch.equal((net.hits(hidden, told) > 0).float(), told)
    assert 0 < told.mean() < 1


def test_f1_is_pooled_over_hits() -> None:
    assert f1([(3, 1, 0), (0, 0, 2)])["value"] == pytest.approx(2 * 3 / (2 * 3 + 1 + 2))


def test_errors_of_manner_and_the_floors() -> None:
    def struck(velocity: float, offset: float) -> Struck:
        drum, position = np.array([0, 0, 1, 1]), np.array([0, 8, 4, 4])
        played = np.stack([np.full(4, velocity), np.full(4, offset)], 1)
        return Struck(drum, position, played, played, played, 100.0)

    pieces = [struck(0.5, 0.1), struck(0.7, 0.1), struck(0.9, 0.4)]
    moved = [one.played + np.array([0.1, 0.2]) for one in pieces]
    assert rmse(pieces, moved)["value"] == pytest.approx(0.1)
    assert mae(pieces, moved)["value"] == pytest.approx(20)
    for by_place in (False, True):
        means = _means(pieces, by_place=by_place)
        assert means[0] == pytest.approx(np.tile([0.8, 0.25], (4, 1)))  # of the two others alone
        assert means[2] == pytest.approx(np.tile([0.6, 0.1], (4, 1)))


def test_a_humaniser_stands_beside_its_floors(tmp_path: Path) -> None:
    note_layouts.groove(tmp_path, ["test"])
    read = read_split("groove", tmp_path, "test")
    found = evaluate_humaniser(saved(tmp_path, "humaniser", HumaniserNet, SMALL), read)
    assert found.keys() == {"velocity_rmse", "timing_mae_ms", "details"}
    errors = found["details"]["errors"]
    assert errors["drum_by_position"]["velocity_rmse"]["value"] < 0.1 < errors["global_mean"]["velocity_rmse"]["value"]
    assert errors["network"]["velocity_rmse"] == found["velocity_rmse"]
    late = [
        np.abs(piece.grid[..., 2][piece.grid[..., 0] > 0]) * 15_000 / piece.bpm
        for _, piece in drum_pieces(read.told, STYLES)
    ]
    assert errors["on_the_grid"]["timing_mae_ms"]["value"] == pytest.approx(np.concatenate(late).mean(), rel=1e-5)
    assert found["details"]["offset_w1_ms"].keys() == {"kick", "snare", "closed hi-hat"}


def test_what_comes_back_through_latent_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grids = note_layouts.groove(tmp_path, ["test"], 3)
    read = read_split("groove", tmp_path, "test")
    config = {**SMALL, "latent": 4}
    model = saved(tmp_path, "drum_vae", DrumVaeNet, config)
    found = reconstruct_drums(model, read)
    assert found.keys() == {"hit_f1", "velocity_rmse", "timing_mae_ms", "details"}
    assert (found["details"]["pieces"], found["details"]["windows"]) == (3, 12)
    assert 0 <= found["details"]["active_units"] <= 4
    assert found["hit_f1"]["value"] < 1
    assert found["details"]["hit_f1_of_the_bars_before"]["value"] == 1  # each bar is the one before
    assert found["details"]["hit_f1_of_the_middle_groove"]["value"] < 1
    piece = piece_of(read.told[0].score, 0)
    assert [len(one.grid) for one in windows(piece.cut(0, 70))] == [32, 32]  # six sixteenths are no bar
    assert [len(one.grid) for one in windows(piece.cut(0, 50))] == [32, 18]
    assert len(grids) == 3
