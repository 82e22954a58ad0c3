"""Arrays: a dataset as plain arrays in one .npz, so that training needs no audio library.

Five kinds: "image" (classifiers; uint8 pictures of equal size, several a track), "tonal_image" (the same with rows of
notes, for emotion), "log_mel" (generators; the float16 log-mel frames of all tracks, one after the other), "waveform"
(vocoders; likewise their int16 samples), "score" (composers; likewise the int32 rows of `symbolic.table`).
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.atomic import replacing
from audio_gen.errors import DatasetError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.features.notes import NOTE_ROWS
from audio_gen.symbolic.table import COLUMNS

_FORMS: dict[str, tuple[Any, int]] = {  # dtype and axes of each
    "image": (np.uint8, 3),
    "tonal_image": (np.uint8, 3),
    "log_mel": (np.float16, 2),
    "waveform": (np.int16, 1),
    "score": (np.int32, 2),
}
KINDS = tuple(_FORMS)


class Track(NamedTuple):
    """One track's labels: `targets` are numbers by name (valence, arousal ...).

    `fold` is the dataset's own, for cross-validation; "" where it has none.
    """

    id: str
    dataset: str
    split: str
    group: str
    label: str
    targets: dict[str, float]
    fold: str = ""


@dataclass(frozen=True, eq=False)
class Arrays:
    """A prepared dataset.

    Args:
        kind: one of these.
        mel: pictures: uint8 `[N, rows, columns]`; log_mel: float16 `[frames, n_mels]`; waveform: int16 `[samples]`;
            score: int32 `[rows, 6]`.
        index: pictures: `[N]`, the track of each picture; otherwise `[tracks + 1]`, the bounds of each track.
        tracks: their labels, in the order that `index` counts in.
        spec: the mel spec; scores have the default one, of which nothing is made.
        labels: names of the classes.
        licence: terms of the data.
        teacher: float16 `[N, slots, D]`, what a teacher says of each picture, in slots of equal length (NaN where it
            says nothing), to distil from.
        credits: whose music is trained on, each "ARTIST (PACKAGE, LICENCE)".
    """

    kind: str
    mel: npt.NDArray[Any]
    index: npt.NDArray[np.int64]
    tracks: tuple[Track, ...]
    spec: MelSpec
    labels: tuple[str, ...]
    licence: str
    teacher: npt.NDArray[np.float16] | None = None
    credits: tuple[str, ...] = ()

    @property
    def pictured(self) -> bool:
        """Whether these are pictures, not frames or samples."""
        return self.kind in ("image", "tonal_image")

    def digest(self) -> str:
        """12 hexadecimal digits of the SHA-256 of all that can be learnt from."""
        found = hashlib.sha256(repr((self.tracks, self.labels)).encode())
        for part in (self.mel, self.index, self.teacher):
            found.update(b"" if part is None else np.ascontiguousarray(part).data)
        return found.hexdigest()[:12]

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
            "credits": self.credits,
            "tracks": [track._asdict() for track in self.tracks],
        }
        with replacing(path) as part, part.open("wb") as file:
            extra: dict[str, Any] = {} if self.teacher is None else {"teacher": self.teacher}
            np.savez_compressed(file, mel=self.mel, index=self.index, about=np.array(json.dumps(about)), **extra)


def load_arrays(path: Path, kind: str) -> Arrays:
    """Read what `Arrays.save` wrote.

    Raises:
        DatasetError: not such a file, or of the other kind.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            about = json.loads(str(stored["about"]))
            arrays = Arrays(
                about["kind"],
                stored["mel"],
                stored["index"],
                tuple(Track(**track) for track in about["tracks"]),
                MelSpec.from_dict(about["spec"]),
                tuple(about["labels"]),
                about["licence"],
                stored["teacher"] if "teacher" in stored.files else None,
                tuple(map(str, about.get("credits", ()))),
            )
        _check(arrays)
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        EOFError,
        RecursionError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = " ".join(str(error).split())[:200]
        raise DatasetError(f"{path} is no array file of `audio-gen prepare` ({reason}); prepare it again") from error
    if arrays.kind != kind:
        raise DatasetError(f"{path} holds {arrays.kind} arrays; this needs {kind}: `audio-gen prepare --as {kind} ...`")
    return arrays


def _check(arrays: Arrays) -> None:
    image, tracks, index = arrays.pictured, len(arrays.tracks), arrays.index
    dtype, axes = _FORMS.get(arrays.kind, (np.void, 0))
    if arrays.mel.dtype != dtype or arrays.mel.ndim != axes:
        raise ValueError(f"{arrays.kind} arrays of {arrays.mel.dtype} {list(arrays.mel.shape)}")
    notes = NOTE_ROWS if arrays.kind == "tonal_image" else 0
    rows = COLUMNS if arrays.kind == "score" else arrays.spec.n_mels + notes
    if (axes > 1 and arrays.mel.shape[1] != rows) or len(index) != (len(arrays.mel) if image else tracks + 1):
        raise ValueError(f"index {list(index.shape)} and spec don't fit mel {list(arrays.mel.shape)}, {tracks} tracks")
    if index.min() < 0 or index.max() > (tracks - 1 if image else len(arrays.mel)):
        raise ValueError("the index leads out of the arrays")
    if arrays.teacher is not None and (arrays.teacher.ndim != 3 or len(arrays.teacher) != len(arrays.mel)):
        raise ValueError(f"teacher {list(arrays.teacher.shape)} doesn't fit mel {list(arrays.mel.shape)}")


def joined(parts: Sequence[Arrays]) -> Arrays:
    """Several prepared datasets as one; labels that only some have are kept in the order they come."""
    first = parts[0]
    if len({(part.kind, part.spec, part.mel.shape[1:]) for part in parts}) > 1:
        raise DatasetError("only arrays of one kind, mel spec and picture size can be joined")
    index: list[npt.NDArray[np.int64]] = []
    total = 0
    for part in parts:
        index.append(part.index + total if part.pictured else part.index[bool(index) :] + total)
        total += len(part.tracks) if part.pictured else int(part.index[-1])
    return Arrays(
        first.kind,
        np.concatenate([part.mel for part in parts]),
        np.concatenate(index),
        tuple(track for part in parts for track in part.tracks),
        first.spec,
        tuple(dict.fromkeys(label for part in parts for label in part.labels)),
        "; ".join(dict.fromkeys(part.licence for part in parts)),
        _joined_teacher([part.teacher for part in parts]),
        tuple(dict.fromkeys(one for part in parts for one in part.credits)),
    )


def _joined_teacher(parts: Sequence[npt.NDArray[np.float16] | None]) -> npt.NDArray[np.float16] | None:
    there = [part for part in parts if part is not None]
    return np.concatenate(there) if there and len(there) == len(parts) else None
