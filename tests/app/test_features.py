import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import audio_gen
from audio_gen.app.cli import main
from audio_gen.audio.decode import load
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec

ENV = {**os.environ, "PYTHONPATH": str(Path(audio_gen.__file__).parent.parent), "OMP_NUM_THREADS": "1"}
GOOD = ["a/track01", "b/track01", "b/x.wav/t"]
# runs the command line, and hangs at the fifth block, in the middle of the second file, until it is stopped
HANGING = """
import sys, time
from audio_gen.app.cli import main
from audio_gen.pipelines import batch
from audio_gen.features.streaming import LogMelStream
push, calls = LogMelStream.push, []
def hang(self, block):
    calls.append(1)
    if len(calls) == 5:
        print("here", file=sys.stderr, flush=True)
        stop = getattr(batch._thread, "stop", None)
        (stop.wait if stop else time.sleep)(60)
    return push(self, block)
LogMelStream.push = hang
sys.exit(main(sys.argv[1:]))
"""


def manifest(folder: str = "out") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(folder, "manifest.jsonl").read_text().splitlines()]


def tree(folder: str) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def features(text: str) -> int:
    return main(["features", *text.split()])


def test_features_equal_the_whole_file(music: Path) -> None:
    assert features("music -o out --batch-size 1") == 1
    for name in GOOD:
        path = next(music.glob(f"{name}.*"))
        whole = LogMel(MelSpec())(load(path).to(22050, 1).samples)[0].numpy()
        mel = np.load(f"out/{name}.npy")
        assert mel.dtype == np.float32
        assert mel.shape == whole.shape == (128, 1 + 55125 // 256)
        assert np.abs(mel - whole).max() <= 1e-5


def test_the_manifest_records_what_was_done(music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert features("music -o out --dtype float16 --n-mels 40 --fmax 4000 --power 2") == 1
    rows = manifest()
    assert [json.loads(line) for line in capfd.readouterr().out.splitlines()] == rows
    assert [row["ok"] for row in rows] == [True, True, True, False, False]
    assert rows[3]["error"]["type"] == "DecodeError"
    row = rows[1]
    assert (row["path"], row["duration_s"], row["sample_rate"]) == ("music/b/track01.flac", 2.5, 44100)
    made, source = row["results"]["features"], music / "b" / "track01.flac"
    assert made == {
        "output": "b/track01.npy",
        "spec": MelSpec(n_mels=40, fmax=4000, power=2).to_dict(),
        "dtype": "float16",
        "source_size": source.stat().st_size,
        "source_mtime": source.stat().st_mtime,
        "frames": 216,
    }
    assert np.load("out/b/track01.npy").shape == (40, 216)
    assert np.load("out/b/track01.npy").dtype == np.float16
    assert sorted(tree("out")) == sorted([*(f"{name}.npy" for name in GOOD), "manifest.jsonl"])


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_skip_existing_by_size_time_spec_and_type(music: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    def again(text: str = "") -> int:
        shutil.copytree("out", "before", dirs_exist_ok=True, copy_function=shutil.copy2)
        capfd.readouterr()
        features(f"music/a music/b -o out --format {kind} --skip-existing {text}")
        note = capfd.readouterr().err.splitlines()[-1]
        return int(note.removeprefix("audio-gen: ").split()[0])

    assert features(f"music/a music/b -o out --format {kind}") == 0
    assert features(f"music/a music/b -o out --format {kind}") == 2
    assert again() == 0
    assert tree("out") == tree("before")
    os.utime(music / "a/track01.wav", (1, 1))
    assert again() == 1
    Path("out/b/track01.npy").unlink()
    assert again() == 1
    for other, name in (("--dtype float16", "dtype"), ("--n-mels 80", "spec.n_mels")):  # never replaced unasked
        assert features(f"music/a music/b -o out --format {kind} --skip-existing {other}") == 2
        assert f"another {name}; give --overwrite" in capfd.readouterr().err
    assert again() == 0
    wrong = "csv" if kind == "jsonl" else "jsonl"
    assert features(f"music/a music/b -o out --format {wrong} --skip-existing") == 2
    assert f"has manifest.{kind}; give --format as then" in capfd.readouterr().err
    assert features(f"music/a music/b -o out --format {kind} --overwrite --n-mels 80") == 0


def test_a_second_run_with_other_files_adds_to_the_manifest(music: Path) -> None:
    assert features("music/a/track01.wav -o out") == 0
    first = manifest()
    shutil.copy("music/b/track01.flac", "other.flac")
    assert features("other.flac -o out") == 2
    assert features("other.flac -o out --skip-existing") == 0
    assert [row["path"] for row in manifest()] == ["other.flac", "music/a/track01.wav"]
    assert manifest()[1] == first[0]


def test_overwrite_does_it_again(music: Path) -> None:
    assert features("music/a -o out") == 0
    before = tree("out")
    Path("out/track01.npy").write_bytes(b"spoilt")
    Path("out/manifest.jsonl").write_text("spoilt\n\n")
    assert features("music/a -o out --skip-existing") == 2
    assert features("music/a -o out --overwrite") == 0
    assert tree("out") == before


def test_tables(music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert features("music -o out --format csv") == 1
    with open("out/manifest.csv", newline="") as file:
        text = file.read()
    assert text == capfd.readouterr().out
    rows = list(csv.DictReader(text.splitlines()))
    assert rows[0]["results.features.spec.n_mels"] == "128"
    assert rows[4]["error.type"] == "DecodeError"
    assert features("music -o out2 --format parquet") == 1
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "text", ["music -o out --fmin 20000", "music -o out --hop-length 0", "nowhere -o out", "music"]
)
def test_wrong_usage_leaves_nothing(music: Path, text: str) -> None:
    assert features(text) == 2
    assert not Path("out").exists()


def test_short_and_odd_files(music: Path) -> None:
    import soundfile

    odd = Path("odd")
    odd.mkdir()
    soundfile.write(odd / "one.wav", np.zeros(1), 44100)
    soundfile.write(odd / "5 ms \n🎵.WAV", np.ones(220) * 0.1, 44100)
    soundfile.write(odd / "eight.wav", np.zeros((9600, 8)), 96000)
    soundfile.write(odd / "x.wav", np.zeros(8000), 8000, subtype="PCM_U8")
    (odd / "x.wav").rename(os.fsdecode(b"odd/\xff.wav"))
    assert features("odd -o out") == 0
    assert sorted(np.load(path).shape[1] for path in Path("out").glob("*.npy")) == [1, 1, 9, 87]
    assert len(manifest()) == 4


def start(text: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HANGING, "features", *text.split()]
    process = subprocess.Popen(command, env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while (line := process.stderr.readline()) != "here\n":
        assert line, "the command ended too early"
    return process


def test_killed_and_resumed_equals_undisturbed(music: Path) -> None:
    process = start("music -o out --batch-size 1 --jobs 1")
    process.kill()
    process.communicate()
    assert sorted(tree("out")) == [".manifest.jsonl.journal", "a/track01.npy", "b/.track01.part.npy"]
    done = Path("out/a/track01.npy").stat()
    assert features("music -o out --batch-size 1 --jobs 1 --skip-existing") == 1
    assert Path("out/a/track01.npy").stat() == done
    assert features("music -o undisturbed --batch-size 1 --jobs 1") == 1
    assert tree("out") == tree("undisturbed")


@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupted_leaves_no_half_written_file(music: Path, jobs: int) -> None:
    process = start(f"music -o out --batch-size 1 --jobs {jobs}")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "audio-gen: interrupted; what was done is kept"
    assert "Traceback" not in err
    left = tree("out")
    assert left.pop("manifest.jsonl").count(b"\n") <= (2 if jobs == 1 else 4)  # the others went on meanwhile
    assert not [name for name in left if "/." in name or name.startswith(".")]
    assert all(np.load(Path("out", name)).shape == (128, 216) for name in left)
    assert features("music -o out --skip-existing") == 1
    assert [row["ok"] for row in manifest()] == [True, True, True, False, False]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_cuda(music: Path) -> None:
    assert features("music/a -o gpu --device cuda") == 0
    assert features("music/a -o cpu --device cpu") == 0
    assert np.abs(np.load("gpu/track01.npy") - np.load("cpu/track01.npy")).max() < 1e-3
