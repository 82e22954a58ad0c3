"""Files written whole or not at all: into a hidden neighbour first, then renamed."""

import hashlib
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
    name = os.fsencode(path.name)
    stem = path.stem if len(name) <= 240 else hashlib.sha256(name).hexdigest()  # names end at 255 bytes
    part = path.with_name(f".{stem}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
