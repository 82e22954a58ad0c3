"""kill -9 in the middle of a batch, and of a line of its journal: the next run does what is missing, and only that."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import audio_gen
from audio_gen.app.cli import main
from audio_gen.pipelines.journal import journal_of
from audio_gen.pipelines.tables import read_records

ENV = {**os.environ, "PYTHONPATH": str(Path(audio_gen.__file__).parent.parent), "OMP_NUM_THREADS": "1"}
FILES = 30
# runs the command line, and kills it when it has written half of a certain record to its journal
KILLED = """
import os, signal, sys
from audio_gen.app.cli import main
from audio_gen.pipelines.journal import Journal
add, left = Journal.add, [int(sys.argv[1])]
def add_or_die(self, name, line):
    if self._path is not None:
        left[0] -= 1
        if left[0] < 0:
            self._opened().write(line[: len(line) // 2])
            self._opened().flush()
            os.kill(os.getpid(), signal.SIGKILL)
    add(self, name, line)
Journal.add = add_or_die
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of 30 short files in folders, one of them broken, in their order."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    names = [f"music/{n // 10}/{n:02}.wav" for n in range(FILES)]
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(name, 0.1 * random.standard_normal(4000), 22050)
    Path(names[20]).write_bytes(b"no audio")
    return names


def killed_after(records: int, arguments: list[str]) -> None:
    command = [sys.executable, "-c", KILLED, str(records), *arguments]
    process = subprocess.run(command, env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60)
    assert process.returncode == -signal.SIGKILL, process.stderr


def whole_lines(journal: Path) -> list[dict[str, Any]]:
    *lines, torn = journal.read_bytes().split(b"\n")
    assert torn
    return [json.loads(line) for line in lines]


def stamps(folder: str) -> dict[Path, tuple[int, int]]:
    files = (path for path in Path(folder).rglob("*.npy") if not path.name.startswith("."))
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


@pytest.mark.parametrize(("kind", "kills"), [("jsonl", [11, 7]), ("csv", [11])])
def test_features_go_on_where_they_were_killed(many: list[str], kind: str, kills: list[int]) -> None:
    arguments = ["features", "music", "-o", "out", "--format", kind, "--jobs", "3", "--skip-existing"]
    manifest = Path("out", f"manifest.{kind}")
    written: dict[Path, tuple[int, int]] = {}
    for number, records in enumerate(kills):
        killed_after(records, arguments)
        rows = whole_lines(journal_of(manifest))
        assert len({row["path"] for row in rows}) == len(rows) == sum(kills[: number + 1])
        now = stamps("out")
        assert written.items() <= now.items()
        made = [Path("out", row["results"]["features"]["output"]) for row in rows if row["ok"]]
        written = {path: now[path] for path in made}
    Path("out/gone").mkdir()
    Path("out/gone/.away.part.npy").write_bytes(b"of a file that is no longer there")
    assert main(arguments) == 1
    assert written.items() <= stamps("out").items()
    assert [row["path"] for row in read_records(manifest, kind)] == many
    assert [row["path"] for row in read_records(manifest, kind) if row["ok"] in (False, "False")] == [many[20]]
    assert not list(Path("out").rglob(".*"))
    assert main(["features", "music", "-o", "calm", "--format", kind, "--jobs", "3"]) == 1
    for path in (*Path("calm").rglob("*.npy"), Path("calm", f"manifest.{kind}")):
        assert Path("out", path.relative_to("calm")).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_classify_goes_on_where_it_was_killed(
    tiny: Any, many: list[str], kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    tiny.classifier()
    target = Path("new", f"records.{kind}")
    arguments = ["classify", "music", "--model", "genre", "-o", str(target), "--format", kind, "--jobs", "3"]
    killed_after(11, arguments)
    assert not target.exists()
    before = {row["path"]: row for row in whole_lines(journal_of(target))}
    assert len(before) == 11
    assert main(arguments) == 2  # what was done is not thrown away unasked
    assert "add --skip-existing" in capfd.readouterr().err
    assert main([*arguments, "--skip-existing"]) == 1
    done = sum(row["ok"] for row in before.values())
    assert f"{FILES - done - 1} of {FILES} done, 1 failed, {done} skipped" in capfd.readouterr().err
    rows = read_records(target, kind)
    assert [row["path"] for row in rows] == many
    assert [row["path"] for row in rows if row["ok"] in (False, "False")] == [many[20]]
    if kind == "jsonl":
        assert all(row == before[row["path"]] for row in rows if row["path"] in before)
    assert [path.name for path in Path("new").iterdir()] == [target.name]
