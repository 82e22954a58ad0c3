from pathlib import Path

import numpy as np
import pytest

from audio_gen.errors import DatasetError
from audio_gen.pipelines.teacher import Teacher


def write(path: Path, names: list[str], patches: int, width: int, offset: float = 0.0, hop: float = 3.0) -> Path:
    """`patches` patches of 3 s a file; the embedding tells the number of the file and where the patch begins."""
    index = np.repeat(np.arange(len(names)), patches)
    start = np.tile(hop * np.arange(patches), len(names))
    embedding = (offset + 100 * index + start)[:, None] * np.ones(width)
    np.savez(
        path, files=names, file_index=index, start_s=start, embedding=embedding, tags=np.full((len(index), 2), 0.5)
    )
    return path


def test_patches_fall_into_the_slots_of_each_stretch(tmp_path: Path) -> None:
    teacher = Teacher([[write(tmp_path / "a.npz", ["x.mp3", "y.mp3"], 7, 3)]])
    rows = teacher.over("somewhere/y.mp3", [0.0, 6.0, 80.0], 9.0)
    assert rows.shape == (3, 3, 5)
    assert rows.dtype == np.float16
    assert rows[:2, :, 0].tolist() == [[100.0, 103.0, 106.0], [106.0, 109.0, 112.0]]
    assert np.isnan(rows[2]).all()  # no patch lies there
    assert np.allclose(rows[0, :, 3:], 0)  # the logit of ½
    assert np.isnan(teacher.over("z.mp3", [0.0], 30.0)).all()


def test_a_slot_holds_the_mean_of_its_patches(tmp_path: Path) -> None:
    dense = Teacher([[write(tmp_path / "a.npz", ["x.mp3"], 9, 1, hop=1.5)]])
    assert dense.over("x.mp3", [0.0], 9.0)[0, :, 0].tolist() == [0.0, 2.25, 5.25]  # middles at 1.5 | 3 4.5 | 6 7.5
    short = Teacher([[write(tmp_path / "b.npz", ["x.mp3"], 9, 1, hop=2.992)]])  # as 187 frames of 16 ms are
    assert np.allclose(short.over("x.mp3", [0.0], 27.0)[0, :, 0], 2.992 * np.arange(9), atol=0.02)


def test_two_teachers_stand_side_by_side(tmp_path: Path) -> None:
    first = [write(tmp_path / "a.npz", ["x.mp3"], 3, 2), write(tmp_path / "b.npz", ["y.mp3"], 3, 2, offset=5.0)]
    second = [write(tmp_path / "c.npz", ["x.mp3", "y.mp3"], 3, 1, offset=7.0)]
    rows = Teacher([first, second]).over("y.mp3", [0.0], 3.0)
    assert rows[0, 0].tolist() == [5.0, 5.0, 0.0, 0.0, 107.0, 0.0, 0.0]


@pytest.mark.parametrize("data", [b"", b"text", b"PK\x03\x04" + bytes(100), None])
def test_other_files_are_told(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "x.npz"
    if data is None:
        np.savez(path, embedding=np.zeros((2, 2)))
    else:
        path.write_bytes(data)
    with pytest.raises(DatasetError, match="holds no outputs of a teacher"):
        Teacher([[path]])
    with pytest.raises(DatasetError, match="holds no outputs of a teacher"):
        Teacher([[tmp_path / "none.npz"]])
