"""`train --devices 2`: two processes on the CPU, started as a user starts them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import audio_gen
from audio_gen.datasets._arrays import Arrays
from audio_gen.models import checkpoint
from audio_gen.models.classifier import ClassifierNet

ENV = {**os.environ, "PYTHONPATH": str(Path(audio_gen.__file__).parent.parent), "OMP_NUM_THREADS": "1"}
Start = Callable[..., "subprocess.Popen[str]"]
# the command line, but each process also keeps the gradients of the last step, before and after they are shared
WATCHED = """
import os, sys
os.environ["TORCH_CPP_LOG_LEVEL"] = "ERROR"  # the command sets it itself, where torch isn't there before it
import torch
from audio_gen.app.cli import main
from audio_gen.training.trainee import Trainee
plain = Trainee.descend
def descend(self, loss, step, progress):
    weights = list(self.net.parameters())
    own = torch.autograd.grad(loss, weights, retain_graph=True)
    plain(self, loss, step, progress)
    kept = {"own": own, "shared": [w.grad for w in weights], "weights": [w.detach() for w in weights]}
    torch.save(kept, f"process{os.environ['LOCAL_RANK']}.pt")
Trainee.descend = descend
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: Arrays, tiny_settings: Callable[[str], list[str]]
) -> Iterator[Start]:
    """Begins the training of `mine` in the working folder: `start(*how)`; what is left of it ends with the test."""
    monkeypatch.chdir(tmp_path)
    pictures.save(tmp_path / "pictures.npz")
    Path("watched.py").write_text(WATCHED)
    begun: list[subprocess.Popen[str]] = []
    settings = ["--set", *tiny_settings("classifier"), "steps=40", "--validate-every", "4", "--patience", "0"]
    command = ["train", "classifier", "--name", "mine", "--data", "pictures.npz", "--device", "cpu", "--devices", "2"]

    def starter(*how: str) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        arguments = [sys.executable, *how, *command, *settings]
        process = subprocess.Popen(arguments, env=ENV, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
        begun.append(process)
        return process

    yield starter
    for process in begun:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def child_of(process: "subprocess.Popen[str]") -> int:
    """The second process, when the first has saved its state a few times."""
    saved, seen, end = Path("runs/mine/state.pt"), set[int](), time.monotonic() + 60
    while len(seen) < 3 and process.poll() is None and time.monotonic() < end:
        if saved.exists():
            seen.add(saved.stat().st_mtime_ns)
        time.sleep(0.001)
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)


def state(folder: str) -> dict[str, Any]:
    return checkpoint.load(Path(folder, "mine.safetensors").resolve()).state


OURS = ("mine step ", "audio-gen: ")  # how lines of ours begin


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the second process through /proc")
def test_two_processes_learn_as_one_and_a_lost_one_ends_it(start: Start) -> None:
    code, out, err = ended(start("watched.py"))
    assert (code, out) == (0, "checkpoints/mine.safetensors\n"), err  # said once
    lines = [line for line in err.splitlines() if line.startswith(OURS)]  # torch may speak of slow connections
    assert len(lines) == len(set(lines)) == 11, err  # 10 validations and the report, each told once
    made = checkpoint.load(Path("checkpoints/mine.safetensors"))
    assert checkpoint.build(ClassifierNet, made)(torch.zeros(1, 128, 16)).logits.shape == (1, 4)
    first, second = (torch.load(f"process{rank}.pt") for rank in (0, 1))
    for one, other, shared, copy in zip(first["own"], second["own"], first["shared"], second["shared"], strict=True):
        assert torch.equal(shared, copy)
        assert torch.allclose(shared, (one + other) / 2, rtol=1e-5, atol=1e-7)
        assert not torch.equal(one, other)  # they had seen different pictures
    assert all(map(torch.equal, first["weights"], second["weights"]))

    Path("checkpoints").rename("whole")
    Path("runs").rename("before")
    process = start("-m", "audio_gen")
    os.kill(child_of(process), signal.SIGKILL)
    code, out, err = ended(process)
    assert (code, out) == (1, "")
    assert "'mine': another of its 2 processes has ended" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not Path("checkpoints").exists()

    code, out, err = ended(start("-m", "audio_gen"))
    assert (code, out) == (0, "checkpoints/mine.safetensors\n"), err
    assert 1 < sum(line.startswith(OURS) for line in err.splitlines()) < 11, err  # it has gone on
    resumed, whole = state("checkpoints"), state("whole")
    assert all(value.equal(whole[key]) for key, value in resumed.items())
