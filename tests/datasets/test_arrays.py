import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_gen.datasets._arrays import Arrays, Track, joined, load_arrays
from audio_gen.errors import DatasetError
from audio_gen.features.mel_spec import MelSpec

SPEC = MelSpec(n_fft=64, n_mels=8, hop_length=16)


def images(name: str = "one", tracks: int = 3, labels: tuple[str, ...] = ("a", "b"), columns: int = 5) -> Arrays:
    random = np.random.default_rng(len(name))
    index = np.repeat(np.arange(tracks), 2)
    mel = random.integers(0, 256, (len(index), 8, columns), dtype=np.uint8)
    about = tuple(
        Track(f"{name}{n}", name, "train", f"g{n}", labels[n % len(labels)], {"valence": n / 3}) for n in range(tracks)
    )
    return Arrays("image", mel, index, about, SPEC, labels, f"licence of {name}")


def log_mels(name: str = "one", lengths: tuple[int, ...] = (4, 7), labels: tuple[str, ...] = ("a",)) -> Arrays:
    random = np.random.default_rng(len(name))
    bounds = np.cumsum([0, *lengths])
    about = tuple(Track(f"{name}{n}", name, "train", "g", labels[0], {}) for n in range(len(lengths)))
    mel = random.standard_normal((bounds[-1], 8)).astype(np.float16)
    return Arrays("log_mel", mel, bounds, about, SPEC, labels, f"licence of {name}")


def equal(one: Arrays, other: Arrays) -> bool:
    same = all(getattr(one, name) == getattr(other, name) for name in ("kind", "tracks", "spec", "labels", "licence"))
    return same and np.array_equal(one.mel, other.mel) and np.array_equal(one.index, other.index)


@pytest.mark.parametrize("arrays", [images(), log_mels()], ids=["image", "log_mel"])
def test_what_is_saved_comes_back(tmp_path: Path, arrays: Arrays) -> None:
    path = tmp_path / "new" / "x.npz"
    arrays.save(path)
    loaded = load_arrays(path, arrays.kind)
    assert equal(loaded, arrays)
    assert loaded.mel.dtype == arrays.mel.dtype
    assert [entry.name for entry in path.parent.iterdir()] == ["x.npz"]


def test_the_same_arrays_give_the_same_bytes(tmp_path: Path) -> None:
    images().save(tmp_path / "a.npz")
    images().save(tmp_path / "b.npz")
    with zipfile.ZipFile(tmp_path / "a.npz") as a, zipfile.ZipFile(tmp_path / "b.npz") as b:
        assert [a.read(name) for name in a.namelist()] == [b.read(name) for name in b.namelist()]


def test_the_other_kind_is_told(tmp_path: Path) -> None:
    images().save(tmp_path / "x.npz")
    with pytest.raises(DatasetError, match="holds image arrays; this needs log_mel: `audio-gen prepare --as log_mel"):
        load_arrays(tmp_path / "x.npz", "log_mel")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_torn_files_are_told(tmp_path: Path, share: float) -> None:
    path = tmp_path / "x.npz"
    images().save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(DatasetError, match="prepare it again") as caught:
        load_arrays(path, "image")
    assert len(str(caught.value).splitlines()) == 1


def test_a_flipped_bit_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    images(tracks=40).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="prepare it again"):
        load_arrays(path, "image")


def rewritten(path: Path, **changes: Any) -> None:
    arrays = images()
    arrays.save(path)
    with np.load(path) as stored:
        parts = {name: stored[name] for name in stored.files}
    about = json.loads(str(parts["about"]))
    for key, value in changes.items():
        if key in parts:
            parts[key] = value
        else:
            about[key] = value
    parts["about"] = changes.get("about", np.array(json.dumps(about)))
    np.savez(path, **parts)


