from pathlib import Path

import numpy as np
import pytest

from audio_gen.errors import DatasetError
from audio_gen.pipelines.teacher import Teacher


def write(path: Path, names: list[str], patches: int, width: int, offset: float = 0.0) -> Path:
    """`patches` patches of 10 s a file; the embedding tells the number of file and patch."""
    index = np.repeat(np.arange(len(names)), patches)
    start = np.tile(10.0 * np.arange(patches), len(names))
    embedding = (offset + 100 * index + start)[:, None] * np.ones(width)
    np.savez(
        path, files=names, file_index=index, start_s=start, embedding=embedding, tags=np.full((len(index), 2), 0.5)
    )
    return path


def test_means_over_the_patches_of_each_stretch(tmp_path: Path) -> None:
    teacher = Teacher([[write(tmp_path / "a.npz", ["x.mp3", "y.mp3"], 7, 3)]])
    rows = teacher.over("somewhere/y.mp3", [0.0, 30.0, 45.0, 80.0], 30.0)
    assert rows.shape == (4, 5)
    assert rows.dtype == np.float16
    assert rows[:3, 0].tolist() == [110.0, 140.0, 155.0]  # patches at 0 10 20, at 30 40 50, at 50 60
    assert np.isnan(rows[3]).all()  # no patch begins there
    assert np.allclose(rows[0, 3:], 0)  # the logit of ½
    assert np.isnan(teacher.over("z.mp3", [0.0], 30.0)).all()


def test_two_teachers_stand_side_by_side(tmp_path: Path) -> None:
    first = [write(tmp_path / "a.npz", ["x.mp3"], 3, 2), write(tmp_path / "b.npz", ["y.mp3"], 3, 2, offset=5.0)]
    second = [write(tmp_path / "c.npz", ["x.mp3", "y.mp3"], 3, 1, offset=7.0)]
    rows = Teacher([first, second]).over("y.mp3", [0.0], 30.0)
    assert rows[0].tolist() == [15.0, 15.0, 0.0, 0.0, 117.0, 0.0, 0.0]


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
