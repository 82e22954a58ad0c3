import json
from pathlib import Path
from typing import Any

import pytest

from audio_gen.app.cli import main
from audio_gen.audio.decode import load
from audio_gen.audio.encode import read_tags


def walk(output: Path, *arguments: str) -> int:
    return main(["walk", "--model", "music", "-o", str(output), "--seconds", "0.5", "--quiet", *arguments])


def test_one_file_that_tells_of_itself(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.generator()
    assert walk(tmp_path, "--seeds", "3,1,2", "--label", "folk", "techno", "folk", "--lufs", "-20") == 0
    path = tmp_path / "music_walk_folk_techno_3-1-2.wav"
    assert load(path).samples.shape == (1, 11025)
    told = json.loads(path.with_suffix(".json").read_text())
    (record,) = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert record["results"] == {"walk": told}
    assert (told["label"], told["wish"]["seeds"]) == ("folk > techno > folk", [3, 1, 2])
    assert abs(told["measured"]["lufs"] + 20) < 0.1
    assert read_tags(path) == {key: value for key, value in told.items() if key != "measured"}


def test_existing_files(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.generator()
    assert walk(tmp_path, "--seeds", "1,2") == 0
    (path,) = tmp_path.glob("*.wav")
    path.write_bytes(b"mine")
    assert walk(tmp_path, "--seeds", "1,2") == 2
    assert walk(tmp_path, "--seeds", "1,2", "--skip-existing") == 0
    assert path.read_bytes() == b"mine"
    assert walk(tmp_path, "--seeds", "1,2", "--overwrite") == 0
    assert path.read_bytes() != b"mine"


def test_rows_of_other_files_stay_in_the_table(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import pyarrow.parquet

    tiny.generator()
    table = ("--format", "parquet")
    assert main(["generate", "--model", "music", "--seconds", "0.2", "-o", str(tmp_path), *table, "--quiet"]) == 0
    assert walk(tmp_path, "--seeds", "1,2", *table) == 2
    assert "manifest.parquet' exists already" in capfd.readouterr().err
    assert walk(tmp_path, "--seeds", "1,2", *table, "--skip-existing") == 0
    rows = pyarrow.parquet.read_table(tmp_path / "manifest.parquet").to_pylist()
    assert [Path(row["path"]).stem for row in rows] == ["music_folk_seed0_0000", "music_walk_1-2"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--seeds", "1"], 2, "two seeds or more"),
        (["--seeds", "1,x"], 2, "whole numbers with commas between, not '1,x'"),
        (["--seeds", "1,2", "--label", "polka"], 2, "folk, techno"),
        (["--seeds", "1,2,3", "--label", "folk", "techno"], 2, "one label or one a seed"),
        (["--seeds", "1,2", "--seconds", "0"], 2, "seconds"),
        (["--seeds", "1,2", "--variety", "3"], 2, "variety"),
        (["--seeds", "1,2", "--model", "genre"], 3, "family 'classifier'"),
        (["--seeds", "1,2", "--subtype", "MP3"], 2, "PCM_16"),
        ([], 2, "--seeds"),
    ],
)
def test_refuses(
    tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    tiny.generator()
    tiny.classifier()
    assert walk(tmp_path / "out", *arguments) == code
    assert message in capfd.readouterr().err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
