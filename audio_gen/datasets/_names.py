"""Names of classes: printable, and different in more than case or spelling of the same characters."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from audio_gen.errors import DatasetError


def check_names(root: Path, labels: Iterable[str]) -> None:
    """Refuse labels that can't be told apart by eye or can't be written down.

    Raises:
        DatasetError: a label with control or undecodable characters, or two that differ only by case, by spaces or by
            how their characters are composed (macOS writes é as two).
    """
    seen: dict[str, str] = {}
    for label in sorted(labels):
        if not label.isprintable() or not label.strip():
            raise DatasetError(f"{root}: class {label!r} has characters that can't be written; give it another name")
        folded = " ".join(unicodedata.normalize("NFKC", label).casefold().split())
        other = seen.setdefault(folded, label)
        if other != label:
            raise DatasetError(
                f"{root}: the classes {other!r} and {label!r} differ only by case, spaces or spelling of a character; "
                "give them one name, or two that differ"
            )
