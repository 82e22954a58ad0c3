import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from audio_gen.app import options
from audio_gen.app.running import Job, run_files, run_records
from audio_gen.errors import CheckpointError, DecodeError, ParameterError
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.records import Record, json_line, success
from audio_gen.pipelines.tables import read_records


def parse(text: str, *, folder: bool = False) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options.add_inputs(parser)
    (options.add_folder_output if folder else options.add_record_output)(parser)
    options.add_device(parser)
    options.add_batch(parser)
    options.add_engine(parser)
    return parser.parse_intermixed_args(text.split())


class Recorder:
    """Work that fails on small files and counts how often it was prepared and called."""

    def __init__(self) -> None:
        self.prepared = 0
        self.names: list[str] = []

    def prepare(self) -> "Recorder":
        self.prepared += 1
        return self

    def job(self, sources: Sequence[Source]) -> Job:
        return Job(lambda device: self.prepare())

    def __call__(self, source: Source, output: Path | None = None) -> Record:
        self.names.append(source.name)
        if source.path.stat().st_size < 100:
            raise DecodeError("too small")
        if output is not None:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text("made")
        return success(source.name, {"x": {"y": 1}}, duration_s=1.0, sample_rate=8000)


def lines(text: str) -> list[Record]:
    return [json.loads(line) for line in text.splitlines()]


