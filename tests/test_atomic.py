from pathlib import Path

import pytest

from audio_gen.atomic import clear_parts, neighbour, replacing


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "new" / "x.txt"
    with replacing(target) as part:
        part.write_text("first")
        assert not target.exists()
        assert part.suffix == ".txt"
        assert part.name.startswith(".")
    assert target.read_text() == "first"

    def failing() -> None:
        with replacing(target) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        failing()
    assert [path.name for path in target.parent.iterdir()] == ["x.txt"]
    assert target.read_text() == "first"


def test_what_a_kill_left_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".x.part.txt").write_text("left behind, and longer")
    with replacing(tmp_path / "x.txt") as part:
        part.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


@pytest.mark.parametrize("letter", ["x", "é", "🎵"])
def test_long_names_do_not_meet(tmp_path: Path, letter: str) -> None:
    long = letter * (249 // len(letter.encode()))
    with replacing(tmp_path / f"{long}1.npy") as one, replacing(tmp_path / f"{long}2.npy") as two:
        assert one != two
        one.write_text("1")
        two.write_text("2")
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["1", "2"]


def test_parts_that_a_kill_left_are_cleared(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    names = ["a/.x.part.npy", "a/b/.y.part.npy", "a/x.npy", "a/.x.part.wav", "a/z.part.npy", ".hidden.npy"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    clear_parts(tmp_path, ".npy")
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == sorted(names[2:])


def test_neighbours_of_long_names_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    assert neighbour(path, ".csv.journal") == tmp_path / ".records.csv.journal"
    long = [neighbour(tmp_path / f"{'x' * 250}{n}", ".journal") for n in range(2)]
    assert len({path.name for path in long}) == 2
    assert all(len(path.name) < 255 for path in long)
