import json
from pathlib import Path

import pytest
import torch

from audio_gen.app.cli import main
from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import load
from audio_gen.audio.encode import read_tags, save
from audio_gen.symbolic.files import write_notes
from audio_gen.symbolic.score import Score, Track, notes_of

FAST = ["--sample-rate", "8000", "--quiet"]


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soundfont: None) -> Path:
    """A folder `notes` in the working folder: two files of MIDI, a tune, and one that is broken."""
    monkeypatch.chdir(tmp_path)
    for name, pitch in (("a/one.mid", 60), ("b/one.midi", 67)):
        write_notes(tmp_path / "notes" / name, Score((Track(notes_of([(0, 240, pitch, 100)])),)))
    (tmp_path / "notes" / "tune.abc").write_text("X:1\nM:4/4\nL:1/16\nK:C\nCDEF|\n")
    (tmp_path / "notes" / "broken.mid").write_bytes(b"MThd")
    (tmp_path / "notes" / "readme.txt").write_text("not looked at")
    return tmp_path / "notes"


def test_a_folder_is_mirrored_and_a_bad_file_costs_its_own_record(
    notes: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("music21", reason="music21 is not installed")
    assert main(["render", "notes", "-o", "out", *FAST]) == 1
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {row["path"]: row["ok"] for row in rows} == {
        "notes/a/one.mid": True,
        "notes/b/one.midi": True,
        "notes/broken.mid": False,
        "notes/tune.abc": True,
    }
    assert rows[0]["results"]["render"]["output"] == "out/a/one.wav"
    assert rows[0]["sample_rate"] == 8000
    wavs = {str(path) for path in Path("out").rglob("*.*") if path.is_file()}
    assert wavs == {"out/a/one.wav", "out/b/one.wav", "out/tune.wav"}
    clip = load("out/a/one.wav")
    assert (clip.sample_rate, clip.channels) == (8000, 2)
    assert clip.duration == pytest.approx(rows[0]["duration_s"])
    assert clip.samples.abs().max() > 0.01
    before = {path: Path(path).read_bytes() for path in wavs}
    assert main(["render", "notes", "-o", "out", *FAST]) == 2
    assert "--skip-existing" in capfd.readouterr().err
    assert main(["render", "notes", "-o", "out", *FAST, "--skip-existing"]) == 1
    assert '"ok": true' not in capfd.readouterr().out
    assert main(["render", "notes", "-o", "out", *FAST, "--overwrite", "--jobs", "2"]) == 1
    assert {path: Path(path).read_bytes() for path in wavs} == before


def test_one_file_goes_exactly_where_it_is_asked(notes: Path, capfd: pytest.CaptureFixture[str]) -> None:
    one = ["render", "notes/a/one.mid", "-o", "deep/song.WAV", *FAST, "--lufs", "-30"]
    assert main(one) == 0
    row = json.loads(capfd.readouterr().out)
    assert row["results"]["render"]["output"] == "deep/song.WAV"
    assert row["results"]["render"]["lufs"] == pytest.approx(-30, abs=0.1)
    assert read_tags("deep/song.WAV")["soundfont"] == row["results"]["render"]["soundfont"]
    first = Path("deep/song.WAV").read_bytes()
    assert main(one) == 2
    assert "song.WAV' exists" in capfd.readouterr().err
    assert main([*one, "--skip-existing"]) == 0
    assert capfd.readouterr().out == ""
    assert main([*one, "--overwrite"]) == 0
    assert Path("deep/song.WAV").read_bytes() == first
    assert main(["render", "notes/broken.mid", "-o", "b.wav", *FAST]) == 4
    assert not Path("b.wav").exists()


def test_a_recording_that_is_called_mid_is_told_alike_by_all(notes: Path, capfd: pytest.CaptureFixture[str]) -> None:
    save("x.wav", Clip(torch.zeros(1, 80), 8000))
    Path("x.wav").rename("fake.mid")
    message = "'fake.mid' is a recording (WAV), not MIDI: give MIDI (.mid)"
    assert main(["render", "fake.mid", "-o", "out", *FAST]) == 4
    assert message in capfd.readouterr().out
    assert main(["inspect", "fake.mid"]) == 1
    assert message in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["notes/a", "notes/b", "-o", "out.wav"], "2 inputs"),
        (["notes/a", "-o", "out.wav", "--format", "parquet"], "folder"),
        (["notes/none.mid", "-o", "out"], "no such file"),
        (["notes/a", "-o", "out", "--soundfont", "none.sf2"], "no SoundFont at 'none.sf2'"),
        (["notes/a", "-o", "out", "--sample-rate", "44"], "8000 to 192000 Hz, not 44"),
        (["notes/a", "-o", "out", "--lufs", "3"], "LUFS"),
        (["notes/a", "-o", "out", "--subtype", "MP3"], "PCM_16"),
        (["notes/a"], "-o"),
    ],
)
def test_wrong_usage(notes: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(["render", *arguments]) == 2
    assert message in capfd.readouterr().err
    assert not list(Path().rglob("*.wav"))


def test_the_input_is_never_replaced(notes: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (notes / "a" / "one.mid").rename("notes/x.wav")
    before = Path("notes/x.wav").read_bytes()
    assert main(["render", "notes/x.wav", "-o", "notes/x.wav", "--overwrite"]) == 2
    assert main(["render", "notes/x.wav", "-o", "notes", "--overwrite"]) == 2
    assert Path("notes/x.wav").read_bytes() == before
