"""Manifest: the records of an output folder, complete and in input order, with a journal that survives a kill."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from audio_gen.atomic import clear_parts
from audio_gen.errors import ParameterError
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.journal import Journal, journal_of, read_done
from audio_gen.pipelines.records import Record, json_line
from audio_gen.pipelines.tables import FORMATS, flatten

Row = Mapping[str, Any]
Describe = Callable[[Source, Path], Mapping[str, Any]]
PREFIX = "results.features."
OPTIONS = (f"{PREFIX}spec.", f"{PREFIX}dtype")  # what the user chooses; the rest is the source's


class Manifest:
    """`FOLDER/manifest.KIND` and, while a run is on, its journal.

    In a `with` block, `add` keeps each record at once. However the block ends, the manifest is then written whole, the
    planned sources first and in order; only a kill leaves the journal, and the next run reads it.

    Args:
        folder: the output folder.
        kind: "jsonl", "csv" or "parquet".
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self.path = folder / f"manifest.{kind}"
        self._folder, self._kind = folder, kind
        self._journal = Journal(journal_of(self.path))

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
        others = [path.name for path in self._others() if path.exists() or journal_of(path).exists()]
        if others and describe is not None:
            raise ParameterError(f"{str(self._folder)!r} has {', '.join(others)}; give --format as then, or another -o")
        if journal_of(self.path).exists():  # a killed run's
            clear_parts(self._folder, ".npy")
        wanted = {source.name: (source, output) for source, output in planned.items()}
        self._journal = Journal(journal_of(self.path), wanted)
        self._journal.begin((row["path"], json_line(row)) for row in self._staying(wanted, describe))
        return [source for source in planned if source.name not in self._journal]

    def __enter__(self) -> Self:
        return self

    def add(self, record: Record) -> None:
        """Take in the record of one source."""
        self._journal.add(record["path"], json_line(record))

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with closing(self._journal):
            self._journal.settle(self.path, self._kind)

    def _others(self) -> list[Path]:
        return [self._folder / f"manifest.{kind}" for kind in FORMATS if kind != self._kind]

    def _staying(self, wanted: Mapping[str, tuple[Source, Path]], describe: Describe | None) -> Iterator[Row]:
        outputs = {os.fspath(output) for _, output in wanted.values()}
        try:
            for row in read_done(self.path, self._kind):
                if self._kind == "jsonl" and "results" not in row:
                    continue  # flat rows fit into tables only
                if row["path"] in wanted:
                    if describe is not None and _agrees(row, describe, *wanted[row["path"]]):
                        yield row
                elif self._has_output(row, outputs):
                    yield row
        except ParameterError:
            if describe is not None:
                raise

    def _has_output(self, row: Row, others: Collection[str]) -> bool:
        output = os.path.join(self._folder, str(flatten(row).get(PREFIX + "output")))
        return output not in others and os.path.isfile(output)


def _agrees(row: Row, describe: Describe, source: Source, output: Path) -> bool:
    if not output.is_file():
        return False
    found = flatten(row)
    try:
        wanted = flatten(describe(source, output), PREFIX)
    except OSError:  # can't be reached: let the work say so
        return False
    differing = [name for name, value in wanted.items() if str(found.get(name)) != str(value)]  # CSV has only text
    asked = [name.removeprefix(PREFIX) for name in differing if name.startswith(OPTIONS)]
    if asked:
        raise ParameterError(
            f"{str(output)!r} was made with another {', '.join(asked)}; give --overwrite to replace it, or another -o"
        )
    return not differing
