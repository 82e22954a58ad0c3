import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import audio_gen
from audio_gen.app.cli import main
from audio_gen.datasets._arrays import Arrays
from audio_gen.models import checkpoint

ENV = {**os.environ, "PYTHONPATH": str(Path(audio_gen.__file__).parent.parent), "OMP_NUM_THREADS": "1"}
Small = Callable[[str], list[str]]

# a machine with torch, torchaudio, numpy, safetensors and lightning, and nothing else
BARE = """
import importlib.machinery, sys
MISSING = set('''soundfile av soxr librosa numba llvmlite scipy sklearn pyarrow PIL symusic mido pretty_midi
    tinysoundfont tensorboard typer rich pandas matplotlib'''.split())
class Bare(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split('.')[0] in MISSING else super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Bare
"""


@pytest.fixture
def data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: Arrays, emotions: Arrays, mels: Arrays
) -> dict[str, str]:
    """Prepared arrays for each recipe, in the working folder."""
    monkeypatch.chdir(tmp_path)
    pictures.save(tmp_path / "pictures.npz")
    emotions.save(tmp_path / "emotions.npz")
    mels.save(tmp_path / "mels.npz")
    return {"classifier": "pictures.npz", "emotion": "emotions.npz", "gan": "mels.npz"}


def arguments(recipe: str, data: dict[str, str], small: list[str], *more: str) -> list[str]:
    settings = [text for assignment in small for text in ("--set", assignment)]
    return ["train", recipe, "--name", "mine", "--data", data[recipe], "--device", "cpu", *settings, *more]


def state(folder: str) -> dict[str, Any]:
    return checkpoint.load(Path(folder, "mine.safetensors").resolve()).state


def stopped(command: list[str], number: signal.Signals) -> "subprocess.CompletedProcess[str]":
    """Run the command, and send it a signal when it has saved its state a few times."""
    saved, seen = Path("runs/mine/state.pt"), set()
    process = subprocess.Popen(
        [sys.executable, "-m", "audio_gen", *command],
        env=ENV,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while len(seen) < 4 and process.poll() is None and time.monotonic() < end:
        if saved.exists():
            seen.add(saved.stat().st_mtime_ns)
        time.sleep(0.001)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.mark.parametrize(
    ("recipe", "number", "code"),
    [("classifier", signal.SIGKILL, -9), ("gan", signal.SIGKILL, -9), ("classifier", signal.SIGINT, 130)],
)
def test_stopped_in_the_middle_and_gone_on_with(
    data: dict[str, str], tiny_settings: Small, recipe: str, number: signal.Signals, code: int
) -> None:
    command = arguments(recipe, data, [*tiny_settings(recipe), "steps=24"], "--validate-every", "2", "--patience", "12")
    done = stopped(command, number)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("checkpoints").exists()  # nothing half-trained looks finished
    assert {path.name for path in Path("runs/mine").iterdir()} >= {"state.pt", "best.safetensors"}
    assert main([*command, "--quiet"]) == 0
    assert main([*command, "--runs", "other", "-o", "whole", "--quiet"]) == 0
    resumed, whole = state("checkpoints"), state("whole")
    assert resumed.keys() == whole.keys()
    assert all(value.equal(whole[key]) for key, value in resumed.items())
    assert sorted(path.name for path in Path("checkpoints").iterdir()) == ["mine.md", "mine.safetensors"]


def test_trains_on_a_bare_machine(data: dict[str, str], tiny_settings: Small) -> None:
    lines = [
        BARE,
        "import importlib, pkgutil, audio_gen.training",
        "for module in pkgutil.walk_packages(audio_gen.training.__path__, 'audio_gen.training.'):",
        "    importlib.import_module(module.name)",
        "from audio_gen.app.cli import main",
    ]
    for recipe in data:
        command = arguments(recipe, data, [*tiny_settings(recipe), "steps=2"], "--runs", f"runs/{recipe}", "-o", recipe)
        lines.append(f"assert main({command!r}) == 0")
    lines.append("assert not [name for name in sys.modules if name.split('.')[0] in MISSING]")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], env=ENV, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(Path(recipe, "mine.safetensors").is_file() for recipe in data)
    assert done.stdout.split() == [f"{recipe}/mine.safetensors" for recipe in data]


