"""Files written whole or not at all: into a hidden neighbour first, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary neighbour to write to; it becomes `path` when the block ends, and goes when it fails.

    The neighbour keeps the suffix (writers choose the format by it) and starts with a dot (scans pass over it).
    Folders on the way to `path` are created. What a killed process left is overwritten by the next attempt.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem[:200]}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
