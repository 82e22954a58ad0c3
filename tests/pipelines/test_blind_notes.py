"""Blind tests of notes: nothing in the folder but the music tells who made it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import load
from audio_gen.audio.encode import save
from audio_gen.errors import ParameterError
from audio_gen.pipelines import _blind_notes
from audio_gen.pipelines.blind_test import Plan, make_test, truth_file
from audio_gen.symbolic import _midi_events as smf
from audio_gen.symbolic.files import read_notes, write_notes
from audio_gen.symbolic.score import TICKS, Chord, Key, Score, Tempo, Track, notes_of

EVENTS = {smf.TEMPO, smf.METER, smf.END}  # all that a file may tell beside notes and programs
RATE = 11025  # Hz
Rows = list[tuple[int, int, int, int]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, soundfont: None) -> None:
    monkeypatch.setattr(_blind_notes, "RATE", RATE)


def tune(seed: int, bars: int = 4) -> Rows:
    random = np.random.default_rng(seed)
    return [(n * TICKS, TICKS // 2, int(60 + random.integers(12)), 100) for n in range(4 * bars)]


def ours(path: Path, rows: Rows, **changes: Any) -> None:
    """As a model of ours leaves it: named, in a key, over chords, with its sidecar."""
    track = Track(notes_of([(*row[:3], 90) for row in rows]), "melody")
    signs: dict[str, Any] = {"keys": (Key(0, 9, True),), "chords": (Chord(0, 9, "min", 9),)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_notes(path, Score((track,), **{**signs, **changes}))
    path.with_suffix(".json").write_text('{"generated_by": "machine"}')


def foreign(path: Path, rows: Rows, tempo: int = 500_000) -> None:
    """As somebody's sequencer leaves it: another resolution, all texts, controllers, a bend, ticks of its own."""
    texts = [(0, smf.META, bytes([kind]) + b"Composed by J. Dvorak") for kind in range(1, 8)]
    signs = [(0, smf.META, bytes([smf.TEMPO]) + tempo.to_bytes(3)), (0, smf.META, bytes([smf.KEY, 3, 0]))]
    moves = [(5, 0xB3, bytes([7, 90])), (9, 0xE3, bytes([0, 70])), (0, 0xF0, b"\x04\x43\x01\x02\xf7")]
    notes = []
    for onset, duration, pitch, velocity in rows:
        notes += [(2 * onset, 0x93, bytes([pitch, velocity]))]
        notes += [(2 * (onset + duration), 0x93, bytes([pitch, 0]))]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(smf.write_chunks(960, [[*texts, *signs], [*texts, *moves, *notes]]))


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """The same four tunes on both sides, from hands that have different habits."""
    for number in range(4):
        foreign(tmp_path / "people" / "Bach" / f"Opus {number}.midi", tune(number))
        ours(tmp_path / "machine" / f"melody_jazz_s7_{number:04}.mid", tune(number))
    return tmp_path


def plan(folder: Path, **changes: Any) -> Plan:
    sides = Plan(real=folder / "people", generated=(folder / "machine",), count=8, seconds=3.0)
    return replace(sides, **changes)


