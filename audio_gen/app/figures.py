"""What `evaluate` prints: a line a figure, then the tables of the details."""

from collections.abc import Iterator, Mapping
from typing import Any

HEADS = {
    "confusion": "true \\ told",
    "confusion_generated": "asked \\ told",
    "confusion_real": "true \\ told",
    "confusion_other_real": "true \\ told",
}
INTERVAL = {"value", "low", "high"}


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Figures with their intervals, plain details, then tables; lists stay in the JSON."""
    everything = [*((key, value) for key, value in found.items() if key != "details"), *found["details"].items()]
    for key, value in everything:
        if _is_interval(value):
            yield f"{key:24} {_number(value['value']):>8}   95 % [{_number(value['low'])}, {_number(value['high'])}]"
        elif isinstance(value, (str, int, float)):
            yield f"{key:24} {format(value, '8.3f') if isinstance(value, float) else value}"
    for key, value in everything:
        if isinstance(value, Mapping) and not _is_interval(value):
            yield from _tables(key, value)


def _tables(title: str, value: Mapping[str, Any]) -> Iterator[str]:
    """One table; of a dictionary of tables, each of them, its name after the title."""
    if not any(_nested(row) for row in value.values()):
        yield from _table(title, value)
        return
    for name, part in value.items():
        if isinstance(part, Mapping):
            yield from _tables(f"{title} / {name}", part)


def _nested(row: Any) -> bool:
    """Whether it is a table itself, not a row of one."""
    return isinstance(row, Mapping) and any(
        isinstance(cell, Mapping) and not _is_interval(cell) for cell in row.values()
    )


def _table(title: str, value: Mapping[str, Any]) -> Iterator[str]:
    """A dictionary of dictionaries, one a row; what else is in it stands above. Nothing of any other dictionary."""
    rows = {name: _row(row) for name, row in value.items() if isinstance(row, Mapping)}
    if not rows:
        return
    about = ", ".join(f"{name} {_short(other)}" for name, other in value.items() if name not in rows)
    yield ""
    yield f"{title} ({about})" if about else title
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines = [
        [HEADS.get(title, ""), *columns],
        *([name, *(row.get(one, "") for one in columns)] for name, row in rows.items()),
    ]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        yield "  ".join(cells).rstrip()


def _row(row: Mapping[str, Any]) -> dict[str, str]:
    return {"value": _cell(row)} if _is_interval(row) else {name: _cell(value) for name, value in row.items()}


def _cell(value: Any) -> str:
    if _is_interval(value):
        return f"{_number(value['value'])} [{_number(value['low'])}, {_number(value['high'])}]"
    return _number(value) if value is None or isinstance(value, float) else str(value)


def _short(value: Any) -> str:
    return str(round(value, 3) if isinstance(value, float) else value)


def _number(value: float | None) -> str:
    return "nan" if value is None else f"{value:.3f}"


def _is_interval(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == INTERVAL
