"""copies: build the index by which a generated log-mel that copies its training music is found out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audio_gen.datasets._arrays import Arrays, Track
from audio_gen.errors import DatasetError
from audio_gen.metrics.copies import STEPS, Projection, Windows, nearest, ratio, smallest
from audio_gen.models.copy_index import LEVELS, CopyIndex, IndexedTrack, windows

SIZE = 64  # numbers in a descriptor
WINDOW, HOP = 128, 32  # frames
FEWEST = 100  # excerpts that a quantile of a hundredth is taken from ...
SCARCE, LENGTHS = 10, 3  # ... or so few, for as many lengths: better a rough threshold than one that ignores length
MOST_FITTED = 50_000  # windows that the projection is fitted to


class _Piece(NamedTuple):
    """A track of the index; `group` is of pieces that are not independent, `held_out` whether it calibrates."""

    track: IndexedTrack
    group: str
    held_out: bool
    log_mel: npt.NDArray[np.float16]  # [n_mels, N]
    windows: Windows


def build_index(
    arrays: Arrays,
    *,
    others: Sequence[Arrays] = (),
    licences: Mapping[str, str] | None = None,
    one_shot: bool = False,
    window: int = WINDOW,
    hop: int = HOP,
) -> CopyIndex:
    """The index of what a generator learns of `arrays` (kind "log_mel"), calibrated on what it doesn't.

    "train" are the tracks of the split train that have a label, as in training. "other" are all other tracks: those of
    other splits, those without a label, and all of `others`. The threshold comes from the tracks of the split valid
    that have a label: each is scored against "train" and against "other" without its own group, which is just what
    becomes of a generated clip. So unequal sizes of the two parts move ratio and threshold alike.

    Args:
        arrays: what the generator was trained on.
        others: further real music of the same mel spec that it never saw.
        licences: by track id; without one, the arrays' own.
        one_shot: whether each track is one sound that begins with the clip: one window each, from its onset.
        window: frames in a window: 128 are 1.5 s.
        hop: frames from window to window of the index.

    Raises:
        DatasetError: no training music, none to calibrate on, or none but one group of other music.
        ParameterError: arrays of another kind or spec, or a window and hop that don't fit.
    """
    pieces = []
    for number, part in enumerate((arrays, *others)):
        if part.kind != "log_mel" or part.spec != arrays.spec:
            raise DatasetError(f"an index needs log_mel arrays of {arrays.spec}, not {part.kind} of {part.spec}")
        for place, track in enumerate(part.tracks):
            labelled = number == 0 and track.label in arrays.labels
            trained = labelled and track.split == "train"
            about = IndexedTrack(track.id, "train" if trained else "other", _licence(track, part, licences))
            mel = part.mel[part.index[place] : part.index[place + 1]].T
            found = windows(mel, part.spec, window, hop, one_shot=one_shot)
            held_out = labelled and track.split == "valid"
            pieces.append(_Piece(about, f"{number}/{track.group or track.id}", held_out, mel, found))
    return _calibrated(_assembled(pieces, arrays, window, hop, one_shot), pieces)


def _licence(track: Track, arrays: Arrays, licences: Mapping[str, str] | None) -> str:
    return (licences or {}).get(track.id, arrays.licence)


def _assembled(pieces: list[_Piece], arrays: Arrays, window: int, hop: int, one_shot: bool) -> CopyIndex:
    averages = np.concatenate([piece.windows.averages for piece in pieces])
    counts = [len(piece.windows.starts) for piece in pieces]
    if not averages.size or {piece.track.part for piece in pieces} != {"train", "other"}:
        raise DatasetError("an index needs tracks to train on and others: labelled ones of the splits train and valid")
    projection = Projection.fit(averages[:: 1 + len(averages) // MOST_FITTED], SIZE)
    return CopyIndex(
        spec=arrays.spec,
        window=window,
        hop=hop,
        one_shot=one_shot,
        tracks=tuple(piece.track for piece in pieces),
        projection=projection,
        rows=np.round(127 * projection(averages)).astype(np.int8),
        track=np.repeat(np.arange(len(pieces)), counts).astype(np.int32),
        start=np.concatenate([piece.windows.starts for piece in pieces]).astype(np.int32),
        quantiles={},
    )


def _calibrated(index: CopyIndex, pieces: list[_Piece]) -> CopyIndex:
    """With the quantiles of the smallest ratio in excerpts of one window, two, four ... of the held-out tracks."""
    groups = np.array([piece.group for piece in pieces])[index.track]
    train, found, longest = index.split_rows[0], [], index.window
    for piece in pieces:
        if not piece.held_out:
            continue
        other = index.unit_rows[~index.trained & (groups != piece.group)]
        if not len(other):
            raise DatasetError(f"no other music than {piece.group!r} to measure it by; give more with `others`")
        cuts = index.windows(piece.log_mel, index.window // STEPS)
        query = index.projection(cuts.averages)
        frames = index.window if index.one_shot else max(index.window, piece.log_mel.shape[1])
        starts = cuts.starts * (not index.one_shot)
        found.append((ratio(nearest(query, train)[0], nearest(query, other)[0]), starts, frames))
        longest = max(longest, frames)
    quantiles: dict[int, tuple[float, ...]] = {}
    length = index.window
    while length <= longest:
        parts = [smallest(*each, length, index.window) for each in found]
        ratios = np.concatenate([*parts, np.empty(0, np.float32)])
        wanted = (1, SCARCE, FEWEST)[(len(quantiles) > 0) + (len(quantiles) >= LENGTHS)]
        if len(ratios) < wanted:
            break
        quantiles[length] = tuple(np.quantile(ratios, LEVELS).tolist())
        length *= 2
    if not quantiles:
        raise DatasetError("no labelled track of the split valid to calibrate on")
    return replace(index, quantiles=quantiles)
