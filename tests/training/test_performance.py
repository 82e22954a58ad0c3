from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError
from audio_gen.models.performer import ARTICULATION, TEMPO, TIMING, VELOCITY
from audio_gen.symbolic.score import notes_of
from audio_gen.training.played_pieces import PlayedCrops, partners, played_pieces
from audio_gen.training.recipes.performance import Performance, Settings, build
from audio_gen.training.settings import override


def begun(arrays: Arrays, tiny: list[str]) -> Performance:
    torch.manual_seed(0)
    recipe = build(arrays, override(Settings(), tiny))
    recipe.setup(Fabric(accelerator="cpu", devices=1))
    return recipe


def alone(arrays: Arrays) -> Arrays:
    """The same without telling that there are scores: the written notes lie among the played ones."""
    return replace(arrays, tracks=tuple(track._replace(targets={}) for track in arrays.tracks))


def test_the_rules_of_a_pianist_are_learnt(pianists: Arrays, tiny_settings: Callable[[str], list[str]]) -> None:
    recipe = begun(pianists, tiny_settings("performance"))
    for step in range(40):
        torch.manual_seed(step)
        recipe.step(step, step / 40)
    figures = recipe.validate()
    assert figures["velocity_of_mean"] < 0.6
    assert figures["timing_of_mean"] < 0.8
    assert figures["articulation_of_mean"] < 0.75
    assert figures["tempo_of_mean"] < 0.5
    assert 2 < figures["velocity_rmse"] < 8  # of 127; the pianist's own spread is 2.6
    assert figures["score"] == pytest.approx(-np.mean([figures[name] for name in figures if "of_mean" in name]))
    spread = recipe.net.spread
    assert (spread > 0).all()
    assert (spread < 1.3).all()


def test_manners_are_those_that_were_played(pianists: Arrays) -> None:
    piece = played_pieces(pianists, "train")[0]
    assert piece.known.mean() > 0.99
    bass = piece.piece.pitch < 60
    assert np.median(piece.played[bass, ARTICULATION]) == pytest.approx(np.log2(1100 / 960), abs=1e-3)
    assert np.median(piece.played[~bass, ARTICULATION]) == -1
    late = piece.played[~bass, TIMING][1:] * 480
    assert set(late.round()) == {-24, -20}
    loud = piece.piece.facts[:, 7 + 7] > 0
    assert piece.played[loud & ~bass, VELOCITY].min() > piece.played[~loud & ~bass, VELOCITY].max()
    slow = np.unique(piece.played[:, TEMPO].round(4))
    assert slow[1] - slow[0] == pytest.approx(-np.log2(0.8), abs=1e-3)


def test_partners_are_near_and_nobody_elses() -> None:
    written = notes_of([(0, 240, 60, 1), (480, 240, 60, 1), (960, 240, 60, 1), (960, 240, 64, 1), (4800, 60, 64, 1)])
    played = notes_of([(500, 240, 60, 1), (10, 240, 60, 1), (940, 240, 64, 1), (700, 240, 67, 1)])
    assert partners(written, played).tolist() == [1, 0, -1, 2, -1]
    assert partners(written, played[:0]).tolist() == [-1] * 5


def test_performances_without_scores_teach_velocity_alone(
    pianists: Arrays, tiny_settings: Callable[[str], list[str]]
) -> None:
    recipe = begun(alone(pianists), tiny_settings("performance"))
    assert recipe.step(0, 0.0).keys() == {"loss", "velocity"}
    assert recipe.validate().keys() == {"score", "velocity_rmse", "velocity_of_mean"}
    assert recipe.checkpoint("mine", {}).config["scores"] is False
    assert begun(pianists, tiny_settings("performance")).checkpoint("mine", {}).config["scores"] is True


def test_notes_that_nobody_played_teach_nothing(tunes: Arrays) -> None:
    with pytest.raises(DatasetError, match="as somebody played them"):
        played_pieces(tunes, "train")


def test_crops_are_stretches_and_moments_are_of_what_is_known(pianists: Arrays) -> None:
    torch.manual_seed(0)
    crops = PlayedCrops(pianists)
    drawn = crops.draw(5, 20)
    assert [len(piece.played) for piece in drawn] == [20] * 5
    assert all(piece.piece.onset[0] == 0 for piece in drawn)
    mean, scale = crops.moments()
    assert 50 < 127 * mean[VELOCITY] < 70
    assert 5 < 127 * scale[VELOCITY] < 20
    mean, scale = PlayedCrops(alone(pianists)).moments()
    assert mean[1:].tolist() == [0, 0, 0]
    assert scale[1:].tolist() == [1, 1, 1]
