"""Rows of datasets that lie as their makers gave them out: picked by split, and those whose file is there."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from audio_gen.datasets._csv import Row, some
from audio_gen.errors import DatasetError

_log = logging.getLogger(__name__)


def of_split(place: Path, rows: Sequence[Row], split: str | None) -> list[Row]:
    """The rows of `split`, all when None.

    Raises:
        DatasetError: none; the message names the splits there are, with their sizes.
    """
    picked = [row for row in rows if split in (None, row.split)]
    if not picked:
        there = ", ".join(f"{name} ({count})" for name, count in sorted(Counter(row.split for row in rows).items()))
        wanted = "any split" if split is None else f"split {split!r}"
        raise DatasetError(f"{place} has nothing of {wanted}; there are: {there or 'none'}")
    return picked


def present(table: Path, rows: Sequence[Row], source: str) -> list[Row]:
    """The rows whose file is there, for sets so large that most people keep a part; one warning counts the others.

    Raises:
        DatasetError: not a single file is there.
    """
    there = [row for row in rows if row.path.is_file()]
    missing = [row.id for row in rows if not row.path.is_file()] if len(there) < len(rows) else []
    if not there:
        raise DatasetError(f"none of the {len(rows)} files that {table} lists is there: {some(missing)}; {source}")
    if missing:
        _log.warning("left out: %d of %d files that %s lists are not there", len(missing), len(rows), table)
    return there
