import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audio_gen.app.cli import main
from audio_gen.models import checkpoint
from audio_gen.models.melody import MelodyNet
from audio_gen.pipelines import not_music
from tests import notes
from tests.pipelines import note_layouts

GENRES = np.array(["blues", "jazz", "rock"])


@pytest.fixture
def pictures_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `data` with one split of gtzan_mel and nothing else."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    mel = np.random.default_rng(0).integers(0, 256, (7, 128, 387), dtype=np.uint8)
    np.savez("data/held_out.npz", mel=mel, label=np.arange(7) % 3, genres=GENRES)
    return tmp_path / "data"


def evaluate(*arguments: str) -> int:
    return main(["evaluate", *arguments, "--quiet"])


def test_a_table_and_json(tiny: Any, pictures_only: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.classifier()
    command = ["genre", "--data", "gtzan_mel", "--root", "data", "--split", "held_out"]
    assert evaluate(*command, "--json", "new/figures.json") == 0
    said = capfd.readouterr()
    assert said.err == ""
    found = json.loads(Path("new/figures.json").read_text())
    assert found.keys() == {"accuracy", "macro_f1", "ece", "details"}
    for key in ("accuracy", "macro_f1", "ece"):
        assert found[key].keys() == {"value", "low", "high"}
        (line,) = [line for line in said.out.splitlines() if line.startswith(key + " ")]
        assert f"{found[key]['value']:.3f}" in line
        assert f"[{found[key]['low']:.3f}, {found[key]['high']:.3f}]" in line
    assert found["details"]["tracks"] == 7
    first = Path("new/figures.json").read_bytes()
    assert evaluate(*command, "--json", "new/figures.json") == 0
    assert Path("new/figures.json").read_bytes() == first
    assert not list(Path("new").glob(".*"))


def test_figures_can_be_kept_in_the_checkpoint(tiny: Any, pictures_only: Path) -> None:
    path = tiny.classifier()
    before = checkpoint.load(path)
    command = ["genre", "--data", "gtzan_mel", "--root", "data", "--split", "held_out"]
    assert evaluate(*command, "--json", "x.json", "--record") == 0
    after = checkpoint.load(path)
    kept = json.loads(Path("x.json").read_text())
    assert kept["details"].pop("sha256") == before.sha256  # the file's own changes with what is written into it
    assert after.metrics == {"gtzan_mel/held_out": kept}
    assert all(value.equal(before.state[key]) for key, value in after.state.items())


def test_sounds_that_are_no_music_need_no_data(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(not_music, "COUNT", 2)
    monkeypatch.setattr(not_music, "SECONDS", 1.5)
    path = tiny.classifier()
    assert evaluate("genre", "--not-music", "--json", str(tmp_path / "x.json"), "--record") == 0
    found = json.loads((tmp_path / "x.json").read_text())
    assert found.keys() == {"details"}
    del found["details"]["sha256"]
    assert checkpoint.load(path).metrics == {"not_music": found}
    said = capfd.readouterr().out
    for kind in ("silence", "white_noise", "pink_noise", "brown_noise", "tone", "clicks", "speech", "all"):
        row = found["details"]["not_music"][kind]
        (line,) = [line for line in said.splitlines() if line.startswith(kind + " ")]
        assert f"{row['probability']['value']:.3f} [" in line
        assert row["label"] in line


def test_tables_are_printed_too(tiny: Any, pictures_only: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.classifier()
    np.savez(
        "data/other.npz",
        mel=np.random.default_rng(1).integers(0, 256, (4, 128, 387), dtype=np.uint8),
        label=np.arange(4) % 2,
        genres=np.array(["polka", "rock"]),
    )
    command = ["genre", "--data", "gtzan_mel", "--root", "data", "--split", "other", "--attacked", "2"]
    assert evaluate(*command, "--json", "x.json") == 0
    details = json.loads(Path("x.json").read_text())["details"]
    lines = capfd.readouterr().out.splitlines()
    for key in ("ece ", "ece_band_95 ", "brier ", "coverage_0.45 ", "accuracy_0.45 "):
        assert len([line for line in lines if line.startswith(key)]) == 1
    head = lines.index(next(line for line in lines if line.startswith("true \\ told")))
    assert lines[head].split() == ["true", "\\", "told", "blues", "jazz", "rock"]
    for line in lines[head + 1 : head + 3]:
        label, *counts = line.split()
        assert [int(count) for count in counts] == list(details["confusion"][label].values())
    assert any(line.startswith("attacked_accuracy ") for line in lines)
    assert "attacked (method fgsm, epsilon_db 2.0, tracks 2)" in lines


def test_a_generator_gets_figures_of_its_own(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for place in ("valid/folk", "valid/techno", "train/folk", "train/techno"):
        Path("real", place).mkdir(parents=True)
        soundfile.write(f"real/{place}/x.wav", 0.1 * random.standard_normal(3 * 22050), 22050)
    tiny.generator()
    tiny.classifier("judge", ("folk", "techno"))
    tiny.classifier()
    tiny.emotion()
    command = ["music", "--data", "folder", "--root", "real", "--judge", "judge", "--count", "8", "--seconds", "0.25"]
    command += ["--listener", "genre", "--listener", "emotion", "--vocoder", "griffin-lim"]
    assert evaluate(*command, "--json", "x.json") == 0

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    found = json.loads(Path("x.json").read_text(), parse_constant=refuse)
    assert found.keys() == {"details"}
    details = found["details"]
    assert details["listeners"].keys() == {"genre", "emotion"}
    said = capfd.readouterr()
    lines = said.out.splitlines()
    for title in (
        "targets",
        "judged",
        "confusion_generated",
        "listeners / genre / kad",
        "listeners / emotion / coverage",
    ):
        (place,) = [number for number, line in enumerate(lines) if f"{line} ".startswith(f"{title} ")]
        assert lines[place - 1] == ""
    # noise by class is no class: the judge tells nothing, and that is said in the table and as a warning
    assert details["misranked"]
    assert len(said.err.splitlines()) == len(details["misranked"])
    for note in details["misranked"]:
        metric, control = note.split(": ")
        assert f"real music is no better than {control} by {metric}" in said.err
        if metric.startswith("emotion "):
            title = f"listeners / emotion / {metric.removeprefix('emotion ')} "
            assert any(line.startswith(title) and control in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing", "--data", "gtzan_mel"], 3, "no checkpoint is called 'nothing'"),
        (["genre", "--data", "gtzan_mel", "--split", "train"], 2, "held_out"),
        (["genre", "--data", "gtzan_mel", "--root", "nowhere"], 2, "nowhere"),
        (["genre", "--data", "millions"], 2, "'millions' is not one of the datasets"),
        (["other", "--data", "gtzan_mel", "--split", "held_out"], 2, "tells nothing that 'other' predicts (a, b)"),
        (["music", "--data", "gtzan_mel", "--split", "held_out"], 3, "styles"),
        (["music", "--data", "gtzan_mel", "--split", "held_out", "--judge", "genre"], 2, "judge 'genre' knows"),
        (["genre", "--data", "gtzan_mel", "--device", "gpu"], 2, "auto, cpu, cuda"),
        (["genre"], 2, "give --data DATASET"),
        (["genre", "--not-music", "--robustness"], 2, "give --data DATASET"),
        (["genre", "--data", "gtzan_mel", "--split", "held_out", "--robustness"], 2, "no audio to change"),
        (["genre", "--data", "gtzan_mel", "--attacked", "-1"], 2, "must be a number above 0, not '-1'"),
        (["music", "--data", "gtzan_mel", "--attacked"], 2, "'music' is a generator"),
        (["genre", "--data", "gtzan_mel", "--split", "held_out", "--rendered"], 2, "--rendered is for models of notes"),
        (["genre", "--data", "gtzan_mel", "--split", "held_out", "--page", "p"], 2, "--page shows what a model makes"),
    ],
)
def test_what_cannot_be_measured_costs_one_line(
    tiny: Any, pictures_only: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    tiny.classifier()
    tiny.classifier("other", ("a", "b"))
    tiny.generator()
    assert evaluate(*arguments, "--json", "x.json") == code
    said = capfd.readouterr()
    assert message in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""
    assert not Path("x.json").exists()


def test_a_model_of_notes_gets_figures_of_its_own(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    config = {"styles": 1, "width": 8}
    net = note_layouts.seeded(MelodyNet, config)
    notes.saved(tmp_path, "tunes", "melody", net, config, ("Jazz",))
    note_layouts.openewld(tmp_path / "data", ["test"], 2, bars=4)
    command = ["tunes.safetensors", "--data", "openewld", "--root", "data", "--split", "test", "--count", "0"]
    assert evaluate("./" + command[0], *command[1:], "--json", "x.json", "--record") == 0
    found = json.loads(Path("x.json").read_text())
    assert found.keys() == {"nats_per_step", "nats_per_note", "nats_per_quarter", "details"}
    assert checkpoint.load("./tunes.safetensors").metrics.keys() == {"openewld/test"}
    lines = capfd.readouterr().out.splitlines()
    assert any(line.startswith("nats_per_step ") and "95 % [" in line for line in lines)
    assert "transpositions" in lines
    assert evaluate("./" + command[0], *command[1:], "--robustness") == 2
    assert "'tunes' is a melody: give --data" in capfd.readouterr().err
    tiny.classifier()
    tiny.emotion()
    assert evaluate("./" + command[0], *command[1:], "--rendered") == 2
    assert "there are no new pieces of 'tunes' to render" in capfd.readouterr().err