def truth_of(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(truth_file(folder).read_text())
    return told


def test_the_same_music_is_the_same_whoever_wrote_it(folders: Path) -> None:
    """The strongest form of blindness: sound, MIDI and picture are equal to the byte."""
    output = folders / "test"
    done = make_test(plan(folders), output)
    assert (done.questions, done.left_out, done.sample_rate) == (8, 0, RATE)
    page = (output / "index.html").read_text()
    pairs: dict[str, dict[str, str]] = {"real": {}, "generated": {}}
    for clip in truth_of(output)["clips"]:
        pairs[clip["truth"]][clip["files"][0].split(".")[-2][-1]] = clip["clip"]
    assert pairs["real"].keys() == pairs["generated"].keys() == set("0123")
    seen = dict(zip("12345678", page.split('<img src="')[1:], strict=True))
    for number, clip in pairs["real"].items():
        other = pairs["generated"][number]
        for path in ("audio/{}.wav", "midi/{}.mid"):
            assert (output / path.format(clip)).read_bytes() == (output / path.format(other)).read_bytes()
        assert seen[clip].split('"')[0] == seen[other].split('"')[0]
    assert len({(output / f"midi/{n}.mid").read_bytes() for n in range(1, 9)}) == 4  # of different music different


def test_the_folder_holds_what_it_should_and_no_word_more(folders: Path) -> None:
    output = folders / "test"
    make_test(plan(folders), output)
    files = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
    names = [f"{folder}/{n}{end}" for folder, end in (("audio", ".wav"), ("midi", ".mid")) for n in range(1, 9)]
    assert files == sorted(["index.html", *names])
    for path in output.rglob("*.*"):
        data = path.read_bytes().lower()
        for word in (b"dvorak", b"bach", b"opus", b"melody", b"jazz", b"chord:", str(folders).encode().lower()):
            assert word not in data
    for path in (output / "midi").iterdir():
        chunks = smf.read_chunks(path.read_bytes())
        events = [event for track in chunks.tracks for event in smf.read_events(track)]
        assert {data[0] for _, status, data in events if status == smf.META} == EVENTS
        assert {status & 0xF0 for _, status, _ in events if status != smf.META} == {smf.ON, smf.OFF, smf.PROGRAM}
    page = (output / "index.html").read_text()
    assert page.count("<audio ") == page.count("data:image/png") == page.count('href="midi/') == 8
    assert "a person" in page
    assert {clip["label"] for clip in truth_of(output)["clips"]} == {"Bach", "jazz"}


def test_the_midi_is_what_is_heard(folders: Path) -> None:
    """Three seconds from the bar in which the middle begins: the first bar of four, 2 s each."""
    make_test(plan(folders, seconds=3.0), folders / "test")
    for clip in truth_of(folders / "test")["clips"]:
        heard, source = read_notes(folders / "test" / "midi" / f"{clip['clip']}.mid"), read_notes(clip["files"][0])
        assert heard.tracks[0].notes["pitch"].tolist() == source.tracks[0].notes["pitch"][4:10].tolist()
        assert heard.tracks[0].notes["onset"].tolist() == [n * TICKS for n in range(6)]
        sound = load(folders / "test" / "audio" / f"{clip['clip']}.wav")
        assert sound.duration == pytest.approx(3.0)
        assert (sound.channels, sound.sample_rate) == (1, RATE)
        assert float(sound.samples.square().mean().sqrt()) > 0.01


def test_by_ear_alone(folders: Path) -> None:
    make_test(plan(folders, pictures=False), folders / "test")
    page = (folders / "test" / "index.html").read_text()
    assert "midi/" not in page
    assert "data:image" not in page
    assert not (folders / "test" / "midi").exists()


def test_a_bad_file_costs_its_own_record(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    people = folders / "people"
    whole = (people / "Bach" / "Opus 0.midi").read_bytes()
    (people / "broken.mid").write_bytes(whole[: len(whole) // 2])
    (people / "other.mid").write_bytes(b"MThd and no more")
    (people / "words.abc").write_text("no tune at all")
    foreign(people / "short.mid", tune(9, bars=1))
    write_notes(people / "silent.mid", Score((Track(notes_of([])),)))
    hole = [(0, TICKS, 60, 90), (32 * TICKS, TICKS, 60, 90)]
    foreign(people / "hole.mid", hole)
    (people / "tune.abc").write_text("X:1\nT:By hand\nM:4/4\nL:1/4\nQ:1/4=120\nK:G\nGABc|dcBA|GABc|dcBA|\n")
    summary = make_test(plan(folders, count=8), folders / "test")
    for number in range(9, 11):
        ours(folders / "machine" / f"{number}.mid", tune(number))
    summary = make_test(plan(folders, count=10), folders / "test")
    assert (summary.questions, summary.left_out) == (10, 6)
    for name in ("broken.mid", "other.mid", "words.abc", "short.mid", "silent.mid", "hole.mid"):
        assert name in caplog.text
    assert any(clip["files"][0].endswith("tune.abc") for clip in truth_of(folders / "test")["clips"])
    assert b"By hand" not in b"".join(path.read_bytes() for path in (folders / "test").rglob("*.*"))


def test_too_many_notes_are_left_out(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_blind_notes, "MOST", 5)
    with pytest.raises(ParameterError, match=r"0 of 4 files of notes in .*people"):
        make_test(plan(folders), folders / "test")


def test_instruments_that_tell_are_told(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_test(plan(folders), folders / "test")
    assert "instruments" not in caplog.text
    for number in range(4):
        rows = Track(notes_of(tune(number)), program=40)
        write_notes(folders / "machine" / f"melody_jazz_s7_{number:04}.mid", Score((rows,)))
    make_test(plan(folders), folders / "test")
    assert "told by their instruments: program 0 and program 40; --program makes them one" in caplog.text
    caplog.clear()
    make_test(plan(folders, program=73), folders / "test")
    assert "instruments" not in caplog.text
    programs = {read_notes(path).tracks[0].program for path in (folders / "test" / "midi").iterdir()}
    assert programs == {73}
    assert truth_of(folders / "test")["program"] == 73
    with pytest.raises(ParameterError, match="a program is 0 to 127, not 128"):
        make_test(plan(folders, program=128), folders / "other")


def test_recordings_come_first_and_are_never_mixed_with_notes(folders: Path) -> None:
    for number in range(4):
        save(folders / "machine" / f"melody_jazz_s7_{number:04}.wav", Clip(load_noise(number), 8000))
    make_test(plan(folders, seconds=0.5), folders / "test")  # only the machine was rendered
    assert (folders / "test" / "midi").is_dir()
    for number in range(4):
        save(folders / "people" / f"{number}.wav", Clip(load_noise(9 + number), 8000))
    make_test(plan(folders, seconds=0.5), folders / "test")
    assert not (folders / "test" / "midi").exists()
    make_test(plan(folders, seconds=0.5, notes=True), folders / "test")
    assert (folders / "test" / "midi").is_dir()
    table = folders / "pairs.csv"
    table.write_text("real,generated\n" + "people/0.wav,machine/melody_jazz_s7_0000.mid\n" * 4)
    with pytest.raises(ParameterError, match="is a recording"):
        make_test(Plan(pairs=table, count=8, seconds=0.5), folders / "other")
    (folders / "empty").mkdir()
    with pytest.raises(ParameterError, match=r"no audio found.*nor notes: no audio found.*looked for .*\.mid"):
        make_test(plan(folders, real=folders / "empty"), folders / "other")


def load_noise(seed: int) -> Any:
    import torch

    return 0.1 * torch.randn(1, 8000, generator=torch.Generator().manual_seed(seed))


def test_renditions_are_heard_in_the_same_bars(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(9):
        rows = tune(number)
        foreign(tmp_path / "flat" / f"{number}.mid", rows)
        for name, shift in (("one", 7), ("two", 20)):  # each late by some ticks, as humanisers make it
            ours(tmp_path / name / f"{number}.mid", [(on + shift, *rest) for on, *rest in rows])  # type: ignore[misc]
    ours(tmp_path / "two" / "8.mid", tune(8), tempi=(Tempo(0, 90.0),))
    sides = (tmp_path / "one", tmp_path / "two")
    wanted = Plan(real=tmp_path / "flat", generated=sides, kind="ab", count=8, seconds=3.0, seed=3)
    summary = make_test(wanted, tmp_path / "test")
    assert summary.questions == 8
    for clip in truth_of(tmp_path / "test")["clips"]:
        scores = {
            head: read_notes(tmp_path / "test" / "midi" / f"{clip['clip']}-{head}.mid")
            for head in ("original", "x", "y")
        }
        onsets = {head: score.tracks[0].notes["onset"] for head, score in scores.items()}
        first, second = ("x", "y") if clip["truth"] == "x" else ("y", "x")
        assert (onsets["original"] % TICKS == 0).all()
        assert (onsets[first] % TICKS == 7).all()
        assert (onsets[second] % TICKS == 20).all()
        pitches = [score.tracks[0].notes["pitch"].tolist() for score in scores.values()]
        assert pitches[0] == pitches[1] == pitches[2]
    caplog.clear()
    foreign(tmp_path / "flat" / "7.mid", tune(7), tempo=600_000)
    with pytest.raises(ParameterError, match="7 of 9 file names that all three folders have can be used"):
        make_test(wanted, tmp_path / "other")
    assert "is no rendition of" in caplog.text


def test_the_same_plan_gives_the_same_bytes(folders: Path) -> None:
    for name in "ab":
        make_test(plan(folders), folders / name)
    for path in (folders / "a").rglob("*.*"):
        assert path.read_bytes() == (folders / "b" / path.relative_to(folders / "a")).read_bytes()
    assert truth_of(folders / "a") == truth_of(folders / "b")
    make_test(plan(folders, seed=1), folders / "a")  # only a test is replaced, MIDI and all
    (folders / "a" / "midi" / "mine.txt").write_text("mine")
    with pytest.raises(ParameterError, match=r"mine\.txt"):
        make_test(plan(folders), folders / "a")
