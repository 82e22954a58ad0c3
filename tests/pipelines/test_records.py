import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from audio_gen.errors import DecodeError, ParameterError
from audio_gen.pipelines import tables
from audio_gen.pipelines.journal import read_done
from audio_gen.pipelines.records import RecordWriter, failure, json_line, plain, success
from audio_gen.pipelines.tables import flatten, read_records

GOOD = success(
    "a/b.mp3",
    {"genre": {"label": "jazz", "probs": {"jazz": 0.75}, "timeline": [{"start_s": 0.0, "label": "jazz"}]}},
    duration_s=181.2,
    sample_rate=44100,
)
BAD = failure("a/c.mp3", DecodeError("it breaks\noff"))


def test_records_are_as_the_contract_says() -> None:
    assert list(GOOD) == ["schema", "path", "ok", "duration_s", "sample_rate", "results"]
    assert GOOD["schema"] == 1
    assert GOOD["ok"] is True
    assert BAD == {
        "schema": 1,
        "path": "a/c.mp3",
        "ok": False,
        "error": {"type": "DecodeError", "message": "it breaks off"},
    }


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (FileNotFoundError(2, "No such file or directory", "x"), "FileNotFoundError", "No such file or directory: 'x'"),
        (OSError("odd"), "OSError", "odd"),
        (KeyError("x"), "KeyError", "'x'"),
        (ValueError(), "ValueError", "no message"),
    ],
)
def test_failures_always_have_a_message(error: Exception, kind: str, message: str) -> None:
    assert failure("x", error)["error"] == {"type": kind, "message": message}
    assert "--jobs 1" in failure("x", MemoryError())["error"]["message"]


def test_only_what_json_holds() -> None:
    given = {
        "f": np.float32(0.5),
        "i": np.int64(3),
        "t": torch.tensor([1.0, math.nan]),
        "p": Path("a"),
        "n": [math.inf, (1,)],
    }
    assert plain(given) == {"f": 0.5, "i": 3, "t": [1.0, None], "p": "a", "n": [None, [1]]}
    assert b"NaN" not in json_line(given)


def test_odd_names_survive_json() -> None:
    for name in ("é 🎵\n.wav", "\udcff.wav"):
        line = json_line(success(name, {}, duration_s=1.0, sample_rate=8000))
        assert line.count(b"\n") == 1
        assert json.loads(line)["path"] == name
    assert "é".encode() in json_line({"path": "é"})


def test_flat_names() -> None:
    row = flatten(GOOD)
    assert row["results.genre.probs.jazz"] == 0.75
    assert json.loads(row["results.genre.timeline"]) == [{"start_s": 0.0, "label": "jazz"}]
    assert flatten(BAD)["error.type"] == "DecodeError"


def write(kind: str, target: Path | None, *records: dict[str, Any], keep: list[dict[str, Any]] | None = None) -> None:
    with RecordWriter(kind, target, keep=keep or []) as writer:
        for record in records:
            writer.write(record)


def test_csv_has_the_union_of_columns(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write("csv", None, BAD, GOOD, success("\udcff,\n.wav", {"x": 1}, duration_s=1.0, sample_rate=1))
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode(), newline="")))
    assert [row["path"] for row in rows] == ["a/c.mp3", "a/b.mp3", "\\xff,\n.wav"]
    assert list(rows[0])[-2:] == ["error.type", "error.message"]
    assert rows[0]["results.genre.label"] == ""
    assert rows[1]["results.genre.probs.jazz"] == "0.75"


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    import pyarrow.parquet

    mixed = success("\udcff", {"genre": {"label": 3, "probs": {"jazz": 1}}}, duration_s=2, sample_rate=1)
    write("parquet", tmp_path / "o.parquet", GOOD, BAD, mixed)
    rows = pyarrow.parquet.read_table(tmp_path / "o.parquet").to_pylist()
    assert [row["ok"] for row in rows] == [True, False, True]
    assert [row["results.genre.label"] for row in rows] == ["jazz", None, "3"]
    assert rows[1]["error.message"] == "it breaks off"
    assert rows[0]["duration_s"] == 181.2
    assert [path.name for path in tmp_path.iterdir()] == ["o.parquet"]


