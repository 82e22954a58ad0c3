"""CopyIndex: descriptors of the music that a generator was trained on, to publish beside its checkpoint.

One safetensors file without any audio or log-mel: of 1.5 s of music it keeps 64 numbers of 8 bits, from 16 broad bands
and 16 steps in time (`metrics.copies`), too broad for notes to be told apart. Loading runs no code from it. Tensors:

    rows int8 [n, D]        descriptors times 127 before rounding
    track int32 [n]         which of the tracks in the header each comes from
    start int32 [n]         its first frame there
    mean, basis float32     of the projection, [256] and [256, D]

and JSON in the metadata under the key `audio_gen_copies`: format, mel spec, window and hop in frames, one_shot, tracks
(id, part, licence) and the quantiles of the ratios that real music reaches, by length of the excerpt in frames.
"""

import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from audio_gen.atomic import replacing
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.metrics.copies import BANDS, STEPS, Projection, Windows, cut, nearest, ratio, unit
from audio_gen.models import checkpoint

FORMAT = 1
KEY = "audio_gen_copies"
LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75)  # of the quantiles; the first is the threshold
PARTS = ("train", "other")
FOLDER = "copies"
SMALLEST = 1e-3  # of a quantile


@dataclass(frozen=True)
class IndexedTrack:
    """One piece of music: its name, whether the generator was trained on it ("train") or not ("other"), its licence."""

    id: str
    part: str
    licence: str


@dataclass(frozen=True)
class CopyScore:
    """How near a clip comes to the training music.

    Args:
        ratio: the smallest of its windows: distance to the nearest training window over that to the nearest of other
            music; 1 if there is no window to compare (silence).
        threshold: real music that was not trained on falls below it in one of a hundred clips of this length.
        seconds: where in the clip that window begins.
        track: the training track that it resembles.
        track_seconds: where in it.
        windows: how many were compared.
    """

    ratio: float
    threshold: float
    seconds: float
    track: str
    track_seconds: float
    windows: int

    @property
    def suspicious(self) -> bool:
        """Whether it is nearer than real music comes by chance."""
        return self.ratio < self.threshold

    def to_dict(self) -> dict[str, Any]:
        """For records, with `suspicious`."""
        return {**asdict(self), "suspicious": self.suspicious}


