import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from audio_gen.audio.artificial import noise
from audio_gen.datasets._arrays import Arrays, Track
from audio_gen.errors import DatasetError
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.copy_index import CopyIndex, score
from audio_gen.models.griffin_lim import GriffinLim
from audio_gen.pipelines.copies import build_index

SPEC = MelSpec()
FLOOR = float(np.log(SPEC.floor))
FRAMES = 900


def song(seed: int, frames: int = FRAMES) -> np.ndarray:
    """`[128, frames]`: notes with partials and hits of noise in a rhythm, over a little hiss; a style of its own."""
    rng = np.random.default_rng(seed)
    magnitude = np.exp(rng.normal(-7, 0.3, (128, frames)))
    decay = np.exp(-np.arange(60) / 15)
    beat = int(rng.integers(14, 22))
    for begin in range(0, frames, beat):
        root, level = int(rng.integers(4, 40)), np.exp(rng.normal(-1, 0.7))
        rows = [row for row in (root, root + 9, root + 20, root + 34) if row < 128]
        length = min(60, frames - begin)
        magnitude[rows, begin : begin + length] += level * decay[:length]
        if rng.random() < 0.5:
            low = int(rng.integers(0, 100))
            magnitude[low : low + 28, begin : begin + length] += 0.3 * level * decay[:length] ** 3
    return np.log(np.maximum(magnitude, SPEC.floor)).astype(np.float32)


def arrays(songs: dict[str, np.ndarray], splits: list[str], labels: list[str]) -> Arrays:
    tracks = [Track(name, "made", *rest, {}) for name, *rest in zip(songs, splits, songs, labels, strict=True)]
    return Arrays(
        "log_mel",
        np.concatenate([mel.T for mel in songs.values()]).astype(np.float16),
        np.cumsum([0, *(mel.shape[1] for mel in songs.values())]),
        tuple(tracks),
        SPEC,
        ("made",),
        "CC0",
    )


SONGS = {f"song{seed}": song(seed) for seed in range(20)}
DATA = arrays(SONGS, ["train"] * 8 + ["valid"] * 8 + ["train"] * 4, ["made"] * 16 + [""] * 4)


@pytest.fixture(scope="module")
def index() -> CopyIndex:
    return build_index(DATA, licences={"song0": "CC-BY-4.0"})


def test_parts_and_licences(index: CopyIndex) -> None:
    assert [track.part for track in index.tracks] == ["train"] * 8 + ["other"] * 12
    assert [track.licence for track in index.tracks[:2]] == ["CC-BY-4.0", "CC0"]
    assert index.rows.nbytes + index.track.nbytes + index.start.nbytes < DATA.mel.nbytes / 100
    assert list(index.quantiles) == [128, 256]  # 56 and 24 excerpts; of 512 there are 8
    assert all(found == tuple(sorted(found)) for found in index.quantiles.values())
    assert index.quantiles[256][3] < index.quantiles[128][3]


@pytest.mark.parametrize("gain", [-0.7, 0.7])
@pytest.mark.parametrize("shift", [0, 3, 13])
def test_a_shifted_copy_of_another_level_is_found(index: CopyIndex, shift: int, gain: float) -> None:
    for number in (1, 5):
        first = 150 + shift
        found = score(index, np.maximum(SONGS[f"song{number}"][:, first : first + 400] + gain, FLOOR))
        assert found.suspicious
        assert found.track == f"song{number}"
        assert found.track_seconds == pytest.approx(found.seconds + first / SPEC.frame_rate, abs=0.06)


def test_a_copy_through_a_vocoder_is_found(index: CopyIndex) -> None:
    heard = LogMel(SPEC)(GriffinLim(SPEC, 8)(torch.from_numpy(SONGS["song3"][:, 200:500])))
    found = score(index, heard)
    assert found.suspicious
    assert found.track == "song3"


def test_half_a_copy_is_found(index: CopyIndex) -> None:
    found = score(index, np.concatenate([SONGS["song2"][:, 330:600], song(77, 300)], axis=1))
    assert found.suspicious
    assert found.track == "song2"
    assert found.seconds * SPEC.frame_rate < 200


def test_a_crossfade_of_two_copies_is_found(index: CopyIndex) -> None:
    share = np.linspace(0, 1, 600)
    mixed = np.log((1 - share) * np.exp(SONGS["song0"][:, :600]) + share * np.exp(SONGS["song6"][:, 200:800]))
    found = score(index, mixed)
    assert found.suspicious
    assert found.track in ("song0", "song6")


