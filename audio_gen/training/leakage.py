"""What must not be in two splits: a group, or the same audio or notes; and no audio under two labels.

Content is compared as training sees it: pictures, or log-mels, of the same samples are equal whatever file holds them
(WAV, FLAC, another name), and one equal picture that is not silent is enough, so that an excerpt is found too. A copy
that was encoded anew with losses is not equal and not found. Scores are compared by their notes.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from audio_gen.datasets._arrays import Arrays, Track
from audio_gen.datasets._scores import contents
from audio_gen.errors import DatasetError

SPLITS = ("train", "valid", "test")  # tracks of any other are not used


def check_leakage(arrays: Arrays) -> list[str]:
    """Refuse arrays whose splits or classes share something; give a note for each harmless pair of copies.

    Harmless is what lies twice in one class of one split: it only counts double.

    Raises:
        DatasetError: a group or the same audio in two splits, or the same audio under two labels of one dataset.
    """
    _check_groups(arrays.tracks)
    notes, scores = [], arrays.kind == "score"  # a bar of drums may well be of two styles
    what = "notes" if scores else "audio"
    for one, other in _copies(arrays):
        if one.split != other.split:
            raise DatasetError(
                f"two splits share the same {what}: {one.id!r} ({one.split}) and {other.id!r} ({other.split}); "
                "keep one of them, or give both one group"
            )
        if not scores and one.dataset == other.dataset and one.label and other.label and one.label != other.label:
            raise DatasetError(
                f"two classes share a file: {one.id!r} ({one.label}) and {other.id!r} ({other.label}) hold the same "
                "audio; keep it in one class"
            )
        notes.append(f"the same {what} twice in {one.split}: {one.id!r} and {other.id!r}; it counts double")
    return notes


def _check_groups(tracks: tuple[Track, ...]) -> None:
    first: dict[tuple[str, str], Track] = {}
    for track in tracks:
        if track.split not in SPLITS or not track.group:
            continue
        other = first.setdefault((track.dataset, track.group), track)
        if other.split != track.split:
            raise DatasetError(
                f"group {track.group!r} is in two splits: {other.id!r} ({other.split}) and {track.id!r} "
                f"({track.split}); put it into one"
            )


def _copies(arrays: Arrays) -> list[tuple[Track, Track]]:
    """Pairs of different tracks of equal content; each track is paired with the first of its kind."""
    holders: dict[bytes, dict[int, None]] = defaultdict(dict)  # of each content: the tracks, each once, in order
    for number, content in _contents(arrays):
        holders[content][number] = None
    pairs = dict.fromkeys((numbers[0], other) for numbers in map(sorted, holders.values()) for other in numbers[1:])
    return [(arrays.tracks[one], arrays.tracks[other]) for one, other in pairs]


def _contents(arrays: Arrays) -> Iterator[tuple[int, bytes]]:
    """The track and a digest of each picture, log-mel or score that isn't silent all through."""
    if arrays.kind == "score":
        yield from ((number, digest) for number, digest in contents(arrays) if arrays.tracks[number].split in SPLITS)
        return
    if arrays.pictured:
        parts = list(zip(arrays.index.tolist(), arrays.mel, strict=True))
    else:
        parts = [(number, arrays.mel[a:b]) for number, (a, b) in enumerate(pairwise(arrays.index.tolist()))]
    for number, mel in parts:
        if arrays.tracks[number].split in SPLITS and mel.size and mel.max() > mel.min():
            yield number, hashlib.sha256(mel.tobytes()).digest()
