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


def assert_close(left: Any, right: Any) -> None:
    """Equal but for rounding."""
    if isinstance(right, (dict, list)):
        assert len(left) == len(right)
        for key in right if isinstance(right, dict) else range(len(right)):
            assert_close(left[key], right[key])
    else:
        assert left == (pytest.approx(right, abs=1e-5) if isinstance(right, float) else right)


def test_a_result_never_depends_on_the_others(tiny: Any, music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.classifier()
    tiny.emotion()
    _, together = classify(capfd, "music")
    by_path = {record["path"]: record for record in together}
    assert len({json.dumps(by_path[path]["results"]) for path in GOOD}) == 3
    for jobs in ("1", "2", "7"):  # they share the cores, and more threads add up in another order
        assert_close(classify(capfd, "music", "--jobs", jobs)[1], together)
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


def test_heat_maps_lie_in_a_mirrored_tree(tiny: Any, music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.classifier()
    tiny.emotion()
    Path("music/a/track01.flac").write_bytes(Path("music/b/track01.flac").read_bytes())  # meets track01.wav
    arguments = ["music", "--heat-map", "maps", "--jobs", "2"]
    code, records = classify(capfd, *arguments)
    assert code == 1
    good = [record for record in records if record["ok"]]
    told = [entry["heat_map"] for record in good for entry in record["results"].values()]
    assert len(set(told)) == len(told) == 8
    assert sorted(told) == sorted(path.as_posix() for path in Path("maps").rglob("*.*") if path.is_file())
    assert told[:4] == [
        "maps/genre/a/track01.flac.png",
        "maps/emotion/a/track01.flac.png",
        "maps/genre/a/track01.wav.png",
        "maps/emotion/a/track01.wav.png",
    ]
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in told)
    Path(told[0]).write_bytes(b"mine")
    assert main(["classify", *arguments, "--quiet"]) == 2
    assert "exists already; add --skip-existing" in capfd.readouterr().err
    assert classify(capfd, *arguments, "--skip-existing") == (1, records)
    assert Path(told[0]).read_bytes() == b"mine"
    assert classify(capfd, *arguments, "--overwrite") == (1, records)
    assert Path(told[0]).read_bytes().startswith(b"\x89PNG")


def test_heat_maps_as_arrays(tiny: Any, music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import numpy as np

    tiny.classifier()
    arguments = ["music/a", "--model", "genre", "--heat-map", "maps", "--heat-map-format", "npz"]
    _, records = classify(capfd, *arguments)
    entry = records[0]["results"]["genre"]
    assert entry["heat_map"] == "maps/genre/track01.npz"
    with np.load(entry["heat_map"]) as kept:
        assert kept["values"].shape == (128, len(kept["seconds"]))
        assert str(kept["label"]) == entry["label"]
        assert 2.3 < kept["seconds"][-1] < 2.5
    assert main(["classify", "music/a", "--heat-map-format", "npz"]) == 2
    assert "--heat-map DIR says where" in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_embeddings_and_abstention_in_every_format(
    tiny: Any, music: Path, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    import pyarrow.parquet

    tiny.classifier()
    arguments = ["music/a", "--model", "genre", "--embeddings", "--min-confidence", "0.99"]
    _, (record,) = classify(capfd, *arguments)
    entry = record["results"]["genre"]
    assert entry["label"] is None
    assert "is below --min-confidence 0.99" in entry["abstained"]
    assert len(entry["embedding"]) == 8
    assert classify(capfd, *arguments, "--format", kind, "-o", f"out.{kind}") == (0, [])
    if kind == "jsonl":
        assert json.loads(Path("out.jsonl").read_text()) == record
        return
    if kind == "csv":
        (row,) = csv.DictReader(Path("out.csv").read_text().splitlines())
    else:
        (row,) = pyarrow.parquet.read_table("out.parquet").to_pylist()
    assert json.loads(row["results.genre.embedding"]) == entry["embedding"]
    assert not row["results.genre.label"]
    assert row["results.genre.abstained"] == entry["abstained"]
    assert json.loads(row["results.genre.timeline"]) == entry["timeline"]
    assert classify(capfd, *arguments, "--format", kind, "-o", f"out.{kind}", "--skip-existing") == (0, [])


@pytest.mark.parametrize("value", ["-0.1", "1.1", "nan", "much"])
def test_a_least_confidence_is_a_share(music: Path, capfd: pytest.CaptureFixture[str], value: str) -> None:
    assert main(["classify", "music", "--min-confidence", value]) == 2
    assert f"must be a number from 0 to 1, not '{value}'" in capfd.readouterr().err


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
