from pathlib import Path

import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.pipelines.npy import ColumnWriter


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("widths", [[], [1], [3, 0, 4]])
def test_reads_back_as_one_array(tmp_path: Path, dtype: str, widths: list[int]) -> None:
    blocks = [np.random.default_rng(k).standard_normal((5, k)).astype(np.float32) for k in widths]
    with ColumnWriter(tmp_path / "x.npy", 5, dtype) as writer:
        for block in blocks:
            writer.append(block)
    array = np.load(tmp_path / "x.npy")
    assert array.shape == (5, sum(widths))
    assert array.dtype == np.dtype(dtype)
    assert np.array_equal(array, np.concatenate([np.zeros((5, 0)), *blocks], 1).astype(dtype))
    if widths:
        assert np.array_equal(np.load(tmp_path / "x.npy", mmap_mode="r"), array)


def test_the_header_holds_large_shapes(tmp_path: Path) -> None:
    writer = ColumnWriter(tmp_path / "x.npy", 10**9, "float16")
    writer.columns = 10**18
    assert len(writer._header()) == 128


def test_refuses_other_types_and_shapes(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="float64"):
        ColumnWriter(tmp_path / "x.npy", 5, "float64")
    with ColumnWriter(tmp_path / "x.npy", 5, "float32") as writer, pytest.raises(ParameterError, match="5 rows"):
        writer.append(np.zeros((4, 2), np.float32))
