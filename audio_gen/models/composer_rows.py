"""Rows of a piece in the order in which the composer hears them, with what is known before each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.models.composer import NONE, UNKNOWN, Query, Row
from audio_gen.symbolic.encoders.voices import LONGEST, ROLES, Voices

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Rows:
    """Known rows first, then the unknown, both by onset and then role; what `Query` and `Row` hold, without B.

    `asked` tells which are unknown.
    """

    query: dict[str, Ints]
    symbol: Ints
    duration: Ints
    asked: Mask


def rows_of(voices: Voices, unknown: tuple[Mask, ...], bar: int, *, ends: bool = True) -> Rows:
    """The rows of all lines, `unknown[v]` telling which rows of line v are to be told.

    Args:
        voices: lines without gaps.
        unknown: of each line, a mask of its rows.
        bar: units a bar.
        ends: whether the piece ends with the lines; otherwise nothing is known of what follows.
    """
    onset = np.concatenate([line[:, 0] for line in voices.lines]).astype(np.int64)
    duration = np.concatenate([line[:, 1] for line in voices.lines]).astype(np.int64)
    symbol = np.concatenate([line[:, 2] for line in voices.lines]).astype(np.int64)
    role = np.concatenate([np.full(len(line), r) for line, r in zip(voices.lines, voices.roles, strict=True)])
    asked = np.concatenate(unknown)
    own = [_own(line, mask, bar, NONE if ends else UNKNOWN) for line, mask in zip(voices.lines, unknown, strict=True)]
    query = {name: np.concatenate([one[name] for one in own]) for name in own[0]}
    sounding = np.full((len(onset), len(ROLES)), NONE)
    begun, rest = np.zeros_like(sounding), np.zeros_like(sounding)
    for line, mask, other in zip(voices.lines, unknown, voices.roles, strict=True):
        at = np.searchsorted(line[:, 0], onset, side="right") - 1
        start = line[at, 0]
        # an unknown row is known to unknown ones that come after it: later, or at the same time with a higher role
        told = ~mask[at] | asked & ((start < onset) | ((start == onset) & (other < role)))
        sounding[:, other] = np.where(told, line[at, 2], UNKNOWN)
        begun[:, other] = told & (start == onset)
        rest[:, other] = np.where(told, np.minimum(start + line[at, 1] - onset, LONGEST), 0)
    query |= {"role": role, "onset": onset, "position": onset % bar, "sounding": sounding, "begun": begun, "rest": rest}
    order = np.lexsort((role, onset, asked))
    return Rows({name: part[order] for name, part in query.items()}, symbol[order], duration[order], asked[order])


def _own(line: npt.NDArray[np.int32], mask: Mask, bar: int, last: int) -> dict[str, Ints]:
    """What each row of a line is told of its own voice."""
    size = len(line)
    onset, symbol = line[:, 0].astype(np.int64), line[:, 2].astype(np.int64)
    end = int(onset[-1] + line[-1, 1]) if size else 0
    known = np.flatnonzero(~mask)
    after = np.searchsorted(known, np.arange(size))  # the next known row, from each one on
    # what is known is told first, so it knows of nothing unknown; what is asked for knows all before it
    hidden = np.append(mask, False)[np.arange(size) - 1] & ~mask
    gap_end = np.append(onset[known], end)[after]
    following = np.append(symbol[known], last)[after]
    lasted = np.concatenate([[0], np.minimum(line[:-1, 1], LONGEST)])
    ago = np.searchsorted(onset, onset - bar, side="right") - 1
    return {
        "left": np.where(mask, gap_end - onset, 0),
        "following": np.where(mask, following, NONE),
        "before": np.where(hidden, UNKNOWN, np.concatenate([[NONE], symbol[:-1]])),
        "lasted": np.where(hidden, 0, lasted).astype(np.int64),
        "earlier": np.where(onset < bar, NONE, np.where(mask[ago] & ~mask, UNKNOWN, symbol[ago])),
    }


def batch_of(pieces: list[Rows]) -> tuple[Query, Row, torch.Tensor]:
    """Queries, rows and what is asked `[B, N]`; beyond a piece's end the role is -1."""
    longest = max(len(one.symbol) for one in pieces)

    def padded(parts: list[Ints], fill: int = 0) -> torch.Tensor:
        whole = np.full((len(parts), longest, *parts[0].shape[1:]), fill, np.int64)
        for number, part in enumerate(parts):
            whole[number, : len(part)] = part
        return torch.from_numpy(whole)

    query = Query(*(padded([one.query[name] for one in pieces], -1 if name == "role" else 0) for name in Query._fields))
    row = Row(padded([one.symbol for one in pieces]), padded([one.duration for one in pieces]))
    return query, row, padded([one.asked.astype(np.int64) for one in pieces]).float()
