"""A user's own labels: folders of classes and tables through the command line, good ones and bad ones."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_gen.app.cli import main

RATE = 22050
Small = Callable[[str], list[str]]


def sound(path: Path, hz: float, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(RATE // 2) / RATE
    noise = np.random.default_rng(seed).standard_normal(len(t))
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * t) + 0.02 * noise, RATE)


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Class folders `music/hóch & "high"` and `music/low` in the working folder, five files each."""
    monkeypatch.chdir(tmp_path)
    for n in range(5):
        sound(tmp_path / "music" / HIGH / f"{n}.wav", 3000 + 200 * n, n)
        sound(tmp_path / "music" / "low" / f"{n}.wav", 150 + 20 * n, n)
    return tmp_path / "music"


HIGH = 'hóch & "high"'


@pytest.fixture
def train(music: Path, tiny_settings: Small) -> Callable[..., int]:
    """The command with small settings: `train(data, *more)`."""
    small = [text for assignment in (*tiny_settings("classifier"), "steps=4") for text in ("--set", assignment)]
    base = ["train", "classifier", "--name", "mine", "--device", "cpu", *small]
    return lambda data, *more: main([*base, "--data", data, *more])


def written(text: str, encoding: str = "utf-8", name: str = "mine.csv") -> str:
    Path(name).write_bytes(text.encode(encoding))
    return name


def rows(column: str = "label", more: str = "", of: Callable[[str, int], str] = lambda label, n: "") -> str:
    """A table of all of `music`; `more` is a further column, filled by `of`."""
    lines = [
        f'"music/{label.replace(chr(34), 2 * chr(34))}/{n}.wav",{label[:1]}'
        for label in (HIGH, "low")
        for n in range(5)
    ]
    cells = [of(label, n) for label in (HIGH, "low") for n in range(5)]
    extra = [f",{cell}" if more else "" for cell in cells]
    head = f"path,{column}" + (f",{more}" if more else "")
    return "\n".join([head, *(line + cell for line, cell in zip(lines, extra, strict=True))]) + "\n"


