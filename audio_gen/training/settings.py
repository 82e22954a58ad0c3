"""`--set key=value`: change the fields of a recipe's settings, with their types."""

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from audio_gen.errors import ParameterError

Settings = TypeVar("Settings")


def override(settings: Settings, assignments: Sequence[str]) -> Settings:
    """A copy of the dataclass `settings` with `key=value` texts put in.

    Raises:
        ParameterError: no such field, or a value not of the field's type; the message lists what is allowed.
    """
    known = {field.name: getattr(settings, field.name) for field in fields(settings)}  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or key not in known:
            allowed = ", ".join(f"{name}={_text(value)}" for name, value in known.items())
            raise ParameterError(f"--set {assignment!r}: give key=value with one of: {allowed}")
        changes[key] = _parse(assignment, text, known[key])
    return replace(settings, **changes)  # type: ignore[type-var]


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _parse(assignment: str, text: str, like: Any) -> Any:
    try:
        if isinstance(like, bool):
            return {"true": True, "false": False, "1": True, "0": False}[text.lower()]
        if isinstance(like, tuple):
            return tuple(_number(part, like[0]) for part in text.split(","))
        return _number(text, like)
    except (ValueError, KeyError) as error:
        allowed = " (whole numbers from 1 on)" if isinstance(like, (int, tuple)) else ""
        raise ParameterError(f"--set {assignment!r}: the value must look like {_text(like)}{allowed}") from error


def _number(text: str, like: Any) -> Any:
    value = type(like)(text)
    if isinstance(value, (int, float)) and (not math.isfinite(value) or (isinstance(value, int) and value < 1)):
        raise ValueError(text)
    return value
