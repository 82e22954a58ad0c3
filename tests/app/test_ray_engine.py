"""Records of `--engine ray` are those of the local engine, also where workers are killed."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audio_gen.app.cli import main
from audio_gen.app.commands import features
from audio_gen.pipelines import ray_cluster, ray_engine
from audio_gen.pipelines.tables import read_records


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two workers on this machine, for all tests here."""
    pytest.importorskip("ray.data", reason="comes with the extra `ray`")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray_cluster, "usable_cores", lambda: 2)
        patch.setenv("RAY_worker_niceness", "0")  # else the workers give way to all that runs beside the tests
        with ray_cluster.connected():
            yield


def tree(folder: str) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def deadly(once: str, always: str, deaths: Path) -> Callable[..., Any]:
    """`features._start`, but the worker gets kill -9 in the middle of one file the first time, of another each time."""
    start, kill = features._start, signal.SIGKILL

    def begin(arguments: Any, spec: Any, device: Any) -> Callable[..., Any]:
        from audio_gen.features.streaming import LogMelStream

        extract, push = start(arguments, spec, device), LogMelStream.push

        def work(source: Any, output: Path) -> Any:
            def dying(stream: Any, block: Any) -> Any:
                push(stream, block)
                with deaths.open("a") as file:
                    file.write(f"{source.name} {os.getpid()}\n")
                os.kill(os.getpid(), kill)

            told = deaths.read_text() if deaths.exists() else ""
            doomed = source.name == always or (source.name == once and once not in told)
            LogMelStream.push = dying if doomed else push  # type: ignore[method-assign]
            return extract(source, output)

        return work

    return begin


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_when_workers_are_killed(
    cluster: None, music: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(music / "a/track01.wav", music / "z.wav")
    assert main(["features", "music", "-o", "local", "--batch-size", "1"]) == 1
    expected = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    deaths = Path("deaths").resolve()
    monkeypatch.setattr(ray_engine, "_MOST_TRIES", 2)
    monkeypatch.setattr(features, "_start", deadly("music/b/track01.flac", "music/z.wav", deaths))
    assert main(["features", "music", "-o", "ray", "--batch-size", "1", "--engine", "ray"]) == 1
    said = capfd.readouterr()
    records = [json.loads(line) for line in said.out.splitlines()]
    died = [line.split()[0] for line in deaths.read_text().splitlines()]
    assert sorted(died) == ["music/b/track01.flac", *["music/z.wav"] * 2]
    assert len({line.split()[1] for line in deaths.read_text().splitlines()}) == 3  # each time another process
    assert records[:-1] == expected[:-1]
    assert [record["ok"] for record in records] == [True, True, True, False, False, False]
    assert "killed 2 times" in records[-1]["error"]["message"]
    assert said.err.splitlines() == ["audio-gen: 3 of 6 done, 3 failed"]  # Ray itself says nothing
    monkeypatch.undo()
    monkeypatch.chdir(music.parent)
    assert main(["features", "music", "-o", "ray", "--batch-size", "1", "--skip-existing"]) == 1
    assert capfd.readouterr().err.splitlines()[-1] == "audio-gen: 1 of 6 done, 2 failed, 3 skipped"
    assert tree("ray") == tree("local")


@pytest.mark.slow
def test_classify_says_the_same(tiny: Any, cluster: None, music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.classifier()
    tiny.emotion()
    arguments = ["classify", "music", "--embeddings", "--quiet", "--format", "parquet"]
    for engine in ("local", "ray"):
        Path(engine).mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(engine)
            shutil.copytree("../music", "music")
            assert main([*arguments, "-o", "out.parquet", "--heat-map", "maps", "--engine", engine]) == 1
            shutil.rmtree("music")
    assert capfd.readouterr() == ("", "")
    rows = [read_records(Path(engine, "out.parquet"), "parquet") for engine in ("local", "ray")]
    assert rows[0] == rows[1]
    assert [row["ok"] for row in rows[1]] == [True, True, True, False, False]
    assert tree("ray") == tree("local")
    assert len(tree("ray")) == 1 + 2 * 3


@pytest.mark.slow
def test_fail_fast_ends_at_the_first_failure(cluster: None, music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["features", "music/a", "music/empty.mp3", "music/b", "-o", "out", "--engine", "ray", "--fail-fast"]
    assert main(command) == 1
    records = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [record["ok"] for record in records] == [True, False]
    assert len(read_records(Path("out/manifest.jsonl"), "jsonl")) == 2


def test_without_ray_it_says_what_to_install(
    music: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    assert main(["features", "music", "-o", "out", "--engine", "ray"]) == 2
    assert 'needs Ray: pip install "audio-gen[ray]"' in capfd.readouterr().err
    assert not Path("out").exists()


def test_options_that_do_not_go_together(music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "music", "--ray-address", "auto"]) == 2
    assert "--ray-address auto: that is for --engine ray" in capfd.readouterr().err
    pytest.importorskip("ray.data", reason="comes with the extra `ray`")
    assert main(["classify", "music", "--engine", "ray", "--device", "cuda:1"]) == 2
    assert "Ray hands out GPUs itself" in capfd.readouterr().err