def test_records_go_to_standard_output_in_order(music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    work = Recorder()
    assert run_records(parse("music --jobs 3"), work.job) == 1
    records = lines(capfd.readouterr().out)
    assert [record["path"] for record in records] == [
        "music/a/track01.wav",
        "music/b/track01.flac",
        "music/b/x.wav/t.OGG",
        "music/empty.mp3",
        "music/text.wav",
    ]
    assert [record["ok"] for record in records] == [True, True, True, False, False]
    assert work.prepared == 1


@pytest.mark.parametrize(("paths", "code"), [("music/a", 0), ("music", 1), ("music/empty.mp3 music/text.wav", 4)])
def test_exit_codes(music: Path, paths: str, code: int) -> None:
    assert run_records(parse(f"{paths} -o out.jsonl"), Recorder().job) == code


@pytest.mark.parametrize(
    "text", ["nowhere", "music --format parquet", "", "music --files-from nowhere", "music -o old.jsonl"]
)
def test_wrong_usage_comes_before_any_model(music: Path, text: str) -> None:
    Path("old.jsonl").write_text("mine")
    work = Recorder()
    with pytest.raises(ParameterError):
        run_records(parse(text), work.job)
    assert work.prepared == 0
    assert Path("old.jsonl").read_text() == "mine"


def test_a_model_that_is_missing_leaves_nothing_behind(music: Path) -> None:
    def prepare(sources: Sequence[Source]) -> Job:
        raise CheckpointError("no model")

    with pytest.raises(CheckpointError):
        run_records(parse("music -o out.jsonl"), prepare)
    assert not Path("out.jsonl").exists()


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_skip_existing_does_what_is_missing(music: Path, kind: str) -> None:
    first, second = Recorder(), Recorder()
    run_records(parse(f"music/b music/empty.mp3 --format {kind} -o out"), first.job)
    assert run_records(parse(f"music --format {kind} -o out --skip-existing --jobs 1"), second.job) == 1
    assert second.names == ["music/a/track01.wav", "music/empty.mp3", "music/text.wav"]
    records = read_records(Path("out"), kind)
    assert sorted(record["path"] for record in records) == sorted({*first.names, *second.names})
    third = Recorder()
    assert run_records(parse(f"music/a music/b --format {kind} -o out --skip-existing"), third.job) == 0
    assert third.prepared == 0
    again = read_records(Path("out"), kind)
    assert [record["path"] for record in again] == [r["path"] for r in records if r["ok"] in (True, "True")]


def test_skip_existing_leaves_a_file_that_holds_something_else_alone(music: Path) -> None:
    Path("old").write_text("mine\nand mine\n")
    with pytest.raises(ParameterError, match="--overwrite"):
        run_records(parse("music -o old --skip-existing"), Recorder().job)
    assert Path("old").read_text() == "mine\nand mine\n"
    run_records(parse("music -o old --overwrite"), Recorder().job)
    assert len(read_records(Path("old"), "jsonl")) == 5


def test_a_folder_after_o_gets_a_records_file(music: Path) -> None:
    Path("out").mkdir()
    run_records(parse("music -o out --format csv"), Recorder().job)
    assert len(read_records(Path("out/records.csv"), "csv")) == 5


def test_files_in_the_mirrored_tree(music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_files(parse("music -o out", folder=True), ".txt", Recorder().prepare) == 1
    made = sorted(path.relative_to("out").as_posix() for path in Path("out").rglob("*.txt"))
    assert made == ["a/track01.txt", "b/track01.txt", "b/x.wav/t.txt"]
    assert len(lines(capfd.readouterr().out)) == 5


def test_existing_files_need_a_word(music: Path) -> None:
    run_files(parse("music/a -o out", folder=True), ".txt", Recorder().prepare)
    work = Recorder()
    with pytest.raises(ParameterError, match=r"'out/track01\.txt' exists already; add --skip-existing"):
        run_files(parse("music/a -o out", folder=True), ".txt", work.prepare)
    assert run_files(parse("music/a -o out --skip-existing", folder=True), ".txt", work.prepare) == 0
    assert work.prepared == 0
    assert run_files(parse("music/a -o out --overwrite", folder=True), ".txt", work.prepare) == 0
    assert work.names == ["music/a/track01.wav"]


def test_parquet_of_a_folder_command_lies_in_the_folder(music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_files(parse("music/b -o out --format parquet", folder=True), ".txt", Recorder().prepare)
    Path("out/track01.txt").unlink()
    text = "music/b -o out --format parquet --skip-existing"
    assert run_files(parse(text, folder=True), ".txt", Recorder().prepare) == 0
    rows = read_records(Path("out/manifest.parquet"), "parquet")
    assert sorted(row["path"] for row in rows) == ["music/b/track01.flac", "music/b/x.wav/t.OGG"]
    assert capfd.readouterr().out == ""


def test_an_output_folder_that_is_a_file(music: Path) -> None:
    with pytest.raises(ParameterError, match="can't make the output folder"):
        run_files(parse("music/a -o music/text.wav", folder=True), ".txt", Recorder().prepare)


@pytest.mark.parametrize(
    "text", ["--device gpu", "--jobs x", "--batch-size 0", "--format xml", "--skip-existing --overwrite"]
)
def test_options_refuse_other_values(text: str) -> None:
    with pytest.raises(SystemExit):
        parse(f"music {text}")


def test_a_dash_is_standard_output(music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_records(parse("music/a -o -"), Recorder().job) == 0
    assert len(lines(capfd.readouterr().out)) == 1
    assert not Path("-").exists()


def test_rows_in_the_journal_of_a_killed_run_are_found(music: Path) -> None:
    text = "music/b -o out --format parquet --skip-existing"
    run_files(parse(text, folder=True), ".txt", Recorder().prepare)
    rows = read_records(Path("out/manifest.parquet"), "parquet")
    Path("out/manifest.parquet").unlink()
    Path("out/.manifest.parquet.journal").write_bytes(b"".join(map(json_line, rows))[:-20])  # a line is torn
    work = Recorder()
    Path("out/x.wav/t.txt").unlink()
    assert run_files(parse(text, folder=True), ".txt", work.prepare) == 0
    assert work.names == ["music/b/x.wav/t.OGG"]
    assert [row["path"] for row in read_records(Path("out/manifest.parquet"), "parquet")] == [
        "music/b/track01.flac",
        "music/b/x.wav/t.OGG",
    ]
    assert not Path("out/.manifest.parquet.journal").exists()
