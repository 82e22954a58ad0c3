from typing import Any

import numpy as np

from audio_gen.datasets._arrays import Arrays, Track
from audio_gen.models import checkpoint
from audio_gen.pipelines.copies import build_index
from audio_gen.pipelines.evaluate_copies import evaluate_copies
from audio_gen.pipelines.generate import Generator


def arrays_of(songs: list[np.ndarray], generator: Generator) -> Arrays:
    """`[n_mels, N]` each: the first half train, the rest valid."""
    half = len(songs) // 2
    tracks = [Track(f"{n}", "made", "train" if n < half else "valid", f"g{n}", "folk", {}) for n in range(len(songs))]
    bounds = np.cumsum([0, *(song.shape[1] for song in songs)])
    mel = np.concatenate([song.T for song in songs]).astype(np.float16)
    return Arrays("log_mel", mel, bounds, tuple(tracks), generator.checkpoint.spec, generator.labels, "CC0")


def patches(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Loud and soft patches of 4 bands and 8 frames."""
    coarse = np.random.default_rng(seed).normal(-4, 2, (shape[0] // 4, -(-shape[1] // 8)))
    return np.kron(coarse, np.ones((4, 8)))[:, : shape[1]].astype(np.float32)


def test_a_generator_that_copies_is_found_out(tiny: Any) -> None:
    generator = Generator(checkpoint.load(tiny.generator()))
    own = [item.mel.numpy() for item in generator.mels(6, seconds=4.0, seed=0)]
    other = [patches(own[0].shape, seed) for seed in range(12)]
    copying = evaluate_copies(generator, build_index(arrays_of(own + other[:6], generator)), count=6, seconds=4.0)
    new = evaluate_copies(generator, build_index(arrays_of(other, generator)), count=6, seconds=4.0)
    assert copying["found"]["suspicious"]["value"] == 1
    assert copying["ratio"]["quantiles"]["0.5"] < 0.1 < new["ratio"]["quantiles"]["0.5"]
    assert len(copying["nearest"]) == 5
    assert {one["track"] for one in copying["nearest"].values()} <= set("012345")
