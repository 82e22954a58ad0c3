from pathlib import Path

import pytest

from audio_gen.atomic import replacing


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
