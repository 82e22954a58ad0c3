"""Files of equal content: copies must not be spread over splits or classes."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from audio_gen.datasets._item import Item
from audio_gen.errors import DatasetError


def same_content(paths: Iterable[Path]) -> list[list[Path]]:
    """Paths that hold the same bytes, together, in the order given; only files of equal size are read.

    Empty and unreadable files are left out: what reads them will tell.
    """
    by_size: dict[int, list[Path]] = defaultdict(list)
    for path in paths:
        by_size[_size(path)].append(path)
    by_digest: dict[str, list[Path]] = defaultdict(list)
    for size, found in by_size.items():
        if size > 0 and len(found) > 1:
            for path in found:
                by_digest[_digest(path)].append(path)
    return [found for digest, found in by_digest.items() if digest and len(found) > 1]


def copies(items: Sequence[Item]) -> list[list[Item]]:
    """Items whose files hold the same bytes, together.

    Raises:
        DatasetError: two classes share a file, or two splits that are told do; both paths are named.
    """
    by_path = {item.path: item for item in items if item.path is not None}
    found = [[by_path[path] for path in paths] for paths in same_content(by_path)]
    for first, *others in found:
        for other in others:
            if first.label != other.label:
                raise DatasetError(
                    f"two classes share a file: {first.id!r} ({first.label}) and {other.id!r} ({other.label}) hold the "
                    "same bytes; keep it in one class"
                )
            if first.split != other.split:
                raise DatasetError(
                    f"two splits share a file: {first.id!r} ({first.split}) and {other.id!r} ({other.split}) hold the "
                    "same bytes; keep one of them"
                )
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