def test_parquet_needs_a_file() -> None:
    with pytest.raises(ParameterError, match="-o"):
        RecordWriter("parquet", None)
    with pytest.raises(ParameterError, match="jsonl, csv, parquet"):
        RecordWriter("xml", None)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_what_goes_to_a_file_is_in_its_journal_at_once(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "new" / f"o.{kind}"
    with RecordWriter(kind, target) as writer:
        writer.write(GOOD)
        writer.write(BAD)
        assert not target.exists()
        assert list(read_done(target, kind)) == [GOOD]
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert len(read_records(target, kind)) == 2


def test_json_lines_are_on_standard_output_at_once(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with RecordWriter("jsonl") as writer:
        writer.write(GOOD)
        assert json.loads(capfdbinary.readouterr().out) == GOOD


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_the_file_is_in_the_order_that_was_asked_for(tmp_path: Path, kind: str) -> None:
    def named(name: str) -> dict[str, Any]:
        return success(name, {}, duration_s=1.0, sample_rate=1)

    with RecordWriter(kind, tmp_path / "o", keep=[named("z"), named("b")], order=["a", "b", "never", "c"]) as writer:
        for name in "xca":
            writer.write(named(name))
    assert [record["path"] for record in read_records(tmp_path / "o", kind)] == list("abczx")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables_of_many_rows(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet is written some rows at a time: a column's type is that of all its rows."""
    monkeypatch.setattr(tables, "_ROWS", 2)
    kinds = {"number": [1, 2, 0.5, 3], "mixed": [1, 2, "x", None], "late": [None, None, None, True]}
    rows = [success(str(n), {}, duration_s=1.0, sample_rate=1) for n in range(4)]
    rows = [row | {name: values[n] for name, values in kinds.items()} for n, row in enumerate(rows)]
    write(kind, tmp_path / "o", *rows)
    found = read_records(tmp_path / "o", kind)
    if kind == "parquet":
        assert {name: [row[name] for row in found] for name in kinds} == kinds | {"mixed": ["1", "2", "x", None]}
    else:
        assert [row["number"] for row in found] == ["1", "2", "0.5", "3"]


def test_long_cells_of_csv_are_read_back(tmp_path: Path) -> None:
    write("csv", tmp_path / "o", success("a", {"x": ["word"] * 50_000}, duration_s=1.0, sample_rate=1))
    assert len(read_records(tmp_path / "o", "csv")[0]["results.x"]) > 250_000


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_what_came_before_an_interrupt_stays(tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"o.{kind}"
    writer = RecordWriter(kind, target)

    def interrupted() -> None:
        with writer:
            writer.write(GOOD)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [record["path"] for record in read_done(target, kind)] == ["a/b.mp3"]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_writer_that_got_nothing_replaces_nothing(tmp_path: Path, kind: str) -> None:
    (tmp_path / "o").write_text("old")
    with pytest.raises(KeyboardInterrupt), RecordWriter(kind, tmp_path / "o"):
        raise KeyboardInterrupt
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"o": "old"}


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_what_is_kept_stands_in_front(tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"o.{kind}"
    write(kind, target, GOOD, BAD)
    kept = list(read_done(target, kind))
    assert [record["path"] for record in kept] == ["a/b.mp3"]
    write(kind, target, success("new", {}, duration_s=1.0, sample_rate=2), keep=kept)
    again = read_records(target, kind)
    assert [record["path"] for record in again] == ["a/b.mp3", "new"]
    assert flatten(again[0])["results.genre.label"] == "jazz"


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    target = tmp_path / "o.jsonl"
    target.write_bytes(json_line(GOOD) + json_line({**GOOD, "path": "2"})[:-30])
    assert read_records(target, "jsonl") == [GOOD]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_another_file_is_not_taken_for_records(tmp_path: Path, kind: str) -> None:
    for text in (b"my,precious\nnotes,here\n", b"\xff\xfe\n\n", b'{"a": 1}\n'):
        (tmp_path / "notes").write_bytes(text)
        with pytest.raises(ParameterError, match="doesn't hold records"):
            read_records(tmp_path / "notes", kind)
