"""The score of a blind test: what listeners told against the truth, with intervals and with what chance would give."""

import math
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError
from audio_gen.metrics.interval import Interval, bootstrap
from audio_gen.pipelines._blind_answers import KINDS, Sheet, read_sheet

__all__ = ["Sheet", "chance", "read_sheet", "score", "verdict", "wilson"]

ALPHA = 0.05  # p from which on chance is no longer believed
Whole = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def score(sheet: Sheet) -> dict[str, Any]:
    """Figures over all listeners, and under `details` for each listener and each label.

    `right` is the share of answers that are right; `p` the chance of as many or more right answers from somebody who
    hears no difference (see `chance`). Of kind "ab" it is `first_nearer`, the share of answers that find the first
    `--generated` nearer to the original, and `p` has two sides. Quality is the mean of the ratings, with its bootstrap
    interval over clips.

    Raises:
        ParameterError: nobody answered anything.
    """
    if not (sheet.said >= 0).any():
        raise ParameterError("not one question is answered in what was given; there is nothing to score")
    listeners = [(name, sheet.part(rows=[row])) for row, name in enumerate(sheet.names) if (sheet.said[row] >= 0).any()]
    found = _figures(sheet) | _tested(sheet)
    labels = sorted(set(sheet.labels)) if len(set(sheet.labels)) > 1 else []
    by_label = {name or "(none)": sheet.part(clips=np.array(sheet.labels) == name) for name in labels}
    details = {
        "clips": len(sheet.truth),
        "listeners": len(listeners),
        "answers": int((sheet.said >= 0).sum()),
        "by_listener": {name: _figures(part) | _tested(part) for name, part in listeners},
        "by_label": {name: _figures(part) for name, part in by_label.items() if (part.said >= 0).any()},
    }
    return {**found, "verdict": verdict(sheet, found), "details": {**details, "kind": sheet.kind}}


def verdict(sheet: Sheet, found: dict[str, Any]) -> str:
    """What the figures mean, in a sentence."""
    total = int((sheet.said >= 0).sum())
    share = found["first_nearer" if sheet.kind == "ab" else "right"]
    count = f"{round(share['value'] * total)} of {total} answers"
    level = f"beyond chance at the {ALPHA:.0%} level"
    if sheet.kind == "ab":
        first, second = sheet.rivals
        if found["p"] > ALPHA:
            return f"nearer to the original: not shown; {count} prefer {first} to {second}"
        better = first if share["value"] > 0.5 else second
        return f"nearer to the original: {better}; {count} prefer {first} to {second}, {level}"
    if found["p"] > ALPHA:
        return (
            f"told apart: not shown; {count} are right, which guessing may well give. That proves no likeness: "
            f"these answers would also fit {share['high']:.0%}"
        )
    return f"told apart: yes; {count} are right, {level}"


def wilson(successes: int, trials: int) -> Interval:
    """A share with its 95 % score interval (Wilson, 1927, J. Am. Stat. Assoc. 22, 209-212); NaN for no trials.

    >>> round(wilson(14, 20).low, 3), round(wilson(14, 20).high, 3)
    (0.481, 0.855)
    """
    if not trials:
        return Interval(math.nan, math.nan, math.nan)
    share, z2 = successes / trials, 1.959963984540054**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    reach = math.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    return Interval(share, min(share, middle - reach), max(share, middle + reach))


def chance(ones: Whole, zeros: Whole, truth: Whole) -> float:
    """How often as many answers (or more) would be right if the truth were dealt to the clips anew, exactly.

    A randomisation test (Fisher, The Design of Experiments, 1935, chapter 2): the answers stay, and all ways to deal
    as many ones to the clips are equally likely. So neither a habit (who takes everything for recorded), nor listeners
    who stumble over the same clip, makes p smaller than it is.

    Args:
        ones: `[N]`, how many said 1 of each clip.
        zeros: `[N]`, how many said 0.
        truth: `[N]`, 1 or 0.

    >>> chance(np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])) == 1 / 6
    True
    """
    right, most = int(np.where(truth == 1, ones, zeros).sum()), int((ones + zeros).sum())
    ways = np.zeros((int(truth.sum()) + 1, most + 1))  # of dealing so many ones, with so many right answers
    ways[0, 0] = 1.0
    for one, zero in zip(ones.tolist(), zeros.tolist(), strict=True):
        after = np.zeros_like(ways)
        after[1:, one:] += ways[:-1, : most + 1 - one]
        after[:, zero:] += ways[:, : most + 1 - zero]
        ways = after / 2  # a common factor, or many clips would overflow
    return float(ways[-1, right:].sum() / ways[-1].sum())


def _tested(sheet: Sheet) -> dict[str, Any]:
    """`p`, and in a word whether it shows anything."""
    ones, zeros = ((sheet.said == told).sum(0) for told in (1, 0))
    p = chance(ones, zeros, sheet.truth)
    if sheet.kind == "ab":
        p = min(1.0, 2 * min(p, chance(zeros, ones, sheet.truth)))
    name = {"tell": "told_apart", "ab": "preference"}[sheet.kind]
    return {"p": p, name: "yes" if p <= ALPHA else "not shown"}


def _figures(sheet: Sheet) -> dict[str, Any]:
    right = ((sheet.said == sheet.truth) & (sheet.said >= 0)).sum(0)
    given = (sheet.said >= 0).sum(0)
    share = wilson(int(right.sum()), int(given.sum()))
    if len(sheet.names) > 1 and given.any():  # answers to one clip go together: then the clips are what counts
        clips = bootstrap(_share, right, given)
        share = Interval(share.value, min(share.low, clips.low), max(share.high, clips.high))
    if sheet.kind == "ab":
        return {"first_nearer": share.to_dict()}
    rated, total = np.isfinite(sheet.quality).sum(0), np.nan_to_num(sheet.quality).sum(0)
    mean = partial(_mean, total, rated)
    quality = {f"quality_{name}": mean(sheet.truth == at).to_dict() for at, name in enumerate(KINDS["tell"])}
    return {"right": share.to_dict(), **quality}


def _mean(total: Floats, rated: Whole, where: npt.NDArray[np.bool_]) -> Interval:
    if not rated[where].any():
        return Interval(math.nan, math.nan, math.nan)
    return bootstrap(_share, total[where], rated[where])


def _share(part: Floats, whole: Floats) -> float:
    return float(part.sum() / whole.sum()) if whole.sum() else math.nan
