import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.metrics.copies import Projection, cut
from audio_gen.models.copy_index import KEY, CopyIndex, IndexedTrack, load, score

SPEC = MelSpec()
FLOOR = float(np.log(SPEC.floor))


def music(seed: int, frames: int = 400) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = np.repeat(np.repeat(rng.normal(0, 1, (16, frames // 8)), 8, 1), 8, 0)
    return (coarse + rng.normal(0, 0.1, (128, frames)) - 2).astype(np.float32)


def index(**changes: Any) -> CopyIndex:
    """Songs 0 and 1 are trained on, 2 and 3 are other music."""
    cuts = [cut(music(seed), 128, 32, FLOOR) for seed in range(4)]
    averages = np.concatenate([found.averages for found in cuts])
    project = Projection.fit(averages, 24)
    made = CopyIndex(
        spec=SPEC,
        window=128,
        hop=32,
        one_shot=False,
        tracks=tuple(IndexedTrack(f"song{n}", "train" if n < 2 else "other", "CC0") for n in range(4)),
        projection=project,
        rows=np.round(127 * project(averages)).astype(np.int8),
        track=np.repeat(np.arange(4), [len(found.starts) for found in cuts]).astype(np.int32),
        start=np.concatenate([found.starts for found in cuts]).astype(np.int32),
        quantiles={128: (0.8, 0.85, 0.9, 0.95, 1.0), 256: (0.7, 0.8, 0.85, 0.9, 0.95)},
    )
    return replace(made, **changes)


def test_a_copy_is_found_with_its_place() -> None:
    new, copy = music(9, 600), music(1)
    new[:, 320:480] = copy[:, 192:352] + 0.5
    found = score(index(), new)
    assert found.suspicious
    assert found.ratio < 0.3
    assert found.track == "song1"
    assert found.seconds == pytest.approx(336 / SPEC.frame_rate, abs=0.2)  # the window begins at 320 to 352
    assert found.track_seconds - found.seconds == pytest.approx((192 - 320) / SPEC.frame_rate, abs=0.05)
    assert score(index(), music(2)[:, 64:192]).ratio > 5  # a copy, but of music that wasn't trained on


def test_silence_is_not_suspicious() -> None:
    found = score(index(), np.full((128, 300), FLOOR))
    assert (found.ratio, found.windows, found.suspicious, found.track) == (1.0, 0, False, "")


def test_saved_and_loaded_says_the_same(tmp_path: Path) -> None:
    made, path = index(), tmp_path / "new" / "copies.safetensors"
    made.save(path)
    read = load(path)
    assert score(read, music(9)) == score(made, music(9))
    assert (read.spec, read.tracks, read.quantiles, read.hop) == (made.spec, made.tracks, made.quantiles, 32)
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_file_holds_only_short_descriptors(tmp_path: Path) -> None:
    path = tmp_path / "copies.safetensors"
    index().save(path)
    with safe_open(path, "np") as file:
        shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118
    count = 4 * 9
    assert shapes == {"rows": [count, 24], "track": [count], "start": [count], "mean": [256], "basis": [256, 24]}


def test_descriptors_know_no_pitch() -> None:
    """Turned upside down within each of 16 broad bands, which changes every melody, music has the same descriptors."""
    mel = np.concatenate([music(0)[:, :200], music(1)[:, :200] * np.linspace(0.5, 1, 128)[:, None]], axis=1)
    turned = mel.reshape(16, 8, -1)[:, ::-1].reshape(128, -1)
    assert not np.allclose(mel, turned, atol=0.2)
    assert np.allclose(cut(mel, 128, 32, FLOOR).averages, cut(turned, 128, 32, FLOOR).averages, atol=1e-5)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "copies.safetensors"
    index().save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        index(quantiles={128: (float("nan"),) * 5}).save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_threshold_falls_with_the_length() -> None:
    made = index(quantiles={128: (0.8,) * 5, 256: (0.7,) * 5, 512: (0.65,) * 5})
    found = [made.threshold(frames) for frames in (1, 128, 180, 256, 512, 1000, 300_000)]
    assert found[:2] == pytest.approx([0.8, 0.8])
    assert found[3:5] == pytest.approx([0.7, 0.65])
    assert found[1:] == sorted(found[1:], reverse=True)
    assert 0 < found[-1] < found[-2] < 0.65
    rising = index(quantiles={128: (0.5,) * 5, 256: (0.6,) * 5})
    assert rising.threshold(10_000) == pytest.approx(0.6)
    assert index(quantiles={128: (0.6,) * 5}).threshold(10_000) == pytest.approx(0.6)


def test_power_and_magnitude_are_told_apart() -> None:
    power = replace(SPEC, power=2.0)
    made = index()
    assert score(index(spec=power), 2 * music(9)).ratio == pytest.approx(score(made, music(9)).ratio, abs=1e-3)


@pytest.mark.parametrize("mel", [np.zeros((80, 300)), np.zeros((128, 0)), np.full((128, 300), np.inf)])
def test_no_log_mel_of_this_index(mel: np.ndarray) -> None:
    with pytest.raises(ParameterError):
        score(index(), mel)


def edited(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    index().save(path)
    with safe_open(path, "np") as file:
        about = json.loads(file.metadata()[KEY])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    change(about, tensors)
    save_file(tensors, path, {KEY: json.dumps(about)})


BREAKS: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "format": lambda about, tensors: about.update(format=2),
    "no tracks": lambda about, tensors: about.update(tracks=[]),
    "tracks of numbers": lambda about, tensors: about["tracks"][0].update(id=7),
    "unknown part": lambda about, tensors: about["tracks"][0].update(part="valid"),
    "nothing trained": lambda about, tensors: [track.update(part="other") for track in about["tracks"]],
    "quantiles gone": lambda about, tensors: about.update(quantiles={}),
    "quantiles a list": lambda about, tensors: about.update(quantiles=[1]),
    "quantile infinite": lambda about, tensors: about["quantiles"].update({"128": [float("inf")] * 5}),
    "hop": lambda about, tensors: about.update(hop=31),
    "window": lambda about, tensors: about.update(window=0),
    "spec": lambda about, tensors: about["spec"].update(n_mels=-1),
    "rows as floats": lambda about, tensors: tensors.update(rows=tensors["rows"].astype(np.float32)),
    "rows fewer": lambda about, tensors: tensors.update(rows=tensors["rows"][:5]),
    "rows flat": lambda about, tensors: tensors.update(rows=tensors["rows"].ravel()),
    "basis of another size": lambda about, tensors: tensors.update(basis=tensors["basis"][:, :3].copy()),
    "basis not finite": lambda about, tensors: tensors.update(basis=tensors["basis"] * np.float32(np.nan)),
    "tracks beyond": lambda about, tensors: tensors.update(track=tensors["track"] + np.int32(4)),
    "start before": lambda about, tensors: tensors.update(start=tensors["start"] - np.int32(1)),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_file_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / "copies.safetensors"
    edited(path, BREAKS[name])
    with pytest.raises(CheckpointError, match=r"copies\.safetensors"):
        load(path)


def test_other_files_are_refused_without_running_them(tmp_path: Path) -> None:
    path = tmp_path / "copies.safetensors"
    index().save(path)
    whole = path.read_bytes()
    for content in (b"", whole[:100], whole[:-5], pickle.dumps(print)):
        path.write_bytes(content)
        with pytest.raises(CheckpointError):
            load(path)
    with pytest.raises(CheckpointError):
        load(tmp_path / "none.safetensors")


def test_an_untouched_edit_loads(tmp_path: Path) -> None:
    path = tmp_path / "copies.safetensors"
    edited(path, lambda about, tensors: None)
    assert load(path).tracks == index().tracks
