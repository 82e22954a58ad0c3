"""`generate` with --tree, products of labels and seeds, and what a kill or a full disk leaves."""

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from audio_gen.app.cli import main


def generate(output: Path, *arguments: str) -> int:
    return main(["generate", "--model", "music", "-o", str(output), "--seconds", "0.3", "--quiet", *arguments])


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def test_labels_times_seeds(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.generator()
    assert generate(tmp_path / "out", "--label", "folk", "techno", "--seed", "1", "2", "1", "--count", "2") == 0
    names = [
        f"music_{label}_seed{seed}_000{index}.wav" for label in ("folk", "techno") for seed in "12" for index in "01"
    ]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.wav")) == names
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [Path(row["path"]).name for row in told] == names
    assert [row["results"]["generate"]["label"] for row in told] == ["folk"] * 4 + ["techno"] * 4


def test_a_folder_for_each_label_and_all_records(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.generator()
    assert generate(tmp_path / "out", "--tree", "--count", "3") == 0
    assert capfd.readouterr().out == ""
    stems = ["folk/music_folk_seed0_0000", "techno/music_techno_seed0_0001", "folk/music_folk_seed0_0002"]
    assert tree(tmp_path / "out").keys() == {f"{stem}.{end}" for stem in stems for end in ("wav", "json")} | {
        "manifest.jsonl"
    }
    assert [row["path"] for row in rows(tmp_path / "out")] == [str(tmp_path / "out" / f"{stem}.wav") for stem in stems]
    assert generate(tmp_path / "out", "--tree", "--count", "3") == 2
    assert "exists already" in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_after_a_kill_only_what_is_missing_is_made(tiny: Any, tmp_path: Path, kind: str) -> None:
    tiny.generator()
    out, options = tmp_path / "out", ("--tree", "--count", "4", "--format", kind)
    assert generate(out, *options) == 0
    whole = tree(out)
    table = out / f"manifest.{kind}"
    lines = table.read_bytes().splitlines(keepends=True)
    if kind == "jsonl":  # killed while it wrote: a torn row, a clip without its row, a clip without its .json
        table.write_bytes(b"".join(lines[:1]) + lines[1][:40])
    else:
        table.unlink()
    (out / "techno" / "music_techno_seed0_0003.json").unlink()
    (out / "techno" / ".music_techno_seed0_0003.part.wav").write_bytes(b"half")
    kept = out / "folk" / "music_folk_seed0_0002.wav"
    kept.write_bytes(b"left alone")
    assert generate(out, *options, "--skip-existing") == 0
    found = tree(out)
    assert found.pop("folk/music_folk_seed0_0002.wav") == b"left alone"
    assert {name: found[name] for name in found if not name.startswith("manifest")} == {
        name: data for name, data in whole.items() if name in found and not name.startswith("manifest")
    }
    assert sorted(table.read_bytes().splitlines(keepends=True)) == sorted(lines)
    assert found.keys() | {"folk/music_folk_seed0_0002.wav"} == whole.keys()


def test_an_account_that_cannot_be_read_is_told(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.generator()
    assert generate(tmp_path, "--tree") == 0
    (tmp_path / "manifest.jsonl").unlink()
    (tmp_path / "folk" / "music_folk_seed0_0000.json").write_text("{")
    assert generate(tmp_path, "--tree", "--skip-existing") == 2
    assert "--overwrite makes the clip again" in capfd.readouterr().err
    assert generate(tmp_path, "--tree", "--overwrite") == 0
    assert len(rows(tmp_path)) == 1


def test_two_clips_of_one_name_are_refused(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.generator(labels=("hip hop", "hip-hop"))
    assert generate(tmp_path / "out", "--label", "hip hop", "hip-hop") == 2
    assert "'hip hop' and 'hip-hop' would both be called" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()
    assert generate(tmp_path / "out", "--label", "hip hop", "hip hop") == 0
    assert len(list((tmp_path / "out").glob("*.wav"))) == 1


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_full_disk_leaves_nothing_behind(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], jobs: str
) -> None:
    tiny.generator()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        code = generate(tmp_path / "out", "--count", "3", "--jobs", jobs)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == 4
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [row["ok"] for row in told] == [False] * 3
    assert not [path for folder in ("out", "temporary") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    assert generate(tmp_path / "out", "--count", "3", "--skip-existing") == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--best-of", "2", "--judge", "nothing"], 3, "no checkpoint is called 'nothing'"),
        (["--best-of", "0"], 2, "--best-of"),
        (["--judge", "music"], 2, "--judge goes with --best-of K"),
        (["--check-copies"], 3, "no index of the music that 'music' was trained on"),
        (["--like", "nothing.wav"], 2, "no such file: 'nothing.wav'"),
        (["--rerender", "nothing.wav"], 2, "leave out --seconds, --tree"),
        (["--lufs", "3"], 2, "-70 and -5 LUFS"),
        (["--fade", "-1", "0"], 2, "fades"),
        (["--jobs", "0"], 2, "--jobs"),
        (["--batch-size", "2"], 2, "--batch-size"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_written(
    tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    tiny.generator()
    assert generate(tmp_path / "out", "--tree", *arguments) == code
    assert message in capfd.readouterr().err
    assert not (tmp_path / "out").exists() or not tree(tmp_path / "out")


def test_a_model_must_be_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "-o", str(tmp_path / "out")]) == 2
    assert "--model NAME" in capfd.readouterr().err


def test_an_autoencoder_without_labels_is_told(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.autoencoder(labels=())
    assert main(["generate", "--model", "vae", "-o", str(tmp_path / "out")]) == 2
    assert "without labels" in capfd.readouterr().err


def test_takes_are_told_beside_the_best(tiny: Any, tmp_path: Path) -> None:
    tiny.generator(critic=True)
    assert generate(tmp_path, "--best-of", "3", "--seconds", "0.5") == 0
    (told,) = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert [take["take"] for take in told["takes"]] == [0, 1, 2]
    best = max(told["takes"], key=lambda take: take["critic"])
    assert told["wish"]["take"] == best["take"]


def test_what_is_kept_must_be_what_was_asked_for(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.generator()
    command = ["generate", "--model", "music", "-o", str(tmp_path), "--quiet"]
    assert main([*command, "--seconds", "0.3"]) == 0
    assert main([*command, "--seconds", "0.3", "--count", "2", "--skip-existing"]) == 0
    capfd.readouterr()
    assert main([*command, "--seconds", "0.5", "--skip-existing"]) == 2
    assert "was made from another wish" in capfd.readouterr().err
    assert main([*command, "--seconds", "0.3", "--skip-existing", "--lufs", "-20"]) == 2
    assert "another finish" in capfd.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_told_first(
    tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tiny.generator()
    (tmp_path / "file").write_bytes(b"mine")
    assert main(["generate", "--model", "music", "--seconds", "0.3", "-o", str(tmp_path / "file")]) == 2
    assert "can't write to the folder" in capfd.readouterr().err
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_closed_pipe_stops_no_clip(tiny: Any, tmp_path: Path) -> None:
    tiny.generator()
    environment = {**os.environ, "AUDIO_GEN_CHECKPOINTS": str(tiny.folder)}
    line = [sys.executable, "-m", "audio_gen", "generate", "--model", "music", "--seconds", "0.2", "--count", "5"]
    process = subprocess.Popen([*line, "-o", str(tmp_path / "out")], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(60) == 0
    assert len(list((tmp_path / "out").glob("*.wav"))) == 5