def copy(source: str, target: str) -> None:
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def test_a_folder_becomes_a_checkpoint_with_a_report(
    train: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    assert train("music", "--patience", "2") == 0
    said = capfd.readouterr()
    assert said.out == "checkpoints/mine.safetensors\n"
    assert "report: runs/mine/mine.report.json and runs/mine/mine.report.html" in said.err
    report = json.loads(Path("runs/mine/mine.report.json").read_text())
    assert report["labels"] == [HIGH, "low"]
    assert report["tracks"] == {"train": {HIGH: 4, "low": 4}, "valid": {HIGH: 1, "low": 1}}
    assert np.sum(report["figures"]["valid"]["confusion"]) == 2
    page = Path("runs/mine/mine.report.html").read_text()
    assert "hóch &amp; &quot;high&quot;" in page
    assert 'hóch & "high"' not in page


def test_rows_of_one_artist_stay_together(train: Callable[..., int]) -> None:
    table = written(rows(more="singer", of=lambda label, n: str(n // 2)))
    assert train(table, "--group-by", "singer", "--quiet") == 0
    report = json.loads(Path("runs/mine/mine.report.json").read_text())
    assert sum(report["groups"].values()) == 3
    assert sum(map(sum, (part.values() for part in report["tracks"].values()))) == 10


def test_unreadable_files_are_left_out(train: Callable[..., int], capfd: pytest.CaptureFixture[str]) -> None:
    Path("music/low/3.wav").write_bytes(b"no music")
    assert train("music", "--quiet") == 0
    (line,) = capfd.readouterr().err.splitlines()
    assert "left out" in line
    assert "low/3.wav" in line


def test_the_same_file_twice_in_a_class_is_said(train: Callable[..., int], capfd: pytest.CaptureFixture[str]) -> None:
    copy("music/low/1.wav", "music/low/copy.wav")
    assert train("music", "--quiet") == 0
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert "the same audio twice in" in said[0]
    assert "'low/1.wav' and 'low/copy.wav'" in said[0]
    assert Path("checkpoints/mine.safetensors").exists()


def silence() -> str:
    for label in (HIGH, "low"):
        for n, frames in enumerate((RATE, RATE + 1)):
            soundfile.write(f"music/{label}/silent {n}.wav", np.zeros(frames + (label == "low") * 2), RATE)
    return "music"


def test_silent_files_are_no_copies(train: Callable[..., int]) -> None:
    assert train(silence(), "--quiet") == 0


def test_no_half_trained_model_looks_finished(train: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    from audio_gen.training import train as module

    def broken(*_: object) -> dict[str, object]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "class_report", broken)
    assert train("music", "--quiet") == 1
    assert not Path("checkpoints").exists()


def rewrapped() -> str:
    """The same samples as WAV in train and as FLAC in valid."""
    for split, label, n in (("train", HIGH, 0), ("train", "low", 0), ("valid", HIGH, 1), ("valid", "low", 1)):
        copy(f"music/{label}/{n}.wav", f"split/{split}/{label}/{n}.wav")
    samples, rate = soundfile.read("music/low/0.wav")
    soundfile.write("split/valid/low/other.flac", samples, rate)
    return "split"


def copied(source: str, target: str, data: str = "music") -> str:
    copy(source, target)
    return data


def two_splits() -> str:
    for split in ("train", "valid"):
        for label in (HIGH, "low"):
            copy(f"music/{label}/0.wav", f"split/{split}/{label}/{split}.wav")
    return "split"


def emptied(label: str) -> str:
    for path in Path("music", label).iterdir():
        path.write_bytes(b"")
    return "music"


def only_one_file() -> str:
    for n in range(1, 5):
        Path(f"music/low/{n}.wav").unlink()
    return "music"


def renamed(label: str) -> str:
    shutil.copytree("music/low", f"music/{label}")
    return "music"


BAD: dict[str, tuple[Callable[[], str], str]] = {
    "two classes share a file": (
        lambda: copied("music/low/1.wav", f"music/{HIGH}/x.wav"),
        f"two classes share a file: {HIGH + '/x.wav'!r} ({HIGH}) and 'low/1.wav' (low)",
    ),
    "two splits share a file": (two_splits, "two splits share a file: 'train/"),
    "two splits share what files hold": (
        rewrapped,
        "two splits share the same audio: 'train/low/0.wav' (train) and 'valid/low/other.flac' (valid)",
    ),
    "one file in a class": (only_one_file, "a single file of low; a class needs two"),
    "all files of a class broken": (lambda: emptied("low"), "not one file of class 'low' could be read"),
    "names that differ by case": (lambda: renamed("Low"), "'Low' and 'low' differ only by case"),
    "an audio file instead": (lambda: "music/low/0.wav", "can't read music/low/0.wav as a UTF-8 table"),
    "no label column": (lambda: written(rows("colour")), "needs the column path and one of label, genre"),
    "no path column": (lambda: written("file,label\na.wav,x\n"), "lacks the columns path; it has: file, label"),
    "two label columns": (lambda: written("path,label,label\nmusic/low/0.wav,a,b\n"), "more than one column 'label'"),
    "an empty label": (lambda: written(rows().replace("4.wav\",l", "4.wav\",")), "row 10: label is empty"),
    "a single label": (lambda: written(rows().replace("\",h", "\",l")), "only one class, 'l'"),
    "a rare label": (lambda: written(rows().replace("4.wav\",l", "4.wav\",x")), "a single file of x"),
    "UTF-16": (lambda: written(rows(), "utf-16"), "as a UTF-8 table"),
    "Latin-1": (lambda: written(rows(), "latin-1"), "save it as CSV in UTF-8"),
    "an empty table": (lambda: written(""), "lacks the columns path; it has: no column"),
    "a header alone": (lambda: written("path,label\n"), "has no rows below its header"),
    "a row twice": (lambda: written(rows() + rows().splitlines()[-1] + "\n"), "more than once: music/low/4.wav"),
    "files that aren't there": (lambda: written(rows().replace("4.wav", "9.wav")), "2 of 10 files that mine.csv lists"),
    "half the splits": (
        lambda: written(rows(more="split", of=lambda label, n: "train" if n else "")), "2 of 10 rows tell no split"
    ),
    "no valid split": (
        lambda: written(rows(more="split", of=lambda label, n: "train")), "no track of split 'valid'; there are: train"
    ),
    "a class without training tracks": (
        lambda: written(rows(more="split", of=lambda label, n: "valid" if label == "low" or not n else "train")),
        "without a training track: l",
    ),
    "a group in two splits": (
        lambda: written(
            rows(more="split,artist", of=lambda label, n: f"{'valid' if n > 3 else 'train'},{label[0]}{n or 4}")
        ),
        "group 'h4' is in two splits",
    ),
    "one group in a class": (
        lambda: written(rows(more="artist", of=lambda label, n: label[0])), "class 'h' of 5 files can't be learnt from"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_data_cost_one_clear_line(train: Callable[..., int], capfd: pytest.CaptureFixture[str], case: str) -> None:
    make, message = BAD[case]
    assert train(make(), "--quiet") == 2
    said = capfd.readouterr()
    errors = [line for line in said.err.splitlines() if "left out" not in line]
    assert len(errors) == 1, said.err
    assert message in errors[0]
    assert errors[0].startswith("audio-gen: error: ")
    assert said.out == ""
    assert not Path("checkpoints").exists()
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("data", "more", "message"),
    [
        ("music", ["--group-by", "artist"], "grouped by folder or none, not by 'artist'"),
        ("mine.csv", ["--group-by", "artist"], "lacks the columns artist; it has: path, label"),
        ("gtzan_mel", ["--group-by", "artist"], "--group-by 'artist' is for a folder of classes or a CSV"),
        ("nothing", [], "'nothing' is no file, no folder and no dataset"),
        ("music", ["--patience", "-1"], "--patience: must be a whole number from 0 on"),
        ("music", ["--name", "a/b"], "plain name"),
    ],
)
def test_wrong_options_cost_one_clear_line(
    train: Callable[..., int], capfd: pytest.CaptureFixture[str], data: str, more: list[str], message: str
) -> None:
    written(rows())
    assert train(data, *more, "--quiet") == 2
    said = capfd.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert not Path("checkpoints").exists()
