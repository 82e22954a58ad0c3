"""Records: what a batch command says of one file, and the writer that puts them out."""

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from audio_gen.errors import ParameterError
from audio_gen.pipelines.journal import Journal, journal_of
from audio_gen.pipelines.tables import FORMATS, csv_lines

SCHEMA = 1

Record = dict[str, Any]


def success(name: str, results: Mapping[str, Any], *, duration_s: float, sample_rate: int | None) -> Record:
    """The record of a file that worked: `duration_s` and `sample_rate` (Hz) are those of the file itself.

    Notes have no sample rate.
    """
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
    try:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):  # something that JSON can't hold; to look for it first would take ten times as long
        text = json.dumps(plain(record), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(json.loads(text)).encode() + b"\n"


class RecordWriter:
    """Writes records as JSON lines, each at once, or as one CSV or Parquet table at the end; use it in a `with` block.

    What goes to a file is in its journal at once, and in the file, whole, when the block ends, however it ends: a
    killed run leaves the journal, which `journal.read_done` reads.

    Args:
        kind: "jsonl", "csv" or "parquet".
        target: the file; None is standard output.
        keep: records of an earlier run that stay.
        order: paths of records: those are first in the file, in this order, and then the others as they come.
        goes_on: whether the work goes on when nobody reads standard output any more, since it makes files too.

    Raises:
        ParameterError: another format, or Parquet without a file.
    """

    def __init__(
        self,
        kind: str,
        target: Path | None = None,
        *,
        keep: Iterable[Mapping[str, Any]] = (),
        order: Iterable[str] = (),
        goes_on: bool = False,
    ) -> None:
        check_format(kind, target)
        self.kind, self.target = kind, target
        self._keep, self._goes_on = keep, goes_on
        direct = target is None and kind == "jsonl"
        self._journal = None if direct else Journal(target and journal_of(target), order)

    def __enter__(self) -> Self:
        if self._journal is not None:
            self._journal.begin((row["path"], json_line(row)) for row in self._keep)
        return self

    def write(self, record: Record) -> None:
        """Put one record out."""
        if self._journal is None:
            self._out(json_line(record))
        else:
            self._journal.add(record["path"], json_line(record))

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._journal is None:
            return
        with closing(self._journal):
            if self.target is None:
                for line in csv_lines(self._journal):
                    self._out(line)
            elif error is None or self._journal:
                self._journal.settle(self.target, self.kind)
            else:  # nothing was done yet, so what is there stays
                self._journal.remove()

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