@dataclass(frozen=True, eq=False)
class CopyIndex:
    """See the head of this file; `quantiles` are those of LEVELS by frames of an excerpt."""

    spec: MelSpec
    window: int
    hop: int
    one_shot: bool
    tracks: tuple[IndexedTrack, ...]
    projection: Projection
    rows: npt.NDArray[np.int8]
    track: npt.NDArray[np.int32]
    start: npt.NDArray[np.int32]
    quantiles: dict[int, tuple[float, ...]]

    @cached_property
    def unit_rows(self) -> npt.NDArray[np.float32]:
        """`[n, D]` float32 of length 1."""
        return unit(self.rows.astype(np.float32))

    @cached_property
    def trained(self) -> npt.NDArray[np.bool_]:
        """`[n]`: whether a row is of the training music."""
        return np.array([track.part == PARTS[0] for track in self.tracks])[self.track]

    @cached_property
    def split_rows(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The training rows and the others."""
        return self.unit_rows[self.trained], self.unit_rows[~self.trained]

    def threshold(self, frames: int) -> float:
        """The ratio below which one in a hundred real clips of `frames` frames falls.

        Between the lengths that were measured: interpolated, over logarithms. Beyond them: by the power law that fits
        them best, on from the longest. It never rises: the longer a clip, the nearer it comes somewhere by chance.
        """
        lengths = np.log(list(self.quantiles))
        levels = np.log([max(found[0], SMALLEST) for found in self.quantiles.values()])
        at = math.log(max(frames, self.window))
        spread = lengths - lengths.mean()
        slope = min(0.0, float(spread @ levels / (spread @ spread))) if len(levels) > 1 else 0.0
        return math.exp(float(np.interp(at, lengths, levels)) + slope * max(0.0, at - float(lengths[-1])))

    def windows(self, log_mel: npt.ArrayLike, stride: int) -> Windows:
        """Of a log-mel `[n_mels, N]` of this spec."""
        return windows(log_mel, self.spec, self.window, stride, one_shot=self.one_shot)

    def save(self, path: Path) -> None:
        """Write one file, whole or not at all."""
        about = {
            "format": FORMAT,
            "spec": self.spec.to_dict(),
            "window": self.window,
            "hop": self.hop,
            "one_shot": self.one_shot,
            "tracks": [asdict(track) for track in self.tracks],
            "levels": LEVELS,
            "quantiles": {str(frames): found for frames, found in self.quantiles.items()},
        }
        tensors = {"rows": self.rows, "track": self.track, "start": self.start}
        tensors |= {"mean": self.projection.mean, "basis": self.projection.basis}
        with replacing(path) as part:
            contiguous = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
            save_file(contiguous, part, {KEY: json.dumps(about, sort_keys=True, allow_nan=False)})
            part.chmod(0o644)  # safetensors lets nobody else read it


def windows(log_mel: npt.ArrayLike, spec: MelSpec, window: int, stride: int, *, one_shot: bool = False) -> Windows:
    """`metrics.copies.cut` for a log-mel `[n_mels, N]` of `spec`, brought to magnitudes.

    Raises:
        ParameterError: another number of bands than the spec's; see also there.
    """
    mel = np.asarray(log_mel, np.float32)
    if mel.ndim != 2 or len(mel) != spec.n_mels:
        raise ParameterError(f"a log-mel of this index is [{spec.n_mels}, N], not {list(mel.shape)}")
    mel = mel if spec.power == 1 else mel / spec.power
    return cut(mel, window, stride, math.log(spec.floor) / spec.power, one_shot=one_shot)


def score(index: CopyIndex, log_mel: npt.ArrayLike) -> CopyScore:
    """Where `log_mel` `[n_mels, N]`, of the index's mel spec, comes nearest to the training music.

    Windows begin every `window // STEPS` frames; memory is bounded but for the log-mel itself.

    Raises:
        ParameterError: another number of bands, no frame, or values that are not finite.
    """
    found = index.windows(log_mel, index.window // STEPS)
    threshold = index.threshold(np.shape(log_mel)[1])
    if not len(found.starts):
        return CopyScore(1.0, threshold, 0.0, "", 0.0, 0)
    train, other = index.split_rows
    query = index.projection(found.averages)
    distance, number = nearest(query, train)
    ratios = ratio(distance, nearest(query, other)[0])
    worst = int(ratios.argmin())
    row = int(np.nonzero(index.trained)[0][number[worst]])
    rate = index.spec.frame_rate
    return CopyScore(
        ratio=float(ratios[worst]),
        threshold=threshold,
        seconds=float(found.starts[worst] / rate),
        track=index.tracks[index.track[row]].id,
        track_seconds=float(index.start[row] / rate),
        windows=len(ratios),
    )


def find(name: str) -> Path:
    """Where the index of the checkpoint `name` lies: in the folder "copies" beside checkpoints.

    Raises:
        CheckpointError: nowhere.
    """
    for folder in checkpoint.folders():
        path = folder / FOLDER / f"{name}.safetensors"
        if path.is_file():
            return path
    raise CheckpointError(
        f"there is no index of the music that {name!r} was trained on; build it with `audio-gen index {name} --data "
        f"ARRAYS.npz`, from the arrays it was trained on"
    )


def load(path: Path) -> CopyIndex:
    """Read what `CopyIndex.save` wrote.

    Raises:
        CheckpointError: missing, cut off, or no such index.
    """
    try:
        with safe_open(path, framework="np") as file:
            about = json.loads((file.metadata() or {}).get(KEY, "null"))
            tensors = {key: file.get_tensor(key) for key in ("rows", "track", "start", "mean", "basis")}
        return _checked(about, tensors)
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{path} is no whole index of training music ({reason}); get or build it again"
        ) from error


def _checked(about: Any, tensors: dict[str, npt.NDArray[Any]]) -> CopyIndex:
    if not isinstance(about, dict) or about.get("format") != FORMAT or tuple(about["levels"]) != LEVELS:
        raise ValueError("no header of a known format")
    tracks = tuple(IndexedTrack(**track) for track in about["tracks"])
    quantiles = {int(frames): tuple(map(float, found)) for frames, found in about["quantiles"].items()}
    index = CopyIndex(
        MelSpec.from_dict(about["spec"]),
        int(about["window"]),
        int(about["hop"]),
        bool(about["one_shot"]),
        tracks,
        Projection(tensors["mean"], tensors["basis"]),
        tensors["rows"],
        tensors["track"],
        tensors["start"],
        dict(sorted(quantiles.items())),
    )
    _check(index)
    return index


def _check(index: CopyIndex) -> None:
    count, size = index.rows.shape
    fits = (
        index.projection.mean.shape == (BANDS * STEPS,)
        and index.projection.basis.shape == (BANDS * STEPS, size)
        and index.track.shape == index.start.shape == (count,)
        and index.rows.dtype == np.int8
        and index.track.dtype == index.start.dtype == np.int32
        and all(part.dtype == np.float32 for part in (index.projection.mean, index.projection.basis))
    )
    if not fits or not all(np.isfinite(part).all() for part in (index.projection.mean, index.projection.basis)):
        raise ValueError("tensors of other shapes or types, or not finite")
    if index.track.min() < 0 or index.track.max() >= len(index.tracks) or index.start.min() < 0:
        raise ValueError("rows of tracks that are not listed")
    if not all(isinstance(value, str) for track in index.tracks for value in asdict(track).values()):
        raise ValueError("tracks whose id, part or licence is no text")
    if {track.part for track in index.tracks} - set(PARTS) or len(set(index.trained.tolist())) < 2:
        raise ValueError("needs rows of training music and of other music")
    if not index.quantiles or min(index.quantiles) < 1 or any(len(q) != len(LEVELS) for q in index.quantiles.values()):
        raise ValueError("no quantiles of real music")
    if not all(math.isfinite(value) for found in index.quantiles.values() for value in found):
        raise ValueError("quantiles that are not finite")
    if index.window < STEPS or index.window % STEPS or index.hop % (index.window // STEPS):
        raise ValueError(f"window {index.window} and hop {index.hop} don't fit")
