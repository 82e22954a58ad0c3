"""Do drums sound like the style that they were asked for? Told by small classifiers that learn styles from train."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from audio_gen.pipelines import _patterns
from audio_gen.pipelines._note_pieces import ratio
from audio_gen.pipelines._patterns import Pattern
from audio_gen.pipelines._real_or_not import classify

PIECES, LEARNT = 3, 10  # of a style in the split and in train, or it isn't told
MOST = 8  # windows of a piece to learn from


def styles_told(
    real: Sequence[Pattern], sets: Mapping[str, Sequence[Pattern]], train: Sequence[Pattern], *, seed: int = 0
) -> dict[str, Any] | str:
    """Shares of windows that are told as the style that was asked for, of real ones theirs, with intervals over pieces.

    A network for each style tells it from the others; the surest has the say. Real windows say how sure that is.

    Args:
        real: windows of the split.
        sets: windows made after them, by name.
        train: whole patterns; the styles told are those of three pieces or more there, and ten here.
        seed: of the networks.
    """
    names = _names(real, train)
    if len(names) < 2:
        return "not measured: the splits don't hold two styles of enough pieces"
    known = [window for one in train if one.style in names for window in _patterns.windows(one, MOST)]
    judged = {name: [one for one in rows if one.style in names] for name, rows in {"real": real, **sets}.items()}
    rows = [*known, *(one for windows in judged.values() for one in windows)]
    pictures = torch.from_numpy(np.stack([_patterns.features(one) for one in rows]))
    learnt = np.arange(len(rows)) < len(known)
    styles = np.array([one.style for one in rows])
    scores = np.stack([classify(pictures, (styles == name) * 1.0, learnt, seed=seed) for name in names], 1)
    right = np.array(names)[scores.argmax(1)] == styles
    found: dict[str, Any] = {"styles": ", ".join(names), "chance": 1 / len(names)}
    start = len(known)
    for name, windows in judged.items():
        if windows:
            found[name] = _share(right[start : start + len(windows)], [one.group for one in windows])
        start += len(windows)
    return found


def _names(real: Sequence[Pattern], train: Sequence[Pattern]) -> list[str]:
    here = Counter({one.group: one.style for one in real}.values())
    there = Counter(one.style for one in train)
    return sorted(name for name in here if name and here[name] >= PIECES and there[name] >= LEARNT)


def _share(right: Any, groups: Sequence[int]) -> dict[str, float | None]:
    pieces, rows = np.unique(np.array(groups), return_inverse=True)
    return ratio(np.bincount(rows, right, len(pieces)), np.bincount(rows, minlength=len(pieces)))