def test_new_music_of_the_style_is_seldom_flagged(index: CopyIndex) -> None:
    found = [score(index, song(seed, 300)) for seed in range(100, 160)]
    assert sum(item.suspicious for item in found) <= 3
    assert 0.75 < np.median([item.ratio for item in found]) < 1.1


def test_music_held_out_is_not_flagged_and_noise_neither(index: CopyIndex) -> None:
    for seed in range(3):
        assert not score(index, LogMel(SPEC)(noise(SPEC.sample_rate, 3.0, "pink", seed))[0]).suspicious
    assert score(index, SONGS["song17"][:, 160:288]).ratio > 5  # it is in the index, as other music


def test_the_calibration_leaves_out_the_own_group(index: CopyIndex) -> None:
    """Were a held-out track measured by itself, its ratio would be far above 1."""
    assert index.quantiles[128][3] < 1.2
    twins = replace(
        DATA,
        tracks=tuple(
            track._replace(group="band") if track.split == "valid" or not track.label else track
            for track in DATA.tracks
        ),
    )
    with pytest.raises(DatasetError, match="others"):
        build_index(twins)
    more = arrays({"x": song(300), "y": song(301)}, ["train", "test"], ["made", ""])
    assert build_index(twins, others=[more]).tracks[-2].part == "other"  # of others nothing was trained on


def test_unequal_sizes_move_ratio_and_threshold_alike() -> None:
    """With a third of the other music ratios fall, and so does the threshold: new music is flagged no more often."""
    few = {name: SONGS[name] for name in [f"song{n}" for n in (*range(8), 8, 9, 10, 11)]}
    small = build_index(arrays(few, ["train"] * 8 + ["valid"] * 4, ["made"] * 12))
    found = [score(small, song(seed, 128)) for seed in range(100, 160)]
    assert np.median([item.ratio for item in found]) < 1
    assert sum(item.suspicious for item in found) <= 4


def test_one_shots_are_one_window_each() -> None:
    hits = {f"hit{seed}": song(seed, 40) for seed in range(12)}
    data = arrays(hits, ["train"] * 6 + ["valid"] * 6, ["made"] * 12)
    drums = build_index(data, one_shot=True, window=64, hop=16)
    assert list(drums.quantiles) == [64]
    assert drums.rows.shape[0] == 12
    late = np.concatenate([np.full((128, 9), FLOOR, np.float32), hits["hit4"]], axis=1)
    found = score(drums, late)
    assert found.track == "hit4"
    assert found.suspicious
    assert found.windows == 1


@pytest.mark.parametrize(
    ("splits", "labels"),
    [
        (["train"] * 3, ["made"] * 3),  # nothing else
        (["valid"] * 3, ["made"] * 3),  # nothing trained on
        (["train", "test", "test"], ["made"] * 3),  # nothing to calibrate on
        (["train", "valid", "valid"], ["made", "", ""]),  # likewise
    ],
)
def test_what_cannot_be_an_index(splits: list[str], labels: list[str]) -> None:
    songs = {f"song{seed}": song(seed, 300) for seed in range(3)}
    with pytest.raises(DatasetError):
        build_index(arrays(songs, splits, labels))


def test_other_kinds_and_specs_are_refused() -> None:
    with pytest.raises(DatasetError, match="log_mel"):
        build_index(DATA, others=[replace(DATA, spec=replace(SPEC, hop_length=128))])
    with pytest.raises(DatasetError, match="waveform"):
        build_index(replace(DATA, kind="waveform"))


def test_ten_seconds_are_quick_and_ten_minutes_small(index: CopyIndex) -> None:
    score(index, SONGS["song0"])
    begin = time.perf_counter()
    score(index, SONGS["song0"])
    assert time.perf_counter() - begin < 0.1
    long = np.tile(song(50), (1, 58))
    tracemalloc.start()
    score(index, long)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * long.nbytes


def test_one_shots_calibrate_wherever_their_onset_is() -> None:
    """Silence before the hits changes nothing."""
    hits = {f"hit{seed}": song(seed, 40) for seed in range(12)}
    late = {name: np.concatenate([np.full((128, 9), FLOOR, np.float32), hit], axis=1) for name, hit in hits.items()}
    made = [
        build_index(arrays(songs, ["train"] * 6 + ["valid"] * 6, ["made"] * 12), one_shot=True, window=64, hop=16)
        for songs in (hits, late)
    ]
    assert made[0].quantiles[64] == pytest.approx(made[1].quantiles[64], abs=1e-3)
    assert not np.array_equal(made[0].start, made[1].start)
