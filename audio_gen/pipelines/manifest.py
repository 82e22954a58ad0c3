"""Manifest: the records of an output folder, complete and in input order, with a journal that survives a kill."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from audio_gen.atomic import replacing
from audio_gen.errors import ParameterError
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.records import Record, RecordWriter, json_line, plain
from audio_gen.pipelines.tables import flatten, read_done, write_table

Row = Mapping[str, Any]
Describe = Callable[[Source, Path], Mapping[str, Any]]
PREFIX = "results.features."
OPTIONS = (f"{PREFIX}spec.", f"{PREFIX}dtype")  # what the user chooses; the rest is the source's


class Manifest:
    """`FOLDER/manifest.KIND` and, while a run is on, the hidden journal beside it.

    In a `with` block, `add` appends each record to the journal at once. However the block ends, the manifest is then
    written whole and the journal goes; only a kill leaves the journal, and the next run reads it.

    Args:
        folder: the output folder.
        kind: "jsonl", "csv" or "parquet".
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self.path = folder / f"manifest.{kind}"
        self.journal = folder / ".manifest.journal"
        self._folder, self._kind = folder, kind
        self._writer = RecordWriter("jsonl", self.journal)
        self._rows: dict[str, Row] = {}
        self._order: list[str] = []

    def begin(self, planned: Mapping[Source, Path], describe: Describe | None) -> list[Source]:
        """Read what an earlier run left, and settle which rows of it stay; gives the sources that need work.

        A row stays where its output is there and `describe` says the same of the source as the row does. So do
        rows of other sources, whose outputs lie in the folder beside those that are planned now.

        Args:
            planned: the output of each source.
            describe: what the features of a source depend on; None does everything again.

        Raises:
            ParameterError: unless everything is done again: the manifest holds something else, is of another format,
                or tells that an output was made with other options.
        """
        others = [path.name for path in self._folder.glob("manifest.*") if path != self.path]
        if others and describe is not None:
            raise ParameterError(f"{str(self._folder)!r} has {', '.join(others)}; give --format as then, or another -o")
        try:
            earlier = self._earlier()
        except ParameterError:
            if describe is not None:
                raise
            earlier = {}
        outputs = set(planned.values())
        for name, row in earlier.items():
            output = self._folder / str(flatten(row).get(PREFIX + "output"))
            if output not in outputs and output.is_file():
                self._rows[name] = row
        todo = []
        for source, output in planned.items():
            found = earlier.get(source.name)
            if found is None or describe is None or not _agrees(found, describe, source, output):
                todo.append(source)
                self._rows.pop(source.name, None)
            else:
                self._rows[source.name] = found
        self._order = list(dict.fromkeys([*(source.name for source in planned), *self._rows]))
        self._writer = RecordWriter("jsonl", self.journal, keep=list(self._rows.values()))
        return todo

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def add(self, record: Record) -> None:
        """Take in the record of one source."""
        self._rows[record["path"]] = plain(record)
        self._writer.write(record)

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(error_type, error, trace)
        rows = [self._rows[name] for name in self._order if name in self._rows]
        if self._kind == "jsonl":
            with replacing(self.path) as part:
                part.write_bytes(b"".join(map(json_line, rows)))
        else:
            write_table(rows, self._kind, self.path)
        self.journal.unlink(missing_ok=True)

    def _earlier(self) -> dict[str, Row]:
        """Rows of files that an earlier run has done, by their path; the journal is newer than the manifest."""
        rows: list[dict[str, Any]] = []
        for path, kind in ((self.path, self._kind), (self.journal, "jsonl")):
            if path.exists():
                rows += read_done(path, kind)
        usable = [row for row in rows if self._kind != "jsonl" or "results" in row]  # flat rows fit into tables only
        return {row["path"]: row for row in usable}


def _agrees(row: Row, describe: Describe, source: Source, output: Path) -> bool:
    if not output.is_file():
        return False
    found = flatten(row)
    try:
        wanted = flatten(plain(describe(source, output)), PREFIX)
    except OSError:  # can't be reached: let the work say so
        return False
    differing = [name for name, value in wanted.items() if str(found.get(name)) != str(value)]  # CSV has only text
    asked = [name.removeprefix(PREFIX) for name in differing if name.startswith(OPTIONS)]
    if asked:
        raise ParameterError(
            f"{str(output)!r} was made with another {', '.join(asked)}; give --overwrite to replace it, or another -o"
        )
    return not differing
