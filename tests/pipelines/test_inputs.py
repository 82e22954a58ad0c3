import io
import logging
import os
import sys
from pathlib import Path

import pytest

from audio_gen.errors import ParameterError
from audio_gen.pipelines.inputs import Source, find_audio, output_paths

WAV = frozenset({".wav", ".mp3"})


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def names(sources: list[Source]) -> list[str]:
    return [source.name for source in sources]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folders_are_searched_to_the_bottom_in_order(here: Path) -> None:
    put(here, "m/b.wav", "m/a/z.MP3", "m/a/deep/x.wav", "m/a.wav", "m/notes.txt", "m/x.wav/inside.wav")
    put(here, "m/.hidden.wav", "m/.git/y.wav", "m/a/._z.mp3")
    found = find_audio(["m"], extensions=WAV)
    assert names(found) == ["m/a/deep/x.wav", "m/a/z.MP3", "m/a.wav", "m/b.wav", "m/x.wav/inside.wav"]
    assert found[0].relative == Path("a/deep/x.wav")


def test_the_name_is_the_argument_as_given(here: Path) -> None:
    put(here, "m/a b.wav", "m/new\nline.wav", "m/🎵.wav")
    assert names(find_audio(["./m/"], extensions=WAV)) == ["./m/a b.wav", "./m/new\nline.wav", "./m/🎵.wav"]
    assert names(find_audio([here / "m" / "a b.wav"])) == [str(here / "m" / "a b.wav")]


@pytest.mark.parametrize(
    ("arguments", "relatives"),
    [
        (["m"], ["a/1.wav", "b/1.wav"]),
        (["m/a/1.wav"], ["1.wav"]),
        (["m/a", "m/b"], ["a/1.wav", "b/1.wav"]),
        (["m/b", "m/a/1.wav"], ["b/1.wav", "a/1.wav"]),
        (["other/2.mp3", "m/a"], ["other/2.mp3", "m/a/1.wav"]),
        (["m/a/1.wav", "m/a"], ["1.wav"]),
        (["m/../m/a"], ["1.wav"]),
    ],
)
def test_relative_to_the_common_folder(here: Path, arguments: list[str], relatives: list[str]) -> None:
    put(here, "m/a/1.wav", "m/b/1.wav", "other/2.mp3")
    assert [source.relative.as_posix() for source in find_audio(arguments, extensions=WAV)] == relatives


def test_a_named_file_is_taken_whatever_its_suffix(here: Path) -> None:
    put(here, "notes.txt", ".secret.wav")
    assert names(find_audio(["notes.txt", ".secret.wav"], extensions=WAV)) == ["notes.txt", ".secret.wav"]


def test_each_real_file_once_and_links_lose(here: Path) -> None:
    put(here, "m/z/real.wav")
    os.symlink("z", here / "m" / "a_link_to_z")
    os.symlink("z/real.wav", here / "m" / "b.wav")
    os.link(here / "m/z/real.wav", here / "m/z/zz.wav")
    assert names(find_audio(["m", "m/z", "m/b.wav"], extensions=WAV)) == ["m/z/real.wav"]


def test_link_loops_and_dead_links(here: Path) -> None:
    put(here, "m/a/1.wav", "away/2.wav")
    os.symlink("..", here / "m" / "a" / "up")
    os.symlink(here / "away", here / "m" / "away")
    os.symlink(here / "m", here / "away" / "back")
    os.symlink("self.wav", here / "m" / "self.wav")
    os.symlink("nowhere", here / "m" / "dead")
    found = find_audio(["m"], extensions=WAV)
    assert names(found) == ["m/a/1.wav", "m/away/2.wav", "m/self.wav"]  # self.wav becomes a record that says so


def test_pipes_in_folders_are_passed_over(here: Path) -> None:
    put(here, "m/1.wav")
    os.mkfifo(here / "m" / "pipe.wav")
    os.symlink("pipe.wav", here / "m" / "to_pipe.wav")
    assert names(find_audio(["m"], extensions=WAV)) == ["m/1.wav"]


