"""Records: what a batch command says of one file, and the writer that puts them out."""

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from audio_gen.errors import ParameterError
from audio_gen.pipelines.tables import FORMATS, write_table

SCHEMA = 1

Record = dict[str, Any]


def success(name: str, results: Mapping[str, Any], *, duration_s: float, sample_rate: int) -> Record:
    """The record of a file that worked: `duration_s` and `sample_rate` (Hz) are those of the file itself."""
    head = {"schema": SCHEMA, "path": name, "ok": True, "duration_s": duration_s, "sample_rate": sample_rate}
    return {**head, "results": dict(results)}


def failure(name: str, error: BaseException) -> Record:
    """The record of a file that didn't: the error's type and its message, on one line."""
    text = str(error) or {"MemoryError": "out of memory; try --jobs 1 or a shorter file"}.get(type(error).__name__, "")
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {error.filename!r}" if error.filename is not None else error.strerror
    message = " ".join(text.split()) or "no message"
    return {"schema": SCHEMA, "path": name, "ok": False, "error": {"type": type(error).__name__, "message": message}}


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: numbers out of numpy and torch, paths as text, None for NaN and infinity."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return plain(value.tolist())


def json_line(record: Mapping[str, Any]) -> bytes:
    """One line of UTF-8 JSON with its line end; names that aren't UTF-8 are escaped, as `os.fsdecode` reads them."""
    values = plain(record)
    try:
        text = json.dumps(values, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        text = json.dumps(values, allow_nan=False).encode()
    return text + b"\n"


class RecordWriter:
    """Writes records as JSON lines, each at once, or as one CSV or Parquet table at the end.

    Use it in a `with` block; what was written before an interruption stays. A table goes to its file whole or not
    at all; a file of JSON lines grows line by line, so that a killed run keeps what is done.

    Args:
        kind: "jsonl", "csv" or "parquet".
        target: the file; None is standard output.
        keep: records of an earlier run that stay in front (see `tables.read_done`).
        goes_on: whether the work goes on when nobody reads standard output any more, since it makes files too.

    Raises:
        ParameterError: another format, or Parquet without a file.
    """

    def __init__(
        self,
        kind: str,
        target: Path | None = None,
        *,
        keep: Sequence[Mapping[str, Any]] = (),
        goes_on: bool = False,
    ) -> None:
        check_format(kind, target)
        self._goes_on = goes_on
        self.kind = kind
        self.target = target
        self._rows: list[Mapping[str, Any]] = list(keep)
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        if self.kind == "jsonl" and self.target is not None:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self._file = _rewritten(self.target, self._rows)
        return self

    def write(self, record: Record) -> None:
        """Put one record out."""
        if self.kind != "jsonl":
            self._rows.append(plain(record))
        elif self._file is None:
            self._out(json_line(record))
        else:
            self._file.write(json_line(record))
            self._file.flush()

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        elif self.kind != "jsonl" and (self._rows or error is None):
            text = write_table(self._rows, self.kind, self.target)
            if text is not None:
                self._out(text)

    def _out(self, data: bytes) -> None:
        try:
            write_stdout(data)
        except BrokenPipeError:
            if not self._goes_on:
                raise
            drop_stdout()


def check_format(kind: str, target: Path | None) -> None:
    """Refuse a format that isn't one of ours, and Parquet without a file.

    Raises:
        ParameterError: as said.
    """
    if kind not in FORMATS:
        raise ParameterError(f"--format must be one of {', '.join(FORMATS)}, not {kind!r}")
    if kind == "parquet" and target is None:
        raise ParameterError("--format parquet can't go to standard output; name a file with -o")


def write_stdout(data: bytes) -> None:
    """UTF-8 bytes to standard output, whatever its encoding, flushed."""
    if sys.stdout.isatty() and sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")  # take the progress bar off the line
    sys.stdout.flush()
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:
        sys.stdout.write(data.decode())
    else:
        raw.write(data)
    sys.stdout.flush()


def drop_stdout() -> None:
    """Nobody reads standard output any more: what is still written goes nowhere, the flush at the exit too."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def _rewritten(target: Path, rows: Sequence[Mapping[str, Any]]) -> IO[bytes]:
    from audio_gen.atomic import replacing

    with replacing(target) as part:
        part.write_bytes(b"".join(json_line(row) for row in rows))
    return target.open("ab")