def test_prints_where_it_is_and_remembers_how_it_was_made(
    data: dict[str, str], tiny_settings: Small, capfd: pytest.CaptureFixture[str]
) -> None:
    command = arguments(
        "classifier", data, [*tiny_settings("classifier"), "steps=4"], "--licence", "CC0-1.0", "--seed", "7"
    )
    assert main([*command, "-o", "made here"]) == 0
    said = capfd.readouterr()
    assert said.out == "made here/mine.safetensors\n"
    assert "mine step 4/4" in said.err
    made = checkpoint.load(Path("made here/mine.safetensors"))
    assert made.licence == "CC0-1.0"
    card = Path("made here/mine.md").read_text()
    assert card.startswith("# mine\n")
    for told in ("`classifier`", "pictures.npz", "**Licence**: CC0-1.0", "batch 8", "accuracy ", "audio-gen "):
        assert told in card
    assert made.training["data"] == "pictures.npz"
    assert made.training["command"].startswith("audio-gen ")
    assert (made.training["seed"], made.training["recipe"], made.training["settings"]["batch"]) == (7, "classifier", 8)
    assert main([*command, "-o", "made here"]) == 2
    assert "--overwrite" in capfd.readouterr().err
    assert main([*command, "-o", "made here", "--overwrite", "--quiet"]) == 0


def test_starts_from_a_checkpoint(data: dict[str, str], tiny: Any, tiny_settings: Small) -> None:
    tiny.classifier("old", licence="research only")
    command = arguments("classifier", data, [*tiny_settings("classifier"), "steps=2"], "--init", "old", "--quiet")
    assert main([*command, "--licence", "mine", "-o", "made"]) == 0
    made, old = checkpoint.load(Path("made/mine.safetensors")), checkpoint.load("old")
    assert made.licence == "research only (from old); mine"  # terms don't get lost on the way
    assert made.training["init"] == {"name": "old", "sha256": old.sha256}
    assert f"started from old (sha256 {old.sha256[:12]}…)" in Path("made/mine.md").read_text()


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--data", "mels.npz"], 2, "holds log_mel arrays; this needs image: `audio-gen prepare --as image"),
        (["--data", "none.npz"], 2, "'none.npz' is no file, no folder and no dataset; the datasets are: "),
        (["--data", "text.npz"], 2, "prepare it again"),
        (["--data", "empty"], 2, "no class folder with music in it"),
        (["--data", "gtzan_mel", "--root", "empty"], 2, "gtzan_mel"),
        (["--set", "steps=0"], 2, "whole numbers from 1 on"),
        (["--set", "speed=9"], 2, "give key=value with one of: steps="),
        (["--name", "../mine"], 2, "plain name"),
        (["--device", "tpu"], 2, "auto, cpu, cuda"),
        (["--precision", "7-bit"], 2, "7-bit"),
        (["--init", "nothing"], 3, "no checkpoint is called 'nothing'"),
        (["--init", "music"], 3, "family 'generator', not 'classifier'"),
    ],
)
def test_what_cannot_be_trained_costs_one_line(
    data: dict[str, str],
    tiny: Any,
    tiny_settings: Small,
    capfd: pytest.CaptureFixture[str],
    more: list[str],
    code: int,
    message: str,
) -> None:
    tiny.generator()
    Path("text.npz").write_text("no arrays")
    Path("empty").mkdir()
    command = arguments("classifier", data, [*tiny_settings("classifier"), "steps=2"], *more, "--quiet")
    assert main(command) == code
    said = capfd.readouterr()
    assert message in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""
    assert not Path("checkpoints", "mine.safetensors").exists()


def test_an_unknown_recipe_lists_the_known_ones(data: dict[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "diffusion", "--name", "mine", "--data", "pictures.npz"]) == 2
    assert "'diffusion' is not one of the recipes; there are: classifier" in capfd.readouterr().err
