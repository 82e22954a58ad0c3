from dataclasses import replace

import numpy as np
import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.features.decibel_image import from_uint8
from audio_gen.models.classifier import ClassifierNet
from audio_gen.training.images import Images


def test_every_track_has_its_own_pictures(pictures: Arrays) -> None:
    images = Images(pictures, range(36), 16)
    for number in range(36):
        right = np.flatnonzero(pictures.index == number)
        assert sorted(images.rows[number]) == sorted(right)
        assert len(right) == 1 + number % 2


def test_windows_are_cut_from_the_right_track(pictures: Arrays) -> None:
    numbered = replace(
        pictures, mel=np.broadcast_to(pictures.index[:, None, None], pictures.mel.shape).astype(np.uint8)
    )
    images = Images(numbered, range(36), 16)
    torch.manual_seed(0)
    columns = np.arange(40, dtype=np.uint8)[None, None] + numbered.mel * 0
    images.mel = torch.from_numpy(columns)
    found = images.draw(list(range(36)) * 4)
    assert found.shape == (144, 128, 16)
    steps = found.diff(dim=2)
    assert torch.allclose(steps, torch.full_like(steps, 80 / 255), atol=1e-4)  # 16 columns in a row
    assert torch.allclose(found.amax((1, 2)), torch.zeros(144))  # relative to their own loudest point


def test_the_track_is_the_right_one(pictures: Arrays) -> None:
    images = Images(pictures, range(36), 40)
    torch.manual_seed(0)
    for number in (0, 1, 7, 35):
        (window,) = images.draw([number])
        candidates = [
            from_uint8(torch.from_numpy(pictures.mel[row])) for row in np.flatnonzero(pictures.index == number)
        ]
        assert any(torch.allclose(window, (c - c.max()).clamp_min(-80), atol=1e-4) for c in candidates)


def test_stretch_plays_it_faster_or_slower(pictures: Arrays) -> None:
    images = Images(pictures, range(36), 20)
    images.mel = torch.arange(40, dtype=torch.uint8).expand(len(images.mel), 128, 40)
    torch.manual_seed(0)
    spans = images.draw([0] * 50, stretch=0.5).amin((1, 2)) / -(80 / 255) + 1  # columns from first to last
    assert 9 <= spans.min() < 14
    assert 26 < spans.max() <= 30


def test_a_verdict_is_over_all_windows_of_a_track(pictures: Arrays) -> None:
    torch.manual_seed(0)
    net = ClassifierNet(4, widths=(8, 8, 8, 8)).eval()
    images = Images(pictures, range(36), 16)
    assert len(images.predict(net, 0, torch.device("cpu")).logits) == 4  # 40 columns: at 0, 8, 16 and 24
    assert len(images.predict(net, 1, torch.device("cpu")).logits) == 8  # two pictures
    logits = images.predict(net, 1, torch.device("cpu")).logits
    right = torch.softmax(logits.log_softmax(1).mean(0), 0)
    assert torch.allclose(images.verdict(net, 1, torch.device("cpu")).probs, right, atol=1e-6)
