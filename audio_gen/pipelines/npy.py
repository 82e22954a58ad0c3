"""A .npy file that grows along its last axis while its length is not yet known."""

from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from audio_gen.errors import ParameterError

_HEADER = 128  # bytes; the format wants a multiple of 64, and this holds any shape


class ColumnWriter:
    """Writes an array `[rows, N]` column by column; `np.load` reads it as any other (in Fortran order).

    Args:
        path: the file, replaced if it is there.
        rows: length of the first axis.
        dtype: "float16" or "float32".

    Raises:
        ParameterError: another dtype.
    """

    def __init__(self, path: Path, rows: int, dtype: str) -> None:
        if dtype not in ("float16", "float32"):
            raise ParameterError(f"dtype must be float16 or float32, not {dtype!r}")
        self.rows = rows
        self.dtype = np.dtype(dtype).newbyteorder("<")
        self.columns = 0
        self._path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        self._file.write(bytes(_HEADER))  # its place
        return self

    def append(self, block: "np.ndarray[Any, Any]") -> None:
        """`[rows, k]`: k more columns."""
        if self._file is None or block.shape[0] != self.rows:
            raise ParameterError(f"append wants {self.rows} rows inside a with block, not {block.shape}")
        self._file.write(np.ascontiguousarray(block.T, self.dtype).tobytes())  # [k, rows]: a column at a time
        self.columns += block.shape[1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            with self._file as file:
                file.seek(0)
                file.write(self._header())

    def _header(self) -> bytes:
        # NumPy's format 1.0: magic, version, length of what follows (2 bytes), a Python literal padded to a line's end
        entries = {"descr": self.dtype.str, "fortran_order": True, "shape": (self.rows, self.columns)}
        return b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little") + f"{entries!r:{_HEADER - 11}}\n".encode()
