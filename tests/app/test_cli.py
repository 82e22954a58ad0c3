import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

import audio_gen
from audio_gen import registry
from audio_gen.app import cli
from audio_gen.errors import AudioGenError, CheckpointError, DatasetError, DecodeError, ParameterError

ROOT = Path(audio_gen.__file__).parent.parent
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
NO_TORCH = "; import sys; assert not {'torch', 'numpy', 'soundfile', 'pyarrow', 'tqdm'} & set(sys.modules), 'heavy'"


def python(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], env=ENV, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_is_quick_and_brings_nothing_heavy(option: str) -> None:
    code = f"from audio_gen.app.cli import main; assert main([{option!r}]) == 0" + NO_TORCH
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        done = python("-c", code)
        times.append(time.perf_counter() - begun)
        assert done.returncode == 0, done.stderr
    assert min(times) < 0.5


def test_python_dash_m() -> None:
    done = python("-m", "audio_gen", "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"audio-gen {audio_gen.__version__}\n", "")


def test_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    for name in registry.names(cli.COMMANDS):
        assert f"    {name}" in text
    for code in (0, 1, 2, 3, 4, 130):
        assert f"\n  {code}  " in text


@pytest.mark.parametrize("name", registry.names(cli.COMMANDS))
def test_every_command_keeps_the_contract(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = registry.pick(cli.COMMANDS, name)
    assert isinstance(command.HELP, str)
    assert command.HELP[:1].islower()
    assert cli.main([name, "--help"]) == 0
    assert f"audio-gen {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nothing"],
        ["--nothing"],
        ["features"],
        ["features", "x", "-o", "y", "--nothing"],
        ["features", "--jobs", "0"],
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("audio-gen: error: ")
    assert err.count("\n") == 1


def fake(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(arguments: argparse.Namespace) -> NoReturn:
        raise error

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("paths", nargs="*")
        parser.add_argument("-o")

    command = SimpleNamespace(HELP="fake", add_arguments=add_arguments, run=run)
    monkeypatch.setattr(registry, "names", lambda package: ["fake"])
    monkeypatch.setattr(registry, "pick", lambda package, name: command)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ParameterError("odd value"), 2, "error: odd value"),
        (DatasetError("no data"), 2, "error: no data"),
        (CheckpointError("no model\nat all"), 3, "error: no model\\nat all"),
        (DecodeError("no audio"), 1, "error: no audio"),
        (AudioGenError("other"), 1, "error: other"),
        (PermissionError(13, "Permission denied", "out"), 1, "error: Permission denied: 'out'"),
        (ModuleNotFoundError("No module named 'av'", name="av"), 1, "pip install av"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_become_exit_codes(
    error: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(monkeypatch, error)
    assert cli.main(["fake"]) == code
    err = capsys.readouterr().err
    assert message in err
    assert err.startswith("audio-gen: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("error", [RuntimeError("a bug"), ModuleNotFoundError("x", name="audio_gen.nothing")])
def test_bugs_are_not_hidden(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, error)
    with pytest.raises(type(error)):
        cli.main(["fake"])


def test_paths_and_options_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, RuntimeError())
    for argv in ("a b c -o x", "a -o x b c", "-o x a b c", "-o x -- a b c"):
        arguments = cli.build_parser().parse_args(["fake", *argv.split()])
        assert (arguments.paths, arguments.o, arguments.command) == (["a", "b", "c"], "x", "fake")


def test_a_closed_pipe_ends_it_quietly(music: Path) -> None:
    command = [sys.executable, "-m", "audio_gen", "features", "music", "-o", "out", "--quiet", "--jobs", "1"]
    with subprocess.Popen(command, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # before anything is written
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_version_and_public_names() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project.get("version", audio_gen.__version__) == audio_gen.__version__
    done = python("-c", "import audio_gen; dir(audio_gen); audio_gen.DecodeError" + NO_TORCH)
    assert done.returncode == 0, done.stderr
    assert set(audio_gen.__all__) <= set(dir(audio_gen))
    assert audio_gen.MelSpec().sample_rate == 22050
    with pytest.raises(AttributeError, match="nothing"):
        audio_gen.nothing  # noqa: B018


@pytest.mark.parametrize("name", audio_gen.__all__)
def test_public_names_are_there(name: str) -> None:
    assert getattr(audio_gen, name).__name__ == name
