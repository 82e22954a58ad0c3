"""mix: what a generator is asked for, one label or several with their shares."""

import math
from collections.abc import Sequence

from audio_gen.errors import ParameterError


def shares(text: str, labels: Sequence[str]) -> dict[str, float]:
    """`"folk"` → all folk; `"electronic:0.7,folk:0.3"` → the share of each, summing to 1.

    Args:
        text: a label, or labels with weights above 0; a label that is written like a mixture is that label.
        labels: that there are.

    Raises:
        ParameterError: an unknown label, one that comes twice, or a weight that isn't a number above 0.
    """
    if text in labels:
        return {text: 1.0}
    found: dict[str, float] = {}
    for part in text.split(","):
        label, colon, number = (piece.strip() for piece in part.rpartition(":"))
        if not colon:
            label, number = number, "1"
        if label not in labels:
            raise ParameterError(
                f"label {label!r} is unknown; there are: {', '.join(labels)}; a mixture is A:0.7,B:0.3"
            )
        if label in found or not _weight(number) > 0:
            raise ParameterError(f"{text!r}: each label of a mixture once, with a weight above 0, as in A:0.7,B:0.3")
        found[label] = _weight(number)
    total = sum(found.values())
    return {label: weight / total for label, weight in found.items()}


def _weight(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if value < math.inf else math.nan
