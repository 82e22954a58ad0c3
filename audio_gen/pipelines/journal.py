"""Journal: records on their way to a file, each kept the moment it is made, so that a kill costs none of them."""

import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from audio_gen.atomic import neighbour, replacing
from audio_gen.pipelines.tables import each_record, write_table


def journal_of(target: Path) -> Path:
    """Where the journal of a file lies: hidden, beside it."""
    return neighbour(target, f"{target.suffix}.journal")


def read_done(target: Path, kind: str) -> Iterator[dict[str, Any]]:
    """The records that are ok of the run before: what `--skip-existing` need not do again.

    Where that run was killed they are in its journal, else in `target`, and there are none where neither is.

    Raises:
        ParameterError: something else is in the file; on the way to it.
    """
    journal = journal_of(target)
    path, kind = (journal, "jsonl") if journal.exists() else (target, kind)
    if path.exists():
        yield from (record for record in each_record(path, kind) if record["ok"] in (True, "True"))


class Journal:
    """Records as JSON lines in a file of their own; in memory there is only where each line starts.

    Iterating reads the records back: first those named in `order`, then the others as they came.

    Args:
        path: the file; None is a temporary one.
        order: names of records.
    """

    def __init__(self, path: Path | None, order: Iterable[str] = ()) -> None:
        self._path, self._order = path, order
        self._starts: dict[str, int] = {}
        self._end = 0
        self._file: IO[bytes] | None = None

    def __len__(self) -> int:
        return len(self._starts)

    def __contains__(self, name: str) -> bool:
        return name in self._starts

    def begin(self, kept: Iterable[tuple[str, bytes]]) -> None:
        """Start anew, with the lines of an earlier run that stay; meanwhile they may be read from the old journal."""
        if self._path is not None:
            with replacing(self._path) as part, part.open("wb") as file:
                for name, line in kept:
                    self._keep(name, line, file)

    def add(self, name: str, line: bytes) -> None:
        """Keep one record, in place of an earlier one of its name; `line` has its line end."""
        file = self._opened()
        self._keep(name, line, file)
        file.flush()

    def lines(self) -> Iterator[bytes]:
        """The line of each record."""
        file = self._opened()
        for name in dict.fromkeys((*self._order, *self._starts)):
            if name in self._starts:
                file.seek(self._starts[name])
                yield file.readline()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(json.loads, self.lines())

    def settle(self, target: Path, kind: str) -> None:
        """Write the records to `target` as "jsonl", "csv" or "parquet", whole; the journal is done with then."""
        if kind == "jsonl":
            with replacing(target) as part, part.open("wb") as file:
                file.writelines(self.lines())
        else:
            write_table(self, kind, target)
        self.remove()

    def remove(self) -> None:
        """Take the file away."""
        self.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _keep(self, name: str, line: bytes, file: IO[bytes]) -> None:
        file.write(line)
        self._starts[name] = self._end
        self._end += len(line)

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            # not in a with block: it is open from the first record to `close`
            self._file = tempfile.TemporaryFile() if self._path is None else self._path.open("a+b")  # noqa: SIM115
        return self._file
