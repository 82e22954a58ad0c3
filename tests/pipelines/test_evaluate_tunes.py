"""Melody networks and composers against lead sheets and chorales."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from audio_gen.errors import DatasetError
from audio_gen.models import checkpoint
from audio_gen.models.composer import ComposerNet
from audio_gen.models.composer_pieces import everything, whole
from audio_gen.models.composer_rows import batch_of as rows_batch
from audio_gen.models.melody import TOKENS, MelodyNet
from audio_gen.models.melody_pieces import batch_of
from audio_gen.pipelines._composer_floors import shuffled
from audio_gen.pipelines._note_pieces import ratio, read_split
from audio_gen.pipelines.evaluate_composer import composer_pieces, foretell_rows, gap, only
from audio_gen.pipelines.evaluate_melody import foretell_melodies, melodies, transposed
from tests import notes
from tests.pipelines import note_layouts

SMALL = {"styles": 1, "width": 8}
COMPOSER = {"styles": 1, "width": 16, "layers": 1, "heads": 2}


def saved(folder: Path, family: str, network: Any, config: dict[str, Any]) -> Any:
    net = note_layouts.seeded(network, config)
    return checkpoint.load(notes.saved(folder, family, family, net, config, ("Jazz",)))


def test_ratios_are_of_sums_with_intervals_over_pieces() -> None:
    found = ratio([1, 9], [1, 3])
    assert (found["value"], found["low"], found["high"]) == (2.5, 1, 3)
    assert ratio([0.0], [0.0]) == {"value": None, "low": None, "high": None}


def test_melodies_over_whole_pieces(tmp_path: Path) -> None:
    note_layouts.openewld(tmp_path, ["test"], 3, bars=4)
    read = read_split("openewld", tmp_path, "test")
    model = saved(tmp_path, "melody", MelodyNet, SMALL)
    found = foretell_melodies(model, read)
    assert found.keys() == {"nats_per_step", "nats_per_note", "nats_per_quarter", "details"}
    net, total, steps = checkpoint.build(MelodyNet, model), 0.0, 0
    for _, piece in melodies(read.told, model.labels):
        assert piece.style == 0
        tokens, told, _ = batch_of([piece])
        with torch.no_grad():
            total += float(F.cross_entropy(net(tokens, told)[0], tokens[0], reduction="sum"))
        steps += len(piece.tokens)
    assert steps == 3 * 64
    assert found["nats_per_step"]["value"] == pytest.approx(total / steps, rel=1e-5)
    assert found["nats_per_note"]["value"] == pytest.approx(total / 48, rel=1e-5)
    details = found["details"]
    assert "ngram_nats_per_step" not in details
    assert details["ngram_of"] == "none: the split train is not there"
    by_semitones = details["transpositions"]["nats_per_step"]
    assert by_semitones["+0"] == pytest.approx(total / steps, rel=1e-5)
    assert details["transpositions"]["spread"]["value"] == pytest.approx(
        max(by_semitones.values()) - min(by_semitones.values())
    )
    assert 0 <= details["ece"] <= 1
    assert details["uniform_nats_per_step"] == pytest.approx(math.log(TOKENS))
    assert details["shuffled_nats_per_step"]["value"] > 0


def test_with_train_there_is_a_floor(tmp_path: Path) -> None:
    note_layouts.openewld(tmp_path, ["train", "valid"], 2, bars=4)
    found = foretell_melodies(saved(tmp_path, "melody", MelodyNet, SMALL), read_split("openewld", tmp_path, "valid"))
    assert found["details"]["ngram_of"] == "2 pieces of train"
    assert found["details"]["ngram_nats_per_step"]["value"] < found["nats_per_step"]["value"]  # random weights


def test_transposed_scores(tmp_path: Path) -> None:
    note_layouts.openewld(tmp_path, ["test"], 1)
    score = read_split("openewld", tmp_path, "test").told[0].score
    moved = transposed(score, 3)
    assert (moved.tracks[0].notes["pitch"] == score.tracks[0].notes["pitch"] + 3).all()
    assert [(chord.root - 3) % 12 for chord in moved.chords] == [chord.root for chord in score.chords]
    assert transposed(moved, -3) == score
    assert moved.keys[0].tonic == (score.keys[0].tonic + 3) % 12


def test_chorales_cost_their_rows_and_their_key(tmp_path: Path) -> None:
    note_layouts.jsb(tmp_path, ["test"], 2, bars=3)
    read = read_split("jsb", tmp_path, "test")
    model = saved(tmp_path, "composer", ComposerNet, COMPOSER)
    found = foretell_rows(model, read)
    assert found.keys() == {"nats_per_cell", "nats_per_note", "nats_per_quarter", "details"}
    net, total = checkpoint.build(ComposerNet, model), 0.0
    for _, piece in composer_pieces(read.told, model.labels):
        query, row, asked = rows_batch([piece.rows(everything(piece))])
        with torch.no_grad():
            total += float(net.nats(query, row, whole([piece]), asked).sum()) + math.log(12) + math.log(2)
    assert found["nats_per_cell"]["value"] == pytest.approx(total / (2 * 4 * 48), rel=1e-4)
    assert found["nats_per_quarter"]["value"] == pytest.approx(total / (2 * 12), rel=1e-4)
    for name in ("harmonise_nats_per_cell", "infill_nats_per_cell", "accuracy_of_changes", "shuffled_nats_per_cell"):
        assert found["details"][name]["value"] >= 0
    assert 0 <= found["details"]["ece"] <= 1
    assert found["details"]["ngram_of"] == "none: the split train is not there"
    moved = found["details"]["transpositions"]["nats_per_cell"]
    assert moved["+0"] == pytest.approx(found["nats_per_cell"]["value"], rel=1e-5)
    assert len(moved) == 12


def test_chorales_have_a_floor_and_shuffled_voices(tmp_path: Path) -> None:
    note_layouts.jsb(tmp_path, ["train", "valid"], 3, bars=3)
    found = foretell_rows(saved(tmp_path, "composer", ComposerNet, COMPOSER), read_split("jsb", tmp_path, "valid"))
    details = found["details"]
    assert details["ngram_of"] == "3 pieces of train"
    assert 0 < details["ngram_nats_per_cell"]["value"] < details["uniform_nats_per_cell"]
    score = read_split("jsb", tmp_path, "valid").told[0].score
    mixed = shuffled(score, np.random.default_rng(0))
    for one, other in zip(score.tracks, mixed.tracks, strict=True):
        assert sorted(one.notes["pitch"]) == sorted(other.notes["pitch"])
        assert (one.notes["onset"] == other.notes["onset"]).all()
    assert mixed != score


def test_what_is_asked_for(tmp_path: Path) -> None:
    note_layouts.jsb(tmp_path, ["test"], 1)
    ((_, piece),) = composer_pieces(read_split("jsb", tmp_path, "test").told, ())
    soprano, *others = only(piece, lambda role, _: np.bool_(role > 0))
    assert not soprano.any()
    assert all(mask.all() for mask in others)
    masks, steps = gap(piece)  # four of nine bars, from the third on
    assert steps == 64
    for line, mask in zip(piece.voices.lines, masks, strict=True):
        assert (mask == ((line[:, 0] >= 96) & (line[:, 0] < 288))).all()
        assert mask.any()


def test_melodies_of_a_composer_are_measured_as_those_of_a_melody_network(tmp_path: Path) -> None:
    note_layouts.openewld(tmp_path, ["test"], 2, bars=4)
    model = saved(tmp_path, "composer", ComposerNet, COMPOSER)
    found = foretell_rows(model, read_split("openewld", tmp_path, "test"))
    assert found.keys() == {"nats_per_step", "nats_per_note", "nats_per_quarter", "details"}
    assert found["nats_per_note"]["value"] == pytest.approx(4 * found["nats_per_step"]["value"])  # notes are quarters
    note_layouts.groove(tmp_path, ["test"], 1, fill=False)
    with pytest.raises(DatasetError, match="none of 1 pieces is four voices or one melody"):
        composer_pieces(read_split("groove", tmp_path, "test").told, ())