def test_an_unreadable_folder_does_not_end_the_search(
    here: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(here, "m/1.wav", "m/locked/2.wav", "m/z/3.wav")
    scandir = os.scandir

    def guarded(path: str) -> object:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with caplog.at_level(logging.WARNING):
        assert names(find_audio(["m"], extensions=WAV)) == ["m/1.wav", "m/z/3.wav"]
    assert "m/locked" in caplog.text


def test_missing_paths_are_all_named(here: Path) -> None:
    put(here, "m/1.wav")
    with pytest.raises(ParameterError, match=r"'gone', 'm/1\.wav/below.*', ''"):
        find_audio(["gone", "m", "m/1.wav/below", ""], extensions=WAV)


def test_nothing_given_and_nothing_found(here: Path) -> None:
    (here / "empty").mkdir()
    with pytest.raises(ParameterError, match="at least one file or folder"):
        find_audio([])
    with pytest.raises(ParameterError, match=r"no audio found in 'empty'.*\.mp3, \.wav"):
        find_audio(["empty"], extensions=WAV)


def test_list_of_files(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(here, "a b.wav", "é.wav", "m/1.wav")
    (here / "list").write_bytes("\ufeffa b.wav\r\n\né.wav\nm\n".encode())
    assert names(find_audio([], "list", extensions=WAV)) == ["a b.wav", "é.wav", "m/1.wav"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"m\0a b.wav\0")))
    assert names(find_audio(["é.wav"], "-", extensions=WAV)) == ["é.wav", "m/1.wav", "a b.wav"]
    with pytest.raises(ParameterError, match="no list"):
        find_audio([], "no list", extensions=WAV)


def test_the_output_folder_is_passed_over_but_may_be_the_argument(here: Path) -> None:
    put(here, "m/1.wav", "m/out/2.wav")
    assert names(find_audio(["m"], extensions=WAV, exclude=Path("m/out"))) == ["m/1.wav"]
    assert names(find_audio(["m/out"], extensions=WAV, exclude=Path("m/out"))) == ["m/out/2.wav"]


def test_names_that_are_no_text(here: Path) -> None:
    (here / "m").mkdir()
    Path(os.fsdecode(os.fsencode(here) + b"/m/\xff.wav")).write_bytes(b"")
    found = find_audio(["m"], extensions=WAV)
    assert names(found) == ["m/\\xff.wav"]  # text that every format can hold; the path stays what it is
    assert found[0].path.is_file()


def plan(*relatives: str) -> list[str]:
    sources = [Source(Path("in", name), name, Path(name)) for name in relatives]
    return [path.as_posix() for path in output_paths(sources, Path("out"), ".npy")]


def test_output_paths_mirror_the_tree() -> None:
    assert plan("a/track01.mp3", "b/track01.mp3", "noext") == [
        "out/a/track01.npy",
        "out/b/track01.npy",
        "out/noext.npy",
    ]


def test_outputs_that_would_meet_keep_their_full_name() -> None:
    assert plan("a.mp3", "a.wav", "b.wav") == ["out/a.mp3.npy", "out/a.wav.npy", "out/b.npy"]
    assert plan("a.mp3", "a.wav", "a.mp3.flac") == ["out/a.mp3.npy", "out/a.wav.npy", "out/a.mp3.flac.npy"]


def test_an_output_never_replaces_an_input(here: Path) -> None:
    put(here, "m/1.wav")
    with pytest.raises(ParameterError, match=r"replace an input: 'm/1\.wav'"):
        output_paths(find_audio(["m"], extensions=WAV), Path("m"), ".wav")


def test_an_output_that_is_a_link_to_an_input(here: Path) -> None:
    put(here, "m/1.wav", "m/2.wav")
    Path("out").mkdir()
    Path("out/1.npy").symlink_to(here / "m" / "1.wav")
    Path("out/2.npy").hardlink_to(here / "m" / "2.wav")  # replaced, it leaves the input as it is
    with pytest.raises(ParameterError, match=r"replace an input: 'out/1\.npy';"):
        output_paths(find_audio(["m"], extensions=WAV), Path("out"), ".npy")
