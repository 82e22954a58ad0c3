import json
from pathlib import Path
from typing import Any

import pytest
import torch

from audio_gen.app.cli import main
from audio_gen.audio.clip import Clip
from audio_gen.audio.encode import save
from audio_gen.symbolic.files import write_notes
from audio_gen.symbolic.score import Score, Track, notes_of


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Four recordings and four generated clips."""
    random = torch.Generator().manual_seed(0)
    for folder in ("real", "made"):
        for number in range(4):
            save(tmp_path / folder / f"{number}.wav", Clip(0.1 * torch.randn(1, 6000, generator=random), 8000))
    return tmp_path


def make(folder: Path, *more: str) -> int:
    inputs = ["--real", str(folder / "real"), "--generated", str(folder / "made")]
    return main(["blind", "make", *inputs, "-o", str(folder / "test"), "--count", "8", "--seconds", "0.5", *more])


def test_notes_are_played_and_scored_as_recordings_are(
    soundfont: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for folder, program in (("real", 0), ("made", 40)):
        for number in range(4):
            rows = [(480 * n, 240, 60 + (n * (number + 1)) % 12, 90) for n in range(8)]
            write_notes_of(tmp_path / folder / f"{number}.mid", Track(notes_of(rows), folder, program))
    (tmp_path / "made" / "broken.mid").write_bytes(b"MThd")
    assert make(tmp_path, "--program", "0") in (0, 1)  # the broken one may not be drawn
    assert len(list((tmp_path / "test" / "midi").glob("*.mid"))) == 8
    assert "at 44100 Hz" in capsys.readouterr().err
    truth = str(tmp_path / "test.truth.json")
    assert main(["blind", "score", truth, answer(tmp_path, "Ann")]) == 0
    assert "8 of 8 answers are right" in capsys.readouterr().out
    assert make(tmp_path, "--notes", "--soundfont", "gone.sf2", "--overwrite") == 2
    assert "no SoundFont at 'gone.sf2'" in capsys.readouterr().err
    assert make(tmp_path, "--program", "200", "--overwrite") == 2
    assert "0 to 127" in capsys.readouterr().err


def write_notes_of(path: Path, track: Track) -> None:
    path.parent.mkdir(exist_ok=True)
    write_notes(path, Score((track,)))


def answer(folder: Path, name: str, wrong: int = 0, given: int = 8, **changes: Any) -> str:
    """What the page would save of a listener who is wrong about the first clips and stops after some."""
    truth = json.loads((folder / "test.truth.json").read_text())
    answers = []
    for number, clip in enumerate(truth["clips"]):
        told = clip["truth"] if number >= wrong else {"real": "generated", "generated": "real"}[clip["truth"]]
        quality = 4 if clip["truth"] == "real" else 2
        answered = number < given
        answers.append({"clip": clip["clip"], "told": told if answered else None, "quality": quality})
    saved = {"schema": 1, "test": truth["test"], "kind": "tell", "listener": name, "answers": answers, **changes}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(saved))
    return str(path)


def test_make_and_score(sounds: Path, capsys: pytest.CaptureFixture[str]):
    assert make(sounds, "--title", "Mine") == 0
    assert "<h1>Mine</h1>" in (sounds / "test" / "index.html").read_text()
    assert "keep it from the listeners" in capsys.readouterr().err
    answers = [answer(sounds, "Ann"), answer(sounds, "Bo", wrong=1)]
    truth = str(sounds / "test.truth.json")
    assert main(["blind", "score", truth, *answers, "--json", str(sounds / "score.json")]) == 0
    out = capsys.readouterr().out
    assert "told apart: yes; 15 of 16 answers are right" in out
    found = json.loads((sounds / "score.json").read_text())
    assert found["right"]["value"] == pytest.approx(15 / 16)
    assert found["quality_real"]["value"] == 4
    assert found["quality_generated"]["value"] == 2
    assert list(found["details"]["by_listener"]) == ["Ann", "Bo"]
    assert found["details"]["by_listener"]["Ann"]["p"] == pytest.approx(1 / 70)


def test_what_is_there_needs_a_word(sounds: Path, capsys: pytest.CaptureFixture[str]):
    assert make(sounds) == 0
    page, truth = sounds / "test" / "index.html", sounds / "test.truth.json"
    before = page.read_bytes()
    assert make(sounds, "--seed", "1") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert make(sounds, "--seed", "1", "--skip-existing") == 0
    assert page.read_bytes() == before
    assert make(sounds, "--seed", "1", "--overwrite") == 0
    assert page.read_bytes() != before
    truth.unlink()
    assert make(sounds, "--skip-existing") == 2
    assert "without the other" in capsys.readouterr().err


def test_a_broken_file_costs_itself_and_the_exit_code(sounds: Path, capsys: pytest.CaptureFixture[str]):
    (sounds / "real" / "5.wav").write_bytes(b"RIFF")
    save(sounds / "made" / "5.wav", Clip(torch.full((1, 6000), 0.1), 8000))
    assert make(sounds, "--count", "10") == 1
    assert "left out" in capsys.readouterr().err
    assert len(list((sounds / "test" / "audio").iterdir())) == 8


def test_a_folder_without_audio(sounds: Path, capsys: pytest.CaptureFixture[str]):
    for path in (sounds / "made").iterdir():
        path.unlink()
    assert make(sounds) == 2
    assert "no audio found" in capsys.readouterr().err
    assert not (sounds / "test").exists()


def test_answers_that_stop_early_count_as_far_as_they_go(sounds: Path, capsys: pytest.CaptureFixture[str]):
    assert make(sounds, "--no-pictures") == 0
    truth = str(sounds / "test.truth.json")
    assert main(["blind", "score", truth, answer(sounds, "Ann", given=5)]) == 0
    out, err = capsys.readouterr()
    assert "leaves 3 of 8 clips open" in err
    assert "5 of 5 answers" in out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": "other"}, "answers test 'other'"),
        ({"answers": [{"clip": "1", "told": "perhaps"}]}, "told real or generated"),
        ({"answers": [{"clip": "99", "told": "real"}]}, "the clips of the test"),
        ({"answers": [{"clip": "1", "told": "real", "quality": 7}]}, "quality 1 to 5"),
        ({"answers": [{"clip": "1", "told": "real"}] * 2}, "once each"),
        ({"answers": None}, "the page doesn't save"),
        ({"answers": []}, "nothing to score"),
    ],
)
def test_answers_that_do_not_belong(
    sounds: Path, changes: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
):
    assert make(sounds, "--no-pictures") == 0
    truth = str(sounds / "test.truth.json")
    assert main(["blind", "score", truth, answer(sounds, "Ann", **changes)]) == 2
    assert message in capsys.readouterr().err


def test_files_that_are_something_else(sounds: Path, capsys: pytest.CaptureFixture[str]):
    assert make(sounds, "--no-pictures") == 0
    truth, ann = str(sounds / "test.truth.json"), answer(sounds, "Ann")
    assert main(["blind", "score", truth, ann, ann]) == 2
    assert "the same answers" in capsys.readouterr().err
    assert main(["blind", "score", ann, ann]) == 2
    assert "holds a listener's answers, not the truth, which comes first" in capsys.readouterr().err
    (sounds / "other.json").write_text("{}")
    assert main(["blind", "score", str(sounds / "other.json"), ann]) == 2
    assert "not the truth of a blind test" in capsys.readouterr().err
    assert main(["blind", "score", str(sounds / "gone.json"), ann]) == 2
    assert "can't read the truth" in capsys.readouterr().err
    assert main(["blind", "score", truth, str(sounds / "real" / "0.wav")]) == 2
    assert "it is no JSON" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["blind"], ["blind", "judge"], ["blind", "make"], ["blind", "score", "a.json"]])
def test_wrong_usage_is_one_line(argv: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(argv) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_options_and_files_in_any_order(sounds: Path):
    assert make(sounds, "--no-pictures") == 0
    truth, ann = str(sounds / "test.truth.json"), answer(sounds, "Ann")
    assert main(["blind", "score", truth, "--json", str(sounds / "s.json"), ann]) == 0
    assert main(["blind", "score", "--quiet", truth, ann]) == 0
