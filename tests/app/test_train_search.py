"""`audio-gen train` with --trials and with --folds."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import audio_gen
from audio_gen.app.cli import main
from audio_gen.datasets._arrays import Arrays
from audio_gen.models import checkpoint

ENV = {**os.environ, "PYTHONPATH": str(Path(audio_gen.__file__).parent.parent), "OMP_NUM_THREADS": "1"}
Small = Callable[[str], list[str]]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: Arrays, emotions: Arrays, tiny_settings: Small
) -> Callable[..., list[str]]:
    """The beginning of a command line, with prepared arrays in the working folder."""
    monkeypatch.chdir(tmp_path)
    pictures.save(tmp_path / "classifier.npz")
    emotions.save(tmp_path / "emotion.npz")

    def made(recipe: str, *more: str) -> list[str]:
        small = [text for text in tiny_settings(recipe) if not text.startswith("rate")]
        start = ["train", recipe, "--name", "mine", "--data", f"{recipe}.npz", "--device", "cpu", "--set", *small]
        return [*start, *more]

    return made


def test_a_search_is_killed_and_goes_on(command: Callable[..., list[str]], capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("optuna", reason="comes with the extra `search`")
    line = command("classifier", "steps=6", "--validate-every", "1", "--trials", "2")
    process = subprocess.Popen([sys.executable, "-m", "audio_gen", *line], env=ENV, stderr=subprocess.PIPE)
    end = time.monotonic() + 300
    while not Path("runs/mine/trial-2/state.pt").exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.001)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not Path("checkpoints").exists()
    assert main(line) == 0
    said = capfd.readouterr()
    assert said.out == "checkpoints/mine.safetensors\n"
    assert "trial 2 of 2" in said.err
    assert "trial 1 of 2" not in said.err
    made = checkpoint.load(Path("checkpoints/mine.safetensors").resolve())
    assert made.training["search"]["trials"] == 2
    store = sqlite3.connect("runs/mine/search.sqlite")
    states = [row[0] for row in store.execute("select state from trials order by number")]
    store.close()
    assert states == ["COMPLETE", "FAIL", "COMPLETE"]


def test_folds_are_printed_and_written(command: Callable[..., list[str]], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(command("emotion", "steps=3", "--folds", "2")) == 0
    said = capfd.readouterr()
    assert said.out == "runs/mine/folds.json\n"
    assert "arousal_r " in said.err
    assert "95 % [" in said.err
    report = json.loads(Path("runs/mine/folds.json").read_text())
    assert report["arousal_r"].keys() == {"value", "low", "high"}
    assert report["details"]["data"] == "emotion.npz"
    assert not Path("checkpoints").exists()


@pytest.mark.parametrize(
    ("recipe", "more", "message"),
    [
        ("emotion", ["--folds", "2", "--trials", "3"], "not allowed with"),
        ("emotion", ["--trials", "0"], "whole number from 1 on"),
        ("emotion", ["--folds", "1"], "a number from 2 on, or the dataset's own as in 0-3, not '1'"),
        ("emotion", ["--folds", "0-3"], "tell no fold 0, 1, 2, 3; prepare it again, or give --folds K"),
        ("classifier", ["--folds", "40"], "40 folds need 40 groups or more"),
    ],
)
def test_wishes_that_cannot_be_met_cost_one_line(
    command: Callable[..., list[str]],
    capfd: pytest.CaptureFixture[str],
    recipe: str,
    more: list[str],
    message: str,
) -> None:
    assert main(command(recipe, "steps=2", *more)) == 2
    said = capfd.readouterr()
    assert message in said.err
    assert said.out == ""
    assert not Path("runs").exists()
