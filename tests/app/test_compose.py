"""compose, continue, infill, harmonise: files, records, exit codes, and the same bytes for the same command."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_gen.app import conditions
from audio_gen.app.cli import main
from audio_gen.audio.encode import read_tags
from audio_gen.datasets._arrays import Arrays
from audio_gen.pipelines import piece
from audio_gen.pipelines.piece import FASTEST, MOST_BARS, MOST_TAKES, REDRAWS, SLOWEST
from audio_gen.symbolic.files import read_notes, write_notes
from audio_gen.symbolic.score import Chord, Score, Track, notes_of
from tests import notes

TUNE = [(7, 400, 60, 80), (490, 433, 64, 70), (965, 470, 67, 90), (1449, 900, 62, 60)]


@pytest.fixture
def models(tiny: Any) -> Path:
    notes.melody(tiny.folder)
    notes.composer(tiny.folder)
    return Path(tiny.folder)


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    path = tmp_path / "given" / "deep" / "tune.mid"
    path.parent.mkdir(parents=True)
    write_notes(path, Score((Track(notes_of(TUNE), "tune"),)))
    return path


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_command_gives_the_same_bytes(models: Path, tmp_path: Path) -> None:
    command = ["compose", "--style", "jazz", "--key", "D minor", "--bars", "2", "--count", "3", "--seed", "7"]
    assert main([*command, "--jobs", "1", "-o", str(tmp_path / "one")]) == 0
    assert main([*command, "--jobs", "3", "-o", str(tmp_path / "two")]) == 0
    one = everything(tmp_path / "one")
    assert one == everything(tmp_path / "two")
    assert [name for name in one if name.endswith(".mid")] == [f"melody_jazz_s7_000{n}.mid" for n in range(3)]
    assert len({one[f"melody_jazz_s7_000{n}.mid"] for n in range(3)}) == 3


def test_a_sidecar_tells_what_was_asked_and_measured(
    models: Path, tmp_path: Path, tunes: Arrays, capsys: pytest.CaptureFixture[str]
) -> None:
    tunes.save(tmp_path / "tunes.npz")
    assert main(["index", "melody", "--notes", "--data", str(tmp_path / "tunes.npz"), "-o", str(models)]) == 0
    out = tmp_path / "out"
    assert main(["compose", "--chords", "Dm7 G7 | C", "--meter", "3/4", "--bars", "2", "-o", str(out)]) == 0
    (record,) = map(json.loads, capsys.readouterr().out.splitlines())
    told = json.loads((out / "melody_any_s0_0000.json").read_text())
    assert record["ok"]
    assert record["results"]["compose"] == {"output": str(out / "melody_any_s0_0000.mid"), **told}
    assert told["wish"]["chords"] == "Dm7 G7 | C"
    assert (told["measured"]["meter"], told["measured"]["bars"]) == ("3/4", 2)
    assert told["licence"] == "CC0-1.0, made by a test"
    assert told["trained_on"] == ["a test"]
    assert len(told["sha256"]) == 64
    assert set(told["copies"]) >= {"longest", "suspicious", "alarm"}
    assert str(tmp_path) not in json.dumps(told)


def test_a_thin_tune_is_said_and_a_style_told_in_full(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    narrow = ["compose", "--style", "jaz", "--bars", "64", "--temperature", "0.01", "--redraws", "1", "-o", str(out)]
    assert main(narrow) == 0
    said = capsys.readouterr().err
    told = json.loads((out / "melody_jaz_s0_0000.json").read_text())
    assert told["measured"]["thin"]
    assert "melody_jaz_s0_0000.mid: fewer notes or pitches than in 99 of 100" in said
    assert "style 'jaz' is 'Jazz'" in said
    assert (told["wish"]["style"], told["style"], told["wish"]["redraws"]) == ("jaz", "Jazz", 1)
    assert main(["compose", "--style", "Jazz", "--bars", "4", "--temperature", "3", "-o", str(tmp_path / "wild")]) == 0
    assert "fewer notes" not in (err := capsys.readouterr().err)
    assert "is 'Jazz'" not in err


@pytest.mark.parametrize(
    ("options", "programs"),
    [
        (["compose", "--chords", "C"], [0, 24]),
        (["compose", "--chords", "C", "--program", "Flute"], [73, 73]),
        (["compose", "--model", "composer", "--voices", "satb"], [52] * 4),
        (["compose", "--model", "composer", "--voices", "satb", "--program", "violin,41"], [40, 41, 41, 41]),
        (["harmonise"], [6] * 4),
        (["harmonise", "--program", "organ"], [6, 19, 19, 19]),
        (["harmonise", "--voices", "chords"], [6, 24]),
    ],
)
def test_new_tracks_have_instruments(models: Path, tmp_path: Path, options: list[str], programs: list[int]) -> None:
    if options[0] == "harmonise":
        write_notes(tmp_path / "tune.mid", Score((Track(notes_of(TUNE), "tune", 6),)))
        options = [*options, str(tmp_path / "tune.mid")]
    else:
        options = [*options, "--bars", "1"]
    assert main([*options, "-o", str(tmp_path / "out"), "--quiet"]) == 0
    (path,) = (tmp_path / "out").glob("*.mid")
    assert [track.program for track in read_notes(path).tracks] == programs


def test_what_takes_more_than_was_asked_for_is_said(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = Score((Track(notes_of(TUNE), "tune"),), chords=(Chord(0, 0, "maj", 0), Chord(960, 7, "7", 7)))
    write_notes(tmp_path / "sheet.mid", sheet)
    voices = [Track(notes_of([(0, 1920, pitch, 80)]), str(pitch)) for pitch in (72, 67, 60, 48)]
    write_notes(tmp_path / "choir.mid", Score(tuple(voices)))

    def made(command: str, name: str, *options: str) -> tuple[str | None, str]:
        out = tmp_path / "-".join((command, name, *options))
        assert main([command, str(tmp_path / f"{name}.mid"), *options, "-o", str(out)]) == 0
        (told,) = out.glob("*.json")
        return json.loads(told.read_text()).get("remark"), capsys.readouterr().err

    remark, said = made("harmonise", "sheet", "--voices", "chords")
    assert remark == "the file's own chords (2) are replaced by new ones"
    assert f"sheet_harmonised.mid: {remark}" in said
    composer = "--bars", "1", "--model", "composer"
    remark, said = made("continue", "choir", *composer, "--track", "4")
    assert remark == "all 4 voices go on (tracks 1, 2, 3, 4), not track 4 alone"
    assert f"choir_continued.mid: {remark}" in said
    for command, name, options in (
        ("harmonise", "choir", ("--voices", "chords", "--track", "1")),
        ("harmonise", "sheet", ()),
        ("continue", "choir", composer),
        ("continue", "choir", ("--bars", "1", "--track", "2")),
        ("continue", "sheet", (*composer, "--track", "1")),
    ):
        assert made(command, name, *options)[0] is None, (command, name, options)


@pytest.mark.parametrize(
    ("command", "default"), [("harmonise", "best; default 1 "), ("compose", "default 8 with --density, else 1")]
)
def test_help_tells_defaults_of_options_that_are_there(
    command: str, default: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    assert default in " ".join(capsys.readouterr().out.split())


def test_help_tells_the_limits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compose", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"1 to {MOST_BARS}" in told
    assert f"{SLOWEST:g} to {FASTEST:g}" in told
    assert f"at most {MOST_TAKES}" in told
    assert f"default {REDRAWS}" in told
    assert (conditions.DENSITIES, conditions.VOICES) == (piece.DENSITIES, piece.VOICES)


def test_existing_outputs_need_a_word(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["compose", "--bars", "1", "--count", "2", "-o", str(tmp_path / "out")]
    assert main(command) == 0
    assert main(command) == 2
    before = everything(tmp_path / "out")
    (tmp_path / "out" / "melody_any_s0_0001.json").unlink()
    assert main([*command, "--skip-existing"]) == 0
    assert "1 skipped" in capsys.readouterr().err
    assert everything(tmp_path / "out") == before
    assert main([*command, "--key", "C", "--skip-existing"]) == 2
    assert "made from another wish" in capsys.readouterr().err
    assert main([*command, "--key", "C", "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--style", "polka"], "Classical, Jazz, Rock"),
        (["--key", "q"], "is no key"),
        (["--chords", "Hm"], "is no chord"),
        (["--meter", "4"], "is no metre"),
        (["--model", "nothing"], "no checkpoint is called"),
        (["--program", "kazoo"], "piano, electric-piano"),
        (["--program", "128"], "a number from 0 to 127"),
    ],
)
def test_what_is_not_known_costs_one_message(
    models: Path, tmp_path: Path, options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compose", "--count", "9", *options, "-o", str(tmp_path / "out")]) in (2, 3)
    said = capsys.readouterr()
    assert told in said.err
    assert not said.out
    assert said.err.count("error") == 1


@pytest.mark.parametrize(
    ("command", "ending"),
    [
        (["continue", "--bars", "2"], "continued"),
        (["continue", "--model", "composer", "--bars", "2"], "continued"),
        (["infill", "--bars", "1"], "infilled"),
        (["harmonise"], "harmonised"),
        (["harmonise", "--voices", "chords"], "harmonised"),
    ],
)
def test_files_are_changed_in_a_mirrored_tree_and_bad_ones_cost_their_record(
    models: Path, tune: Path, tmp_path: Path, command: list[str], ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tune.parent.parent / "bad.mid").write_bytes(b"MThd, but no more")
    out = tmp_path / "out"
    assert main([*command, str(tune.parent.parent), "-o", str(out)]) == 1
    records = {Path(one["path"]).name: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert not records["bad.mid"]["ok"]
    assert records["tune.mid"]["ok"]
    path = out / "deep" / f"tune_{ending}.mid"
    assert sorted(one.name for one in path.parent.iterdir()) == [f"tune_{ending}.json", f"tune_{ending}.mid"]
    made = read_notes(path).tracks[0].notes
    if ending != "infilled":
        assert np.array_equal(made[: len(TUNE)], notes_of(TUNE))
    told = json.loads(path.with_suffix(".json").read_text())
    assert told["source"]["name"] == "tune.mid"


def test_render_plays_what_was_composed(soundfont: None, models: Path, tmp_path: Path) -> None:
    assert main(["compose", "--bars", "1", "--render", "-o", str(tmp_path / "out")]) == 0
    wav = tmp_path / "out" / "melody_any_s0_0000.wav"
    assert read_tags(wav)["model"] == "melody"
    assert read_tags(wav)["generated_by"] == "machine"
