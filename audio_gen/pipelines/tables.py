"""Records as files: CSV and Parquet tables with one row a file, and reading back what an earlier run has done."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from audio_gen.atomic import replacing
from audio_gen.errors import ParameterError

FORMATS = ("jsonl", "csv", "parquet")


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


def write_table(records: Iterable[Mapping[str, Any]], kind: str, target: Path | None) -> bytes | None:
    """Write the table to `target`, whole or not at all; without a target give it back as bytes (CSV only)."""
    rows = [{name: _printable(value) for name, value in flatten(record).items()} for record in records]
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["schema", "path", "ok"]
    columns.sort(key=lambda name: name.startswith("error."))  # stable: the rest keeps its order
    if kind == "csv":
        data = _csv(rows, columns)
        if target is None:
            return data
        with replacing(target) as part:
            part.write_bytes(data)
    elif target is not None:
        _write_parquet(rows, columns, target)
    return None


def read_records(path: Path, kind: str) -> list[dict[str, Any]]:
    """The records in a file that we wrote: as they were from JSON lines, flat from a table (all text from CSV).

    A last line of JSON that was torn off by a kill is passed over.

    Raises:
        ParameterError: something else is in the file.
    """
    try:
        if kind == "jsonl":
            return _read_json_lines(path.read_bytes())
        if kind == "csv":
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                columns = reader.fieldnames or ()
                rows = [{str(name): cell or None for name, cell in row.items()} for row in reader]
        else:
            import pyarrow.parquet

            table = pyarrow.parquet.read_table(path)
            columns = table.column_names
            rows = table.to_pylist()
        if not {"path", "ok"} <= set(columns):
            raise ValueError("no columns 'path' and 'ok'")
    except (ValueError, KeyError, AttributeError, csv.Error) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise ParameterError(
            f"{str(path)!r} doesn't hold records as {kind} ({error}); --overwrite replaces it"
        ) from error
    return rows


def read_done(path: Path, kind: str) -> list[dict[str, Any]]:
    """Those of `read_records` that are ok: what `--skip-existing` need not do again.

    Raises:
        ParameterError: something else is in the file.
    """
    return [record for record in read_records(path, kind) if record["ok"] in (True, "True")]


def _read_json_lines(data: bytes) -> list[dict[str, Any]]:
    *lines, last = data.split(b"\n")
    records = [json.loads(line) for line in lines if line.strip()]
    with suppress(ValueError):  # torn by a kill: its file is done again
        records += [json.loads(last)] if last.strip() else []
    if not all(isinstance(record, dict) and "path" in record and "ok" in record for record in records):
        raise ValueError("a line without 'path' and 'ok'")
    return records


def _printable(value: Any) -> Any:
    # the bytes of a name that aren't UTF-8 as \xff: one such name must not spoil the table for other readers
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return value


def _csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _write_parquet(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], target: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({name: _column([row.get(name) for row in rows]) for name in columns})
    with replacing(target) as part:
        pyarrow.parquet.write_table(table, part)


def _column(values: Sequence[Any]) -> Any:
    import pyarrow

    try:
        return pyarrow.array(values)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError):  # several types under one name, huge numbers
        return pyarrow.array([None if value is None else str(value) for value in values])
