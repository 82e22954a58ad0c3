from collections.abc import Callable

import numpy as np
import pytest

from audio_gen.datasets._arrays import Arrays, Track
from audio_gen.features.decibel_image import SPEC
from audio_gen.features.mel_spec import MelSpec

LABELS = ("drums", "flute", "organ", "voice")


def track(number: int, label: str, split: str, dataset: str = "made", **targets: float) -> Track:
    return Track(f"{dataset}/{split}/{number}", dataset, split, f"group {number}", label, targets)


@pytest.fixture
def pictures() -> Arrays:
    """Four classes, each loud in bands of its own; tracks of one or two pictures."""
    random = np.random.default_rng(0)
    tracks, images, index = [], [], []
    for number in range(36):
        kind = number % 4
        tracks.append(track(number, LABELS[kind], "valid" if number >= 24 else "train"))
        for _ in range(1 + number % 2):
            image = random.integers(0, 120, (128, 40))
            image[30 * kind : 30 * kind + 25] += 100
            images.append(image.clip(0, 255).astype(np.uint8))
            index.append(number)
    order = random.permutation(len(images))  # a track's pictures need not lie together
    return Arrays("image", np.stack(images)[order], np.array(index)[order], tuple(tracks), SPEC, LABELS, "CC0-1.0")


@pytest.fixture
def emotions() -> Arrays:
    """Two datasets: one that tells quadrants, one that tells valence and arousal; bands say which."""
    random = np.random.default_rng(0)
    tracks, images = [], []
    for number in range(40):
        arousal, valence = (number // 2) % 2 * 2 - 1, number % 2 * 2 - 1
        split = "valid" if number % 20 >= 12 else "train"
        quadrant = {(1, 1): "Q1", (-1, 1): "Q2", (-1, -1): "Q3", (1, -1): "Q4"}[valence, arousal]
        if number < 20:
            tracks.append(track(number, quadrant, split, "quadrants"))
        else:
            noise = random.uniform(-0.3, 0.3, 2)
            told = {"valence": 0.6 * valence + noise[0], "arousal": 0.6 * arousal + noise[1], "valence_sd": 0.2}
            tracks.append(track(number, "", split, "rated", **told))
        image = random.integers(0, 100, (128, 40))
        image[:40] += 60 * (arousal > 0)
        image[60:100] += 60 * (valence > 0)
        images.append(image.astype(np.uint8))
    return Arrays(
        "image", np.stack(images), np.arange(40), tuple(tracks), SPEC, ("Q1", "Q2", "Q3", "Q4"), "CC BY-NC-SA 4.0"
    )


@pytest.fixture
def mels() -> Arrays:
    """Two styles of log-mel, one loud below and one above; lengths differ."""
    random = np.random.default_rng(0)
    spec = MelSpec(n_fft=512, hop_length=256, n_mels=16)
    tracks, parts = [], []
    for number in range(10):
        kind = number % 2
        frames = 0.7 * random.standard_normal((60 + 10 * number, 16)) - 6
        frames[:, 8 * kind : 8 * kind + 8] += 4
        parts.append(frames.astype(np.float16))
        tracks.append(track(number, ("low", "high")[kind], "valid" if number >= 8 else "train"))
    bounds = np.cumsum([0, *map(len, parts)])
    return Arrays("log_mel", np.concatenate(parts), bounds, tuple(tracks), spec, ("high", "low"), "GPL-3.0-or-later")


@pytest.fixture
def tiny_settings() -> Callable[[str], list[str]]:
    """`--set` texts that make a recipe small enough for a test."""
    small = {
        "classifier": ["batch=8", "columns=16", "widths=8,8,8,8", "warmup=1", "rate=0.01", "ema=0.9"],
        "emotion": ["batch=16", "columns=16", "widths=8,8,8,8", "warmup=1", "rate=0.01", "ema=0.9"],
        "gan": ["batch=8", "frames=32", "widths=8,8", "rate=0.003", "ema=0.9"],
    }
    return lambda recipe: small[recipe]
