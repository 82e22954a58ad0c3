"""Folds for cross-validation: the dataset's own, or made of whole groups.

Tracks of train and valid take part, those of test never do. A piece of MIDI that was rendered several times, with
other soundfonts or transposed, is several tracks: all teach, the first alone is measured, as `evaluate` does too.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from audio_gen.datasets._arrays import Arrays, Track
from audio_gen.errors import DatasetError, ParameterError

TRAIN, VALID, ASIDE = "train", "valid", "aside"
Key = tuple[str, str]  # dataset and name of a group or piece: two datasets may use one name for two things


def folds_of(arrays: Arrays, numbers: Sequence[int], wish: str) -> tuple[dict[int, str], list[str]]:
    """The fold of each track that takes part in the cross-validation, and the names of the folds to measure.

    Args:
        arrays: whose tracks may tell a fold; where some do, tracks without one only teach.
        numbers: tracks that have what is to be measured.
        wish: "K": K folds, those of the dataset where it has its own; or "A-B": the dataset's own from A to B.

    Raises:
        ParameterError: the wish can't be read, or the data have other folds of their own, or none.
        DatasetError: fewer groups than folds.
    """
    taking = {number: arrays.tracks[number] for number in numbers if arrays.tracks[number].split in (TRAIN, VALID)}
    own = {number: track.fold for number, track in taking.items() if track.fold}
    wanted = parse(wish)
    there = sorted(set(own.values()), key=lambda name: (len(name), name))
    if isinstance(wanted, list):
        if missing := [name for name in wanted if name not in there]:
            advice = f"its folds are {', '.join(there)}" if there else "prepare it again, or give --folds K to make K"
            raise ParameterError(f"--folds {wish}: the data tell no fold {', '.join(missing)}; {advice}")
    elif not own:
        own = _of_groups(taking, wanted)
        there = [str(fold) for fold in range(wanted)]
    elif len(there) != wanted:
        raise ParameterError(f"--folds {wish}: the data have {len(there)} folds of their own: {', '.join(there)}")
    return own, wanted if isinstance(wanted, list) else there


def without(arrays: Arrays, folds: dict[int, str], name: str) -> Arrays:
    """The arrays with fold `name` as valid, the other folds as train, and beside them every other track of train."""
    seen: set[Key] = set()
    tracks = []
    for number, track in enumerate(arrays.tracks):
        if folds.get(number) == name:
            split = ASIDE if (track.dataset, piece(track)) in seen else VALID
            seen.add((track.dataset, piece(track)))
        else:
            split = TRAIN if number in folds or track.split == TRAIN else ASIDE
        tracks.append(track._replace(split=split))
    return replace(arrays, tracks=tuple(tracks))


def piece(track: Track) -> str:
    """The track's id without what a MIDI file was rendered with, a soundfont or a transposition.

    >>> piece(Track("a#b.mid#FluidR3#+2", "vgmidi", "train", "", "", {}))
    'a#b.mid'
    """
    return re.sub(r"(?i)(\.midi?)#.*", r"\1", track.id)


def parse(wish: str) -> int | list[str]:
    """A wish for "K" folds as a number, for "A-B" as the names of folds.

    Raises:
        ParameterError: neither.
    """
    found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", wish)
    first, last = map(int, found.groups(default="-1")) if found else (0, -1)
    if first >= 2 and last < 0:
        return first
    if first > last:
        raise ParameterError(f"--folds must be a number from 2 on, or the dataset's own as in 0-3, not {wish!r}")
    return [str(number) for number in range(first, last + 1)]


def _of_groups(tracks: dict[int, Track], count: int) -> dict[int, str]:
    """Each class as even over the folds as whole groups allow; the largest groups first, equal ones by their hash.

    A group goes where the squares of the classes' shares grow least: it wants the fold that has least of what it holds.
    """
    groups: dict[Key, Counter[Key]] = defaultdict(Counter)
    for track in tracks.values():
        groups[_key(track)][track.dataset, track.label] += 1
    if len(groups) < count:
        raise DatasetError(
            f"{count} folds need {count} groups or more (a group is never torn); there are {len(groups)}"
        )
    total = sum(groups.values(), Counter[Key]())
    held = [Counter[Key]() for _ in range(count)]
    place: dict[Key, str] = {}
    for key, group in sorted(groups.items(), key=lambda item: (-item[1].total(), _hash(item[0]))):
        growth = [sum(fold[kind] * n / total[kind] ** 2 for kind, n in group.items()) for fold in held]
        fold = min(range(count), key=lambda fold: (growth[fold], held[fold].total()))
        place[key] = str(fold)
        held[fold] += group
    return {number: place[_key(track)] for number, track in tracks.items()}


def _key(track: Track) -> Key:
    return track.dataset, track.group or piece(track)


def _hash(key: Key) -> str:
    return hashlib.sha256("\0".join(key).encode("utf-8", "surrogateescape")).hexdigest()
