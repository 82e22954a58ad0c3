"""Records as files: CSV and Parquet tables with one row a file, and reading back what was written."""

import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from audio_gen.atomic import replacing
from audio_gen.errors import ParameterError

FORMATS = ("jsonl", "csv", "parquet")
_ROWS = 2000  # of a Parquet table in memory


def flatten(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested names joined by dots (`results.genre.label`); a list, a timeline say, becomes JSON text."""
    row: dict[str, Any] = {}
    for key, value in record.items():
        name = prefix + key
        if isinstance(value, Mapping):
            row.update(flatten(value, name + "."))
        elif isinstance(value, (list, tuple)):
            row[name] = json.dumps(value, ensure_ascii=False, allow_nan=False)
        else:
            row[name] = value
    return row


def csv_lines(records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The table as CSV, its head first; goes over the records twice."""
    text = io.StringIO(newline="")
    columns = _columns(name for record in records for name in flatten(record))
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for row in _rows(records):
        writer.writerow(row)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


def write_table(records: Iterable[Mapping[str, Any]], kind: str, target: Path) -> None:
    """Write the records, which can be gone over twice, as "csv" or "parquet", whole or not at all."""
    with replacing(target) as part:
        if kind == "parquet":
            _write_parquet(records, part)
        else:
            with part.open("wb") as file:
                file.writelines(csv_lines(records))


def read_records(path: Path, kind: str) -> list[dict[str, Any]]:
    """The records in a file that we wrote: as they were from JSON lines, flat from a table (all text from CSV).

    A last line of JSON that was torn off by a kill is passed over.

    Raises:
        ParameterError: something else is in the file.
    """
    return list(each_record(path, kind))


def each_record(path: Path, kind: str) -> Iterator[dict[str, Any]]:
    """As `read_records`, one after the other."""
    try:
        yield from {"jsonl": _read_json_lines, "csv": _read_csv, "parquet": _read_parquet}[kind](path)
    except (ValueError, KeyError, AttributeError, csv.Error) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise ParameterError(
            f"{str(path)!r} doesn't hold records as {kind} ({error}); --overwrite replaces it"
        ) from error


def _read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line) if line.strip() else None
            except ValueError:
                if line.endswith(b"\n"):
                    raise
                return  # torn by a kill: its file is done again
            if record is not None:
                _check_columns(record if isinstance(record, dict) else ())
                yield record


def _read_csv(path: Path) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(1 << 30)  # the timeline of a file of ten hours is longer than what Python takes for sane
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        _check_columns(reader.fieldnames or ())
        for row in reader:
            yield {str(name): cell or None for name, cell in row.items()}


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        _check_columns(file.schema_arrow.names)
        for batch in file.iter_batches(_ROWS):
            yield from batch.to_pylist()


def _check_columns(names: Iterable[str]) -> None:
    if not {"path", "ok"} <= set(names):
        raise ValueError("no 'path' and 'ok'")


def _rows(records: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for record in records:
        yield {name: _printable(value) for name, value in flatten(record).items()}


def _columns(names: Iterable[str]) -> list[str]:
    each = list(dict.fromkeys(names)) or ["schema", "path", "ok"]
    return sorted(each, key=lambda name: name.startswith("error."))  # stable: the rest keeps its order


def _printable(value: Any) -> Any:
    # the bytes of a name that aren't UTF-8 as \xff: one such name must not spoil the table for other readers
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return value


def _write_parquet(records: Iterable[Mapping[str, Any]], path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    types: dict[str, Any] = {}
    for rows in _groups(_rows(records)):
        for name in dict.fromkeys(name for row in rows for name in row):
            types[name] = _common_type(types.get(name, pyarrow.null()), [row.get(name) for row in rows])
    schema = pyarrow.schema([(name, types.get(name, pyarrow.null())) for name in _columns(types)])
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for rows in _groups(_rows(records)):
            columns = [_column([row.get(field.name) for row in rows], field.type) for field in schema]
            writer.write_table(pyarrow.table(columns, schema=schema))


def _groups(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while group := list(itertools.islice(rows, _ROWS)):
        yield group


def _common_type(before: Any, values: Sequence[Any]) -> Any:
    """The type of `values` and of what came before; text where they share none, and for huge numbers."""
    import pyarrow

    try:
        found = pyarrow.array(values).type
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError):
        return pyarrow.string()
    kinds = {before, found} - {pyarrow.null()}
    if len(kinds) < 2:
        return kinds.pop() if kinds else found
    return pyarrow.float64() if kinds == {pyarrow.int64(), pyarrow.float64()} else pyarrow.string()


def _column(values: Sequence[Any], kind: Any) -> Any:
    import pyarrow

    change = {pyarrow.float64(): float, pyarrow.string(): str}.get(kind)
    if change is not None:
        values = [None if value is None else change(value) for value in values]
    return pyarrow.array(values, kind)
