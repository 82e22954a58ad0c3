import csv
import json
from pathlib import Path
from typing import Any

import pytest

from audio_gen.app.cli import main
from audio_gen.models import checkpoint

GOOD = ["music/a/track01.wav", "music/b/track01.flac", "music/b/x.wav/t.OGG"]


def classify(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    capfd.readouterr()
    code = main(["classify", *arguments, "--quiet"])
    return code, [json.loads(line) for line in capfd.readouterr().out.splitlines()]


def test_records_are_as_the_contract_says(tiny: Any, music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    genre, emotion = tiny.classifier(), tiny.emotion()
    code, records = classify(capfd, "music")
    assert code == 1
    assert [record["path"] for record in records] == [*GOOD, "music/empty.mp3", "music/text.wav"]
    for record in records[:3]:
        assert list(record) == ["schema", "path", "ok", "duration_s", "sample_rate", "results"]
        assert (record["schema"], record["ok"], record["duration_s"]) == (1, True, 2.5)
        assert list(record["results"]) == ["genre", "emotion"]
        first, second = record["results"].values()
        assert list(first) == ["model", "label", "probs", "timeline"]
        assert first["model"] == {"name": "genre", "sha256": checkpoint.load(genre).sha256}
        assert list(first["probs"]) == ["blues", "jazz", "rock"]
        assert second["model"] == {"name": "emotion", "sha256": checkpoint.load(emotion).sha256}
        for entry in (first, second):
            assert entry["timeline"][0]["start_s"] == 0
            assert entry["timeline"][-1]["end_s"] == 2.5
    assert [record["sample_rate"] for record in records[:3]] == [22050, 44100, 8000]
    for record in records[3:]:
        assert list(record) == ["schema", "path", "ok", "error"]
        assert list(record["error"]) == ["type", "message"]
        assert (record["ok"], record["error"]["type"]) == (False, "DecodeError")


def test_a_result_never_depends_on_the_others(tiny: Any, music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.classifier()
    tiny.emotion()
    _, together = classify(capfd, "music", "--jobs", "1")
    by_path = {record["path"]: record for record in together}
    assert len({json.dumps(by_path[path]["results"]) for path in GOOD}) == 3
    for arguments in (["--jobs", "2"], ["--jobs", "7"], []):
        assert classify(capfd, "music", *arguments)[1] == together
    for path in GOOD:
        assert classify(capfd, path)[1] == [by_path[path]]
    assert classify(capfd, *reversed(GOOD))[1] == [by_path[path] for path in reversed(GOOD)]
    _, alone = classify(capfd, "music", "--model", "emotion")
    assert [record.get("results") for record in alone[:3]] == [
        {"emotion": record["results"]["emotion"]} for record in together[:3]
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables_hold_the_same(tiny: Any, music: Path, capfd: pytest.CaptureFixture[str], kind: str) -> None:
    import pyarrow.parquet

    tiny.classifier()
    tiny.emotion()
    _, records = classify(capfd, "music")
    assert classify(capfd, "music", "--format", kind, "-o", f"out.{kind}") == (1, [])
    if kind == "csv":
        rows: list[dict[str, Any]] = list(csv.DictReader(Path("out.csv").read_text().splitlines()))
    else:
        rows = pyarrow.parquet.read_table("out.parquet").to_pylist()
    assert len(rows) == 5
    for row, record in zip(rows, records, strict=True):
        assert str(row["ok"]) == str(record["ok"])
        assert row["path"] == record["path"]
        if not record["ok"]:
            assert row["error.type"] == "DecodeError"
            continue
        genre, emotion = record["results"]["genre"], record["results"]["emotion"]
        assert row["results.genre.label"] == genre["label"]
        assert float(row["results.genre.probs.jazz"]) == genre["probs"]["jazz"]
        assert json.loads(row["results.genre.timeline"]) == genre["timeline"]
        assert float(row["results.emotion.valence"]) == emotion["valence"]
        assert row["results.emotion.model.sha256"] == emotion["model"]["sha256"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["music"], 3, "no checkpoint is called 'emotion'; there are: genre, music"),
        (["music", "--model", "music"], 3, "family 'generator'; this needs one of family 'classifier'"),
        (["music", "--model", "genre", "--model", "genre"], 2, "two models of one name"),
        (["music", "--model", "genre", "--model", "wide"], 3, "one mel spec and window"),
        (["nowhere"], 2, "no such file or folder: 'nowhere'"),
        (["nowhere", "--model", "nothing"], 2, "no such file"),  # paths are checked before models
    ],
)
def test_wrong_usage_costs_one_line(
    tiny: Any, music: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    tiny.classifier()
    tiny.generator()
    if "wide" in arguments:
        tiny.classifier("wide", columns=26)
    assert main(["classify", *arguments, "--quiet"]) == code
    said = capfd.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert message in said.err


def test_a_broken_checkpoint_is_exit_3(tiny: Any, music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tiny.classifier()
    path.write_bytes(path.read_bytes()[:3000])
    assert main(["classify", "music", "--model", "genre", "--quiet"]) == 3
    said = capfd.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "get it again" in said.err


def test_all_bad_is_exit_4(tiny: Any, music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.classifier()
    code, records = classify(capfd, "music/empty.mp3", "music/text.wav", "--model", "genre")
    assert code == 4
    assert [record["ok"] for record in records] == [False, False]
