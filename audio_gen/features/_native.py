"""native: a function compiled by numba, free of Python's lock; what was compiled is kept beside the source."""

from collections.abc import Callable
from typing import TypeVar

import numba

F = TypeVar("F", bound=Callable[..., object])


def native(function: F) -> F:
    """Compiled when it is first called; kept on disk where there is a place to write to."""
    options = {"nogil": True, "error_model": "numpy"}
    try:
        compiled: F = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither __pycache__ nor the user's cache can be written
        compiled = numba.njit(**options)(function)
    return compiled
