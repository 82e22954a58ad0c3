"""`audio-gen download`, without a network."""

from pathlib import Path

import pytest

from audio_gen.app.cli import main
from audio_gen.datasets import deam, pmemo
from audio_gen.errors import DatasetError
from tests.datasets import layouts


def test_what_may_be_fetched_is_fetched_into_its_folder_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fetched = []

    def download(folder: Path) -> None:
        fetched.append(folder)
        layouts.deam(folder, layouts.SPLITS)

    monkeypatch.setattr(deam, "download", download)
    assert main(["download", "deam", "--root", str(tmp_path)]) == 0
    assert fetched == [tmp_path / "deam"]
    out, err = capsys.readouterr()
    assert out == ""
    assert "deam is there: 7 items" in err
    assert "test 2" in err
    assert main(["download", "deam", "--root", str(tmp_path / "deam")]) == 0
    assert len(fetched) == 1  # what is there is not fetched again


def test_the_root_may_be_the_folder_of_the_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deam, "download", lambda folder: layouts.deam(folder, ("test",)))
    assert main(["download", "deam", "--root", str(tmp_path / "deam")]) == 0
    assert (tmp_path / "deam/MEMD_audio/2001.mp3").is_file()


def test_a_set_that_comes_incomplete_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def download(folder: Path) -> None:
        layouts.deam(folder, ("test",))
        (folder / "MEMD_audio/2058.mp3").unlink()

    monkeypatch.setattr(deam, "download", download)
    assert main(["download", "deam", "--root", str(tmp_path)]) == 2
    assert "1 of 2 files" in capsys.readouterr().err


def test_advice_where_it_may_not_be_fetched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", "pmemo", "--root", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("audio-gen: error: pmemo can't be fetched by this program: ")
    assert pmemo.SOURCE in err
    assert err.count("\n") == 1
    layouts.pmemo_copy(tmp_path / "pmemo", layouts.SPLITS)
    assert main(["download", "pmemo", "--root", str(tmp_path)]) == 0
    assert "pmemo is there: 14 items" in capsys.readouterr().err


def test_a_failed_download_and_an_unknown_set_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def download(folder: Path) -> None:
        raise DatasetError("can't fetch it")

    monkeypatch.setattr(deam, "download", download)
    assert main(["download", "deam", "--root", str(tmp_path), "--quiet"]) == 2
    assert capsys.readouterr().err == "audio-gen: error: can't fetch it\n"
    assert main(["download", "nothing", "--root", str(tmp_path)]) == 2
    assert "'nothing' is not one of the datasets; there are: asap, deam, " in capsys.readouterr().err
