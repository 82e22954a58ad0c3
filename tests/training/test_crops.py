import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError
from audio_gen.training.crops import Crops, Stretches, onset

FLOOR = float(torch.tensor(1e-5).log().half())


@pytest.fixture
def hits(mels: Arrays) -> Arrays:
    """The tracks of `mels` as drum hits: number * 3 silent frames, then a level that falls from frame to frame."""
    mel = mels.mel.copy()
    for number in range(10):
        first, last = mels.index[number : number + 2]
        at = np.arange(last - first)[:, None] - 3 * number
        mel[first:last] = np.where(at < 0, FLOOR, np.maximum(FLOOR, 0.0 - 0.3 * at))
    return replace(mels, mel=mel)


def test_a_one_shot_has_one_crop_from_its_onset(hits: Arrays) -> None:
    crops = Crops(hits, 20, -45, one_shot=True)
    mel, labels = crops.spread(100)
    assert len(mel) == 8  # tracks of the train split
    assert (mel[:, 0, 0] == 0).all()
    expected = -0.3 * torch.arange(20.0)
    assert torch.allclose(mel, expected.expand(8, 16, -1), atol=0.01)
    assert torch.bincount(labels).tolist() == [4, 4]


def test_short_one_shots_end_in_silence(hits: Arrays) -> None:
    crops = Crops(hits, 70, -45, one_shot=True)  # track k has 60 + 10 k frames, 3 k of which are before the onset
    mel, labels = crops.spread(100)
    low = mel[labels == hits.labels.index("low")]
    assert mel.shape == (8, 16, 70)
    assert (low[0, :, 60:] == FLOOR).all()
    assert (mel[:, 0, 0] == 0).all()
    mean, std = crops.statistics()
    assert torch.allclose(mean - 3 * std, torch.full_like(mean, math.log(1e-5)), atol=1e-4)
    assert torch.allclose(mean + 3 * std, torch.zeros_like(mean), atol=1e-4)


def test_the_split_is_the_one_that_was_asked_for(mels: Arrays) -> None:
    train, valid = (Crops(mels, 32, -45, split=split) for split in ("train", "valid"))
    border = int(mels.index[8])
    assert torch.cat(train.starts).max() + 32 <= border
    assert torch.cat(valid.starts).min() >= border
    assert all(len(starts) for starts in valid.starts)
    with pytest.raises(DatasetError, match=r"'test'.*there are: train, valid"):
        Crops(mels, 32, -45, split="test")


def test_classes_may_be_missing_where_only_measured(mels: Arrays) -> None:
    tracks = tuple(one._replace(split="train") if n == 9 else one for n, one in enumerate(mels.tracks))
    found = Crops(replace(mels, tracks=tracks), 32, -45, split="valid")
    assert sorted(map(bool, map(len, found.starts))) == [False, True]
    mel, labels = found.spread(5)
    assert set(labels.tolist()) == {mels.labels.index("low")}
    assert torch.equal(found.spread(5)[0], mel)
    with pytest.raises(DatasetError, match=r"no train track .* zither"):
        Crops(replace(mels, labels=("high", "low", "zither")), 32, -45)


def test_stretches_never_leave_their_track(mels: Arrays) -> None:
    numbered = mels.mel.copy()
    for number in range(10):
        numbered[mels.index[number] : mels.index[number + 1]] = number
    arrays = replace(mels, mel=numbered)
    found = Stretches(arrays, 40, "train").spread(10_000)
    assert found.shape == (sum(60 + 10 * n - 39 for n in range(8)), 16, 40)
    assert (found == found[:, :1, :1]).all()
    assert torch.equal(torch.bincount(found[:, 0, 0].long()), torch.tensor([21 + 10 * n for n in range(8)]))
    torch.manual_seed(0)
    drawn = Stretches(arrays, 40, "train").draw(500)
    assert set(drawn[:, 0, 0].tolist()) == set(range(8))
    (low,) = {tuple(sorted(set(Stretches(arrays, 40, "train", "low").draw(500)[:, 0, 0].tolist())))}
    assert low == (0, 2, 4, 6)


def test_stretches_of_short_tracks_end_in_silence(mels: Arrays) -> None:
    found = Stretches(mels, 200, "valid").spread(10)
    assert found.shape == (2, 16, 200)
    for stretch, length in zip(found, (140, 150), strict=True):
        silent = (stretch - math.log(1e-5)).abs().amax(0) < 1e-4
        assert torch.equal(silent, torch.arange(200) >= length)


def test_stretches_need_no_label(mels: Arrays) -> None:
    tracks = tuple(one._replace(label="") for one in mels.tracks)
    assert len(Stretches(replace(mels, tracks=tracks), 40, "train").spread(7)) == 7
    with pytest.raises(DatasetError, match="no train track of class 'low'"):
        Stretches(replace(mels, tracks=tracks), 40, "train", "low")
    mean, std = Stretches(mels, 40, "train").statistics()
    assert mean.shape == std.shape == (16, 1)
    assert abs(float(mean.mean()) + 4) < 0.3


def test_the_onset_is_26_db_below_the_loudest() -> None:
    assert onset(torch.tensor([-11.5, -3.1, -2.9, 0.0, -9.0])) == 2  # 26 dB are 2.99
    assert onset(torch.tensor([1.0])) == 0
    assert onset(torch.full((5,), -11.5)) == 0
