"""Arrays: a dataset as plain arrays in one .npz, so that training needs no audio library.

Two kinds: "image" (classifiers; uint8 pictures of equal size, several a track) and "log_mel" (generators; the float16
log-mel frames of all tracks, one after the other).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.atomic import replacing
from audio_gen.errors import DatasetError
from audio_gen.features.mel_spec import MelSpec

KINDS = ("image", "log_mel")


class Track(NamedTuple):
    """One track's labels: `targets` are numbers by name (valence, arousal ...)."""

    id: str
    dataset: str
    split: str
    group: str
    label: str
    targets: dict[str, float]


@dataclass(frozen=True, eq=False)
class Arrays:
    """A prepared dataset.

    Args:
        kind: "image" or "log_mel".
        mel: image: uint8 `[N, n_mels, columns]`; log_mel: float16 `[frames, n_mels]`.
        index: image: `[N]`, the track of each picture; log_mel: `[tracks + 1]`, the bounds of each track's frames.
        tracks: their labels, in the order that `index` counts in.
        spec: the mel spec.
        labels: names of the classes.
        licence: terms of the data.
    """

    kind: str
    mel: npt.NDArray[Any]
    index: npt.NDArray[np.int64]
    tracks: tuple[Track, ...]
    spec: MelSpec
    labels: tuple[str, ...]
    licence: str

    def chosen(self, split: str) -> list[int]:
        """Numbers of the tracks of `split`.

        Raises:
            DatasetError: none; the message names the splits there are.
        """
        found = [number for number, track in enumerate(self.tracks) if track.split == split]
        if not found:
            there = ", ".join(sorted({track.split for track in self.tracks}))
            raise DatasetError(f"no track of split {split!r}; there are: {there}")
        return found

    def save(self, path: Path) -> None:
        """Write one compressed .npz, whole or not at all."""
        about = {
            "kind": self.kind,
            "spec": self.spec.to_dict(),
            "labels": self.labels,
            "licence": self.licence,
            "tracks": [track._asdict() for track in self.tracks],
        }
        with replacing(path) as part, part.open("wb") as file:
            np.savez_compressed(file, mel=self.mel, index=self.index, about=np.array(json.dumps(about)))


def load_arrays(path: Path, kind: str) -> Arrays:
    """Read what `Arrays.save` wrote.

    Raises:
        DatasetError: not such a file, or of the other kind.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            arrays = Arrays(
                about["kind"],
                file["mel"],
                file["index"],
                tuple(Track(**track) for track in about["tracks"]),
                MelSpec.from_dict(about["spec"]),
                tuple(about["labels"]),
                about["licence"],
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise DatasetError(f"{path} is not an array file of `audio-gen prepare` ({error}); prepare it again") from error
    if arrays.kind != kind:
        raise DatasetError(f"{path} holds {arrays.kind} arrays; this needs {kind}: `audio-gen prepare --as {kind} ...`")
    return arrays


def joined(parts: Sequence[Arrays]) -> Arrays:
    """Several prepared datasets as one; labels that only some have are kept in the order they come."""
    first = parts[0]
    if any(part.kind != first.kind or part.spec != first.spec for part in parts):
        raise DatasetError("only arrays of one kind and one mel spec can be joined")
    index: list[npt.NDArray[np.int64]] = []
    total = 0
    for part in parts:
        index.append(part.index + total if part.kind == "image" else part.index[bool(index) :] + total)
        total += len(part.tracks) if part.kind == "image" else int(part.index[-1])
    return Arrays(
        first.kind,
        np.concatenate([part.mel for part in parts]),
        np.concatenate(index),
        tuple(track for part in parts for track in part.tracks),
        first.spec,
        tuple(dict.fromkeys(label for part in parts for label in part.labels)),
        "; ".join(dict.fromkeys(part.licence for part in parts)),
    )
