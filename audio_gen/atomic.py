"""Files written whole or not at all: into a hidden neighbour first, then renamed."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PART = ".part"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary neighbour to write to; it becomes `path` when the block ends, and goes when it fails.

    The neighbour keeps the suffix (writers choose the format by it) and starts with a dot (scans pass over it).
    Folders on the way to `path` are created. What a killed process left is overwritten by the next attempt.
    """
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
    part = neighbour(path, _PART + path.suffix)
    try:
        yield part
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def neighbour(path: Path, ending: str) -> Path:
    """The hidden file beside `path` that has its stem and `ending`, or a hash of its name where that is too long."""
    name = os.fsencode(path.name)
    stem = path.stem if len(name) <= 240 else hashlib.sha256(name).hexdigest()  # names end at 255 bytes
    return path.with_name(f".{stem}{ending}")


def clear_parts(folder: Path, suffix: str) -> None:
    """Remove what a killed process was writing below `folder` when it was killed: neighbours with that suffix."""
    for place, _, names in os.walk(folder):
        for name in names:
            if name.startswith(".") and name.endswith(_PART + suffix):
                Path(place, name).unlink(missing_ok=True)