@pytest.mark.parametrize(
    "changes",
    [
        {"mel": np.zeros((6, 8, 5), np.float32)},
        {"mel": np.zeros((6, 8), np.uint8)},
        {"mel": np.zeros((5, 8, 5), np.uint8)},
        {"mel": np.zeros((6, 9, 5), np.uint8)},
        {"mel": np.array([{}], dtype=object)},
        {"index": np.array([0, 0, 1, 1, 2, 3])},
        {"index": np.array([0, 0, 1, 1, 2, -1])},
        {"index": np.zeros(0, np.int64)},
        {"about": np.array("no json")},
        {"about": np.array("[" * 100_000)},
        {"about": np.array("[]")},
        {"tracks": [{"id": "x"}]},
        {"tracks": 3},
        {"tracks": []},
        {"spec": {"n_mels": -1}},
        {"spec": {"colour": 1}},
        {"kind": "pickle"},
        {"labels": None},
    ],
)
def test_contradictions_are_told(tmp_path: Path, changes: dict[str, Any]) -> None:
    rewritten(tmp_path / "x.npz")
    assert equal(load_arrays(tmp_path / "x.npz", "image"), images())
    rewritten(tmp_path / "x.npz", **changes)
    with pytest.raises(DatasetError, match="prepare it again"):
        load_arrays(tmp_path / "x.npz", "image")


def test_other_files_are_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros(3))
    np.save(tmp_path / "y.npy", np.zeros(3))
    (tmp_path / "z.npz").write_bytes(b"hello")
    for path in (*tmp_path.iterdir(), tmp_path / "none.npz", tmp_path):
        with pytest.raises(DatasetError, match="prepare it again"):
            load_arrays(path, "image")


def test_splits() -> None:
    arrays = images()
    mixed = replace(
        arrays, tracks=tuple(t._replace(split="valid") if n == 1 else t for n, t in enumerate(arrays.tracks))
    )
    assert mixed.chosen("train") == [0, 2]
    assert mixed.chosen("valid") == [1]
    with pytest.raises(DatasetError, match="no track of split 'test'; there are: train, valid"):
        mixed.chosen("test")


def test_joined_pictures_stay_with_their_tracks() -> None:
    parts = [images("one", 3), images("three", 2, ("b", "c")), images("fifth", 1)]
    whole = joined(parts)
    assert whole.labels == ("a", "b", "c")
    assert whole.licence == "licence of one; licence of three; licence of fifth"
    assert [track.id for track in whole.tracks] == ["one0", "one1", "one2", "three0", "three1", "fifth0"]
    for part in parts:
        for number, track in enumerate(part.tracks):
            place = [other.id for other in whole.tracks].index(track.id)
            assert np.array_equal(whole.mel[whole.index == place], part.mel[part.index == number])


def test_joined_frames_stay_with_their_tracks() -> None:
    parts = [log_mels("one", (4, 7)), log_mels("three", (1,)), log_mels("fifth", (5, 2, 3))]
    whole = joined(parts)
    assert whole.index.tolist() == [0, 4, 11, 12, 17, 19, 22]
    place = 0
    for part in parts:
        for number in range(len(part.tracks)):
            right = part.mel[part.index[number] : part.index[number + 1]]
            assert np.array_equal(whole.mel[whole.index[place] : whole.index[place + 1]], right)
            place += 1


def test_joining_is_associative_and_one_is_itself() -> None:
    a, b, c = log_mels("one"), log_mels("three"), log_mels("fifth")
    assert equal(joined([joined([a, b]), c]), joined([a, joined([b, c])]))
    assert equal(joined([a]), a)


def test_a_teachers_outputs_stay_with_their_pictures(tmp_path: Path) -> None:
    one, two = (
        replace(part, teacher=np.full((len(part.mel), 2, 3), n, np.float16))
        for n, part in enumerate((images("one"), images("three")))
    )
    whole = joined([one, two])
    whole.save(tmp_path / "x.npz")
    loaded = load_arrays(tmp_path / "x.npz", "image").teacher
    assert loaded is not None
    assert loaded[:, 0, 0].tolist() == [0.0] * 6 + [1.0] * 6
    assert joined([one, images("three")]).teacher is None
    replace(one, teacher=np.zeros((2, 2, 3), np.float16)).save(tmp_path / "y.npz")
    with pytest.raises(DatasetError, match="prepare it again"):
        load_arrays(tmp_path / "y.npz", "image")


@pytest.mark.parametrize(
    "other", [log_mels(), replace(images(), spec=MelSpec(n_mels=8)), images(columns=6)], ids=["kind", "spec", "size"]
)
def test_what_cannot_be_joined(other: Arrays) -> None:
    with pytest.raises(DatasetError, match="one kind, mel spec and picture size"):
        joined([images(), other])
