import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_gen.app.cli import main
from audio_gen.datasets import folder
from audio_gen.datasets._arrays import load_arrays
from audio_gen.models import checkpoint

RATE = 22050
Small = Callable[[str], list[str]]


@pytest.fixture
def classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Class folders `music/high` and `music/low` in the working folder, six files each."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    t = np.arange(3 * RATE) / RATE
    for n in range(6):
        for label, hz in (("high", 3000 + 200 * n), ("low", 150 + 20 * n)):
            path = tmp_path / "music" / label / f"{n}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * t) + 0.02 * random.standard_normal(len(t)), RATE)
    return tmp_path / "music"


def settings(small: list[str], *more: str) -> list[str]:
    return [text for assignment in (*small, *more) for text in ("--set", assignment)]


def test_prepare_train_classify_evaluate(
    classes: Path, tiny_settings: Small, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The whole road of a classifier on a user's own folder."""
    assert main(["prepare", "folder", "--root", "music", "-o", "arrays/mine.npz"]) == 0
    assert "12 tracks, image [12, 128, 387]" in capfd.readouterr().err
    small = settings([*tiny_settings("classifier"), "steps=60", "mixup=0", "strength=0.3", "stretch=0.01"])
    train = ["train", "classifier", "--name", "mine", "--device", "cpu", "--validate-every", "20", "--quiet", *small]
    assert main([*train, "--data", "arrays/mine.npz", "--licence", "mine alone"]) == 0
    assert capfd.readouterr().out == "checkpoints/mine.safetensors\n"
    assert checkpoint.load(Path("checkpoints/mine.safetensors").resolve()).licence == "mine alone"
    monkeypatch.setenv("AUDIO_GEN_CHECKPOINTS", "checkpoints")
    assert main(["classify", "music", "--model", "mine", "--quiet"]) == 0
    records = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    right = [record["path"].split("/")[1] == record["results"]["mine"]["label"] for record in records]
    assert sum(right) >= 9
    command = ["evaluate", "mine", "--data", "folder", "--root", "music", "--split", "valid", "--quiet"]
    assert main([*command, "--json", "out/mine.json"]) == 0
    figures = json.loads(Path("out/mine.json").read_text())
    assert figures.keys() == {"accuracy", "macro_f1", "ece", "details"}
    assert figures["accuracy"].keys() == {"value", "low", "high"}
    assert figures["accuracy"]["value"] >= 0.5
    assert "accuracy" in capfd.readouterr().out


def test_tracks_that_are_named_are_left_out(classes: Path, capfd: pytest.CaptureFixture[str]) -> None:
    names = [item.id for item in folder.items(Path("music"))]
    command = ["prepare", "folder", "--root", "music", "--as", "waveform", "--seconds", "0.2", "-o", "arrays.npz"]
    assert main([*command, "--without", names[2], names[7]]) == 0
    assert "10 tracks" in capfd.readouterr().err
    kept = [track.id for track in load_arrays(Path("arrays.npz"), "waveform").tracks]
    assert kept == [name for name in names if name not in (names[2], names[7])]


def test_training_from_the_folder_itself_equals_training_from_its_arrays(classes: Path, tiny_settings: Small) -> None:
    small = settings(tiny_settings("classifier"), "steps=3")
    train = ["train", "classifier", "--name", "mine", "--device", "cpu", "--quiet", *small]
    assert main(["prepare", "folder", "--root", "music", "-o", "mine.npz", "--quiet"]) == 0
    assert main([*train, "--data", "mine.npz", "-o", "a", "--runs", "runs/a"]) == 0
    assert main([*train, "--data", "music", "-o", "b", "--runs", "runs/b"]) == 0
    one, other = (checkpoint.load(Path(name, "mine.safetensors").resolve()) for name in "ab")
    assert all(value.equal(other.state[key]) for key, value in one.state.items())


def test_training_from_a_table_and_from_a_named_dataset(
    classes: Path, tiny_settings: Small, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [
        f"music/{label}/{n}.wav,{(n - 3) / 4},{0.5 if label == 'high' else -0.5}"
        for label in ("high", "low")
        for n in range(6)
    ]
    Path("mood.csv").write_text("\n".join(["path,valence,arousal", *rows]) + "\n")
    small = settings(tiny_settings("emotion"), "steps=2")
    train = ["train", "emotion", "--device", "cpu", "--quiet", *small]
    assert main([*train, "--name", "mood", "--data", "mood.csv"]) == 0
    monkeypatch.setenv("AUDIO_GEN_CHECKPOINTS", "checkpoints")
    capfd.readouterr()
    assert main(["classify", "music/high/0.wav", "--model", "mood", "--quiet"]) == 0
    entry = json.loads(capfd.readouterr().out)["results"]["mood"]
    assert {"valence", "arousal", "valence_sd", "arousal_sd", "quadrant"} <= entry.keys()
    random = np.random.default_rng(0)
    for split in ("train", "valid"):
        Path("data/gtzan_mel").mkdir(parents=True, exist_ok=True)
        mel = random.integers(0, 256, (20, 128, 387), dtype=np.uint8)
        np.savez(
            f"data/gtzan_mel/{split}.npz", mel=mel, label=np.arange(20) % 10, name=[f"{split}{n}" for n in range(20)]
        )
    train = ["train", "classifier", "--device", "cpu", "--quiet", *settings(tiny_settings("classifier"), "steps=2")]
    assert main([*train, "--name", "small", "--data", "gtzan_mel", "--root", "data"]) == 0
    made = checkpoint.load(Path("checkpoints/small.safetensors").resolve())
    assert len(made.labels) == 10
    assert made.training["data"].startswith("gtzan_mel")


def test_prepare_train_generate(
    classes: Path, tiny_settings: Small, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The whole road of a generator."""
    assert main(["prepare", "folder", "--root", "music", "--as", "log_mel", "-o", "mels.npz", "--quiet"]) == 0
    small = settings(tiny_settings("gan"), "steps=3", "batch=4")
    command = ["train", "gan", "--name", "tones", "--data", "mels.npz", "--device", "cpu", "--quiet", *small]
    assert main(command) == 0
    monkeypatch.setenv("AUDIO_GEN_CHECKPOINTS", "checkpoints")
    assert main(["generate", "--model", "tones", "--count", "2", "--seconds", "1", "-o", "out", "--quiet"]) == 0
    made = sorted(path.name for path in Path("out").glob("*.wav"))
    assert made == ["tones_high_seed0_0000.wav", "tones_low_seed0_0001.wav"]
    assert all(soundfile.info(f"out/{name}").frames == RATE for name in made)
    capfd.readouterr()
    assert main([*command[:4], "--data", "mels.npz", *command[6:], "--overwrite"]) == 0
    assert main(["train", "classifier", "--name", "no", "--data", "mels.npz"]) == 2
    assert "holds log_mel arrays; this needs image" in capfd.readouterr().err


def test_existing_output(classes: Path, capfd: pytest.CaptureFixture[str]) -> None:
    prepare = ["prepare", "folder", "--root", "music", "-o", "x.npz", "--quiet"]
    assert main(prepare) == 0
    before = Path("x.npz").read_bytes()
    assert main(prepare) == 2
    assert "exists already; add --skip-existing" in capfd.readouterr().err
    Path("x.npz").write_bytes(b"old")
    assert main([*prepare, "--skip-existing"]) == 0
    assert Path("x.npz").read_bytes() == b"old"
    assert main([*prepare, "--overwrite"]) == 0
    assert len(Path("x.npz").read_bytes()) == len(before)


def test_an_undecodable_track_costs_a_warning(classes: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (classes / "low" / "3.wav").write_bytes(b"no music")
    assert main(["prepare", "folder", "--root", "music", "-o", "x.npz", "--quiet"]) == 0
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert "left out" in said[0]
    assert "3.wav" in said[0]
    assert len(load_arrays(Path("x.npz"), "image").tracks) == 11


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["folder", "--root", "nowhere", "-o", "x.npz"], "nowhere"),
        (["fold", "--root", "music", "-o", "x.npz"], "'fold' is not one of the datasets; there are: "),
        (["folder", "--root", "music", "-o", "arrays"], "has to end in .npz"),
        (["folder", "--root", "music", "-o", "x.npz", "--seconds", "0"], "seconds must be above 0"),
        (["folder", "--root", "music", "-o", "x.npz", "--as", "wave"], "--as"),
        (["folder", "--root", "music", "-o", "x.npz", "--jobs", "0"], "--jobs"),
        (["folder", "--root", "music"], "-o"),
    ],
)
def test_wrong_usage(classes: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(["prepare", *arguments, "--quiet"]) == 2
    said = capfd.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert not Path("x.npz").exists()
