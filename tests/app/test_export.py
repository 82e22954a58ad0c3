from pathlib import Path
from typing import Any

import pytest

from audio_gen.app.cli import main


def test_one_file_and_two_notes(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(name, reason='needs pip install "audio-gen[onnx]"')
    tiny.classifier()
    target = tmp_path / "genre.onnx"
    assert main(["export", "genre", "-o", str(target)]) == 0
    said = capfd.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 2
    assert "float32, 2.3 MB, licence CC0-1.0, made by a test" in said.err
    assert "100.0 % keep their label" in said.err
    before = target.read_bytes()
    assert main(["export", "genre", "-o", str(target)]) == 2
    assert "exists; --overwrite replaces it" in capfd.readouterr().err
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["genre"], 2, "required: -o"),
        (["genre", "-o", "genre.pt"], 2, "ends in .onnx"),
        (["genre", "-o", "."], 2, "ends in .onnx"),
        (["genre", "-o", "a.onnx", "--calibrate", "music"], 2, "add --int8"),
        (["nothing", "-o", "a.onnx"], 3, "no checkpoint is called 'nothing'"),
        (["music", "-o", "a.onnx"], 3, "this needs one of family 'classifier'"),
    ],
)
def test_wrong_usage_costs_one_line(
    tiny: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    pytest.importorskip("onnxscript", reason='needs pip install "audio-gen[onnx]"')
    monkeypatch.chdir(tmp_path)
    tiny.classifier()
    tiny.generator()
    assert main(["export", *arguments]) == code
    said = capfd.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert message in said.err
    assert not (tmp_path / "a.onnx").exists()
