"""A split for data that come without one: the same on every machine, each class in both parts, groups kept whole."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

VALID_SHARE = 0.2


@dataclass(frozen=True)
class Member:
    """What the split needs to know of an item."""

    id: str
    group: str
    label: str


def stratified_split(members: Sequence[Member]) -> dict[str, str]:
    """The part of each id, "train" or "valid": about one in five of each class is valid, no group is in both.

    Within a class, groups go to valid in the order of their hash where that brings it nearer to a fifth, and the
    smallest if none does. A class whose items are all of one group is all in one part.
    """
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for member in members:
        sizes[member.label][member.group] += 1
    part: dict[str, str] = {}
    for label in sorted(sizes):
        part |= _split_class(sizes[label], part)
    return {member.id: part[member.group] for member in members}


def hashed_split(group: str, shares: Mapping[str, float]) -> str:
    """The part of a group by its hash alone: adding or dropping others moves nobody.

    Args:
        shares: about how much of the whole each part gets; what is left is "train".

    >>> [hashed_split(name, {"valid": 0.2, "test": 0.2}) for name in ("abba", "adele", "song 7")]
    ['train', 'test', 'valid']
    """
    place = int(_hash(group)[:12], 16) / 16**12
    for part, share in shares.items():
        if place < share:
            return part
        place -= share
    return "train"


def _split_class(sizes: Counter[str], part: dict[str, str]) -> dict[str, str]:
    """Parts of the groups of one class, given its items by group and the parts of the groups of classes before."""
    free = sorted(sizes.keys() - part.keys(), key=_hash)
    valid = [group for group in sizes if part.get(group) == "valid"]
    target = VALID_SHARE * sizes.total()
    for group in free:
        if sum(sizes[other] for other in valid) + sizes[group] / 2 <= target:
            valid.append(group)
    if not valid and len(sizes) > 1 and free:
        valid.append(min(free, key=lambda group: sizes[group]))
    return {group: "valid" if group in valid else "train" for group in free}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
