"""Rows of a labels table: read, checked, picked by split, with their files."""

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audio_gen.errors import DatasetError

TABLE = "labels.csv"


@dataclass(frozen=True)
class Row:
    """One line of a table: the file it speaks of (`id` as written, `path` on disk), its split and its cells."""

    id: str
    path: Path
    split: str
    cells: dict[str, str]

    def text(self, column: str) -> str | None:
        """The cell, or None where the column is missing or the cell empty."""
        return self.cells.get(column) or None

    def texts(self, *columns: str) -> dict[str, str]:
        """The cells that are there, by column."""
        return {column: self.cells[column] for column in columns if self.cells.get(column)}

    def numbers(self, *columns: str) -> dict[str, float]:
        """The cells that are there, as finite numbers, by column.

        Raises:
            DatasetError: a cell is not a finite number.
        """
        return {column: self._number(column, cell) for column, cell in self.texts(*columns).items()}

    def _number(self, column: str, cell: str) -> float:
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise DatasetError(f"{self.id}: column {column!r} holds {cell!r}, no finite number; mend the row")
        return value


def find_home(root: Path, name: str, source: str, *, pattern: str = TABLE) -> Path:
    """The folder that holds the dataset: `root/name`, or `root` itself.

    Raises:
        DatasetError: neither holds a file that matches `pattern`; the message says where to get the data.
    """
    for home in (root / name, root):
        if any(home.glob(pattern)):
            return home
    raise DatasetError(f"no {pattern} of {name} in {root} or {root / name}; get the data: {source}")


def rows(
    table: Path,
    needed: Sequence[str],
    split: str | None,
    *,
    source: str,
    split_of: Callable[[dict[str, str]], str] = lambda cells: cells.get("split", ""),
    selects: Callable[[dict[str, str], str], bool] | None = None,
) -> list[Row]:
    """Rows of `table` that belong to `split` (all when None), each with a file that is there.

    Where no row tells its split, all belong to the one that is asked for. Every cell of a needed column is filled.

    Args:
        needed: columns that must be there, "path" included.
        source: how to get the data, for the error message.
        split_of: the split that a row's cells tell, "" for none.
        selects: whether a row's cells belong to a split; None compares with `split_of`.

    Raises:
        DatasetError: unreadable table, column missing, needed cell empty, path twice, no such split, files missing.
    """
    lines = read_cells(table, needed)
    splits = [split_of(cells) for cells in lines]
    if not all(splits):
        if any(splits):
            raise DatasetError(f"{table}: {splits.count('')} of {len(splits)} rows tell no split; fill all or none")
        splits, selects = [split or ""] * len(lines), None
    picked = [
        Row(cells["path"], table.parent / cells["path"], told, cells)
        for cells, told in zip(lines, splits, strict=True)
        if split is None or (selects(cells, split) if selects else told == split)
    ]
    if not picked:
        there = ", ".join(f"{name} ({count})" for name, count in sorted(Counter(splits).items()))
        raise DatasetError(f"{table} has no row of split {split!r}; there are: {there}")
    check_files(table, picked, source)
    return picked


def read_cells(table: Path, needed: Sequence[str], *, key: str = "path") -> list[dict[str, str]]:
    """All lines of a table as cells by column (lower case, stripped); comma, semicolon or tab between them.

    Args:
        needed: columns that must be there and filled, `key` among them.
        key: the column that tells the rows apart.

    Raises:
        DatasetError: not readable, no rows, a needed column missing or twice, a needed cell empty, a key twice.
    """
    try:
        text = table.read_text(encoding="utf-8-sig")
        header = text.split("\n", 1)[0]
        delimiter = max(",;\t", key=header.count)
        records = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(line)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"can't read {table} as a UTF-8 table: {error}; save it as CSV in UTF-8") from error
    columns = [column.strip().lower() for column in records[0]] if records else []
    missing = [column for column in needed if column not in columns]
    if missing:
        there = ", ".join(columns) or "no column"
        raise DatasetError(f"{table} lacks the columns {', '.join(missing)}; it has: {there}; add what is missing")
    double = [column for column in needed if columns.count(column) > 1]
    if double:
        raise DatasetError(f"{table} has more than one column {double[0]!r}; keep one")
    if len(records) < 2:
        raise DatasetError(f"{table} has no rows below its header")
    lines = [dict(zip(columns, map(str.strip, record), strict=False)) for record in records[1:]]
    for number, cells in enumerate(lines, start=1):
        empty = [column for column in needed if not cells.get(column)]
        if empty:
            raise DatasetError(f"{table}, row {number}: {', '.join(empty)} is empty; fill it or drop the row")
    twice = [name for name, count in Counter(cells[key] for cells in lines).items() if count > 1]
    if twice:
        raise DatasetError(f"{table} lists {len(twice)} {key}s more than once: {some(twice)}; keep one row for each")
    return lines


def check_files(table: Path | str, picked: Sequence[Row], source: str) -> None:
    """Raise a DatasetError that names the first rows whose file isn't there, and how many there are.

    Args:
        table: what lists the files, as the message calls it.
    """
    missing = [row.id for row in picked if not row.path.is_file()]
    if missing:
        count = f"{len(missing)} of {len(picked)}"
        raise DatasetError(f"{count} files that {table} lists are not there: {some(missing)}; {source}")


def some(names: Sequence[str]) -> str:
    """The first three names, and an ellipsis where there are more."""
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
