import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_gen.app.cli import main
from audio_gen.audio.decode import load
from audio_gen.audio.encode import read_tags
from audio_gen.pipelines.drum_kit import DrumKit
from audio_gen.symbolic.files import read_notes, write_notes
from audio_gen.symbolic.score import Meter
from tests.pipelines import drum_nets
from tests.pipelines.test_performer import taught

LABELS = ("kick", "snare", "hihat", "cymbal", "tom", "clap", "perc")


@pytest.fixture
def place(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with tiny networks by name, and `in`: a tune, drums, drums in 3/4, and a broken file."""
    monkeypatch.chdir(tmp_path)
    for make in (drum_nets.rnn, drum_nets.vae, drum_nets.feeling):
        make(tiny.folder)
    tiny.generator("drums", LABELS, length=24)
    write_notes("in/tune.mid", drum_nets.tune())
    write_notes("in/beat.mid", drum_nets.flat())
    write_notes("in/waltz.mid", drum_nets.flat(meter=Meter(0, 3, 4)))
    Path("in/broken.mid").write_bytes(b"MThd")
    return tmp_path


def rows(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


def test_patterns_alone(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    one = ["drums", "--style", "rock", "--bars", "2", "--bpm", "90", "--meter", "3/4", "--seed", "7", "-o", "out"]
    assert main([*one, "--count", "2", "--quiet"]) == 0
    told = rows(capfd)
    assert [row["path"] for row in told] == [f"out/drums-rnn_rock_s7_000{n}.mid" for n in (0, 1)]
    said = json.loads(Path("out/drums-rnn_rock_s7_0000.json").read_text())
    assert (said["model"], said["seed"], said["wish"]["style"]) == ("drums-rnn", 7, "rock")
    assert (said["measured"]["bars"], said["measured"]["meter"], said["measured"]["bpm"]) == (2, "3/4", 90.0)
    assert len(said["sha256"]) == 64
    score = read_notes("out/drums-rnn_rock_s7_0000.mid")
    assert (len(score.bars()), score.tracks[0].is_drum) == (2, True)
    before = Path("out/drums-rnn_rock_s7_0001.mid").read_bytes()
    assert main([*one, "--count", "2", "--quiet"]) == 2
    assert "exists already" in capfd.readouterr().err
    assert main([*one, "--count", "2", "--skip-existing", "--quiet"]) == 0
    assert main([*one, "--count", "2", "--overwrite", "--jobs", "2", "--quiet"]) == 0
    assert Path("out/drums-rnn_rock_s7_0001.mid").read_bytes() == before
    assert main([*one, "--style", "funk", "--overwrite", "--model", "drums-vae"]) == 4
    assert "knows 4/4 alone" in capfd.readouterr().out


def test_the_style_is_told_in_full_and_in_six_eight_it_is_rock(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["drums", "--style", "FUN", "--bars", "1", "-o", "out"]) == 0
    assert "style 'FUN' is 'funk'" in capfd.readouterr().err
    assert json.loads(Path("out/drums-rnn_fun_s0_0000.json").read_text())["style"] == "funk"
    made = {}
    for style, meter in ((None, "6/8"), ("rock", "6/8"), ("funk", "6/8"), (None, "4/4")):
        wish = ["--style", style] if style else []
        folder = f"{style}{meter[0]}"
        assert main(["drums", *wish, "--meter", meter, "--bars", "2", "-o", folder, "--quiet"]) == 0
        (row,) = rows(capfd)
        said = row["results"]["drums"]
        assert (said["wish"]["style"], said["style"]) == (style, style or ("rock" if meter == "6/8" else None))
        made[folder] = next(Path(folder).glob("*.mid")).read_bytes()
    assert made["None6"] == made["rock6"] != made["funk6"]
    again = ["drums", "--meter", "6/8", "--bars", "2", "-o", "None6", "--quiet", "--skip-existing"]
    assert main(again) == 0


def test_files_get_drums_and_a_bad_one_costs_its_own_record(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["drums", "in", "-o", "out", "--style", "funk", "--quiet"]) == 1
    told = {row["path"]: row for row in rows(capfd)}
    assert {path: row["ok"] for path, row in told.items()} == {
        "in/beat.mid": False,
        "in/broken.mid": False,
        "in/tune.mid": True,
        "in/waltz.mid": False,
    }
    assert "has drums already" in told["in/beat.mid"]["error"]["message"]
    tune, made = read_notes("in/tune.mid"), read_notes("out/tune_drums.mid")
    assert made.tracks[0] == tune.tracks[0]
    assert (made.meters, made.tempi, len(made.bars())) == (tune.meters, tune.tempi, len(tune.bars()))
    assert len(made.tracks[1].notes) == told["in/tune.mid"]["results"]["drums"]["measured"]["notes"]
    assert set(told["in/tune.mid"]["results"]["drums"]["source"]) == {"name", "sha256"}
    assert main(["drums", "in/beat.mid", "-o", "out", "--replace", "--quiet"]) == 0
    assert len(read_notes("out/beat_drums.mid").tracks) == 2


def test_a_generated_kit_plays_in_time(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["drums", "--bars", "1", "-o", "out", "--kit", "generated", "--kit-seed", "3", "--quiet"]) == 0
    (row,) = rows(capfd)
    said = row["results"]["drums"]
    assert (said["kit"]["model"], said["kit"]["seed"], said["wish"]["kit"]) == ("drums", 3, "drums 3")
    clip = load("out/drums-rnn_any_s0_0000.wav").samples[0]
    direct = DrumKit.load("drums", seed=3).play(read_notes("out/drums-rnn_any_s0_0000.mid")).samples[0]
    assert clip.shape == direct.shape
    assert np.corrcoef(clip, direct)[0, 1] > 0.999
    assert read_tags("out/drums-rnn_any_s0_0000.wav")["kit"]["model"] == "drums"
    loud = ["drums", "--bars", "1", "-o", "loud", "--kit", "generated", "--lufs", "-5"]
    assert main(loud) == 0
    assert "not -5, since its true peak is at -1 dB" in capfd.readouterr().err
    again = ["drums", "--bars", "1", "-o", "out", "--skip-existing", "--quiet"]
    assert main([*again, "--kit", "generated", "--kit-seed", "3"]) == 0
    assert main([*again, "--kit", "generated", "--kit-seed", "4"]) == 2
    assert "another wish" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--style", "polka"], 2, "it knows: funk, rock"),
        (["in/tune.mid", "--bpm", "100", "--bars", "3"], 2, "leave out --bpm, --bars"),
        (["in/tune.mid", "--count", "2"], 2, "leave out --count"),
        (["--replace"], 2, "--replace is for files"),
        (["--model", "humanise"], 3, "humanise"),
        (["--kit", "generated:none"], 3, "no checkpoint is called 'none'"),
        (["--kit", "generated", "--subtype", "MP3"], 2, "--subtype is one of"),
        (["--kit", "no.sf2"], 2, "no.sf2"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(
    place: Path, capfd: pytest.CaptureFixture[str], options: list[str], code: int, message: str
) -> None:
    assert main(["drums", *options, "-o", "out"]) == code
    assert message in capfd.readouterr().err
    assert not list(place.glob("out/*.mid"))


def test_humanise(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["humanise", "in", "-o", "out", "--style", "rock", "--quiet"]) == 1
    told = {row["path"]: row for row in rows(capfd)}
    assert [path for path, row in told.items() if row["ok"]] == ["in/beat.mid", "in/waltz.mid"]
    assert "needs drums" in told["in/tune.mid"]["error"]["message"]
    said = told["in/beat.mid"]["results"]["humanise"]
    assert (said["wish"]["strength"], said["wish"]["keep_accents"], said["style"]) == (0.7, None, "rock")
    assert said["measured"]["shift_ms"] > 0
    score, made = read_notes("in/beat.mid"), read_notes("out/beat_humanised.mid")
    assert made.tracks[0] == score.tracks[0]
    assert made.tracks[1] != score.tracks[1]
    again = ["humanise", "in/beat.mid", "-o", "out", "--skip-existing", "--quiet"]
    assert main([*again, "--style", "rock"]) == 0
    assert main([*again, "--style", "funk"]) == 2
    assert "another wish" in capfd.readouterr().err
    assert main(["humanise", "in/beat.mid", "-o", "same", "--strength", "0", "--quiet"]) == 0
    assert Path("same/beat_humanised.mid").read_bytes() == Path("in/beat.mid").read_bytes()
    assert main(["humanise", "in/beat.mid", "-o", "still", "--no-timing", "--no-velocity", "--quiet"]) == 0
    assert Path("still/beat_humanised.mid").read_bytes() == Path("in/beat.mid").read_bytes()
    assert main(["humanise", "in/beat.mid", "-o", "other", "--style", "polka"]) == 2
    assert "it knows: funk, rock" in capfd.readouterr().err
    assert main(["humanise", "in/beat.mid", "-o", "other", "--strength", "2"]) == 2


def test_accents_are_of_drums(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    piano = ["humanise", "in/tune.mid", "--model", str(taught(place)), "--quiet"]
    assert main([*piano, "-o", "out"]) == 0
    assert main([*piano, "--keep-accents", "-o", "new"]) == 2
    assert "--keep-accents is for drums, not for 'piano'" in capfd.readouterr().err


def test_transfer(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["transfer", "in/beat.mid", "-o", "style", "--style", "rock", "--quiet"]) == 0
    assert main(["transfer", "in/beat.mid", "-o", "like", "--like", "in/waltz.mid", "--quiet"]) == 0
    said = rows(capfd)[1]["results"]["transfer"]
    assert len(said["wish"]["like"]) == 64
    again = ["transfer", "in/beat.mid", "-o", "again", "--style", "ROCK", "--model", "drums-vae", "--quiet"]
    assert main([*again, "--guidance", "4"]) == 0
    told = rows(capfd)[0]["results"]["transfer"]
    assert (told["wish"]["guidance"], told["style"]) == (4, "rock")
    assert 0 <= told["measured"]["hits_kept_f1"] <= 1
    assert {"shift_ms", "velocity_sd"} <= told["measured"].keys()
    assert main([*again, "--guidance", "4", "--skip-existing"]) == 0
    assert main([*again, "--guidance", "5", "--skip-existing"]) == 2
    made = [read_notes(f"{folder}/beat_transferred.mid") for folder in ("style", "like")]
    assert made[0] != made[1]
    assert sorted(made[1].tracks[1].notes["pitch"]) == sorted(read_notes("in/beat.mid").tracks[1].notes["pitch"])
    for options, message in (
        ([], "name a style with --style S"),
        (["--like", "no.mid"], "no such file"),
        (["--like", "in/tune.mid"], "needs drums"),
        (["--style", "rock", "--like", "in/waltz.mid"], "--like FILE, not both"),
        (["--model", "drums-rnn", "--like", "in/waltz.mid"], "leave out --model"),
        (["--guidance", "2", "--like", "in/waltz.mid"], "leans to a style"),
        (["--style", "rock", "--guidance", "101"], "guidance is 0"),
        (["--style", "rock", "--guidance", "-1"], "guidance is 0"),
        (["--style", "rock", "--model", "drums-vae", "--strength", "1"], "--strength: no say with 'drums-vae'"),
        (["--style", "rock", "--model", "drums-rnn", "--no-timing", "--velocity"], "--velocity, --timing: no say"),
    ):
        assert main(["transfer", "in/beat.mid", "-o", "out", *options]) == 2
        assert message in capfd.readouterr().err
    assert main(["transfer", "in/tune.mid", "-o", "out", "--style", "rock", "--model", "drums-rnn"]) == 4
    assert "can't harmonise" in capfd.readouterr().out


def test_morph(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["morph", "in/beat.mid", "in/beat.mid", "-o", "out", "--steps", "3", "--quiet"]) == 0
    (row,) = rows(capfd)
    assert row["path"] == "out/beat_to_beat.mid"
    said = row["results"]["morph"]
    assert (said["measured"]["steps"], said["source"]["end"]["name"]) == (3, "beat.mid")
    assert len(read_notes("out/beat_to_beat.mid").bars()) == 6
    assert main(["morph", "in/beat.mid", "in/beat.mid", "-o", "out", "--steps", "3", "--skip-existing"]) == 0
    assert main(["morph", "in/beat.mid", "in/beat.mid", "-o", "out"]) == 2
    assert main(["morph", "in/beat.mid", "in/waltz.mid", "-o", "out"]) == 4
    assert "in/waltz.mid: only 4/4 can be morphed" in capfd.readouterr().out
    assert main(["morph", "in/beat.mid", "none.mid", "-o", "out"]) == 2
    assert main(["morph", "in/beat.mid", "in/beat.mid", "-o", "new", "--style", "polka"]) == 2
    assert "it knows: funk, rock" in capfd.readouterr().err
