"""note_copies: an index of the notes that a model learnt from, and what of a new piece occurs in them.

One safetensors file, `copies/NAME.safetensors` in a folder of checkpoints, which holds no scores: of melodies the
intervals and times from onset to onset (`metrics.note_copies`), of drums bars of hits without velocity and timing.
Tensors, either:

    tokens int32 [T]        `melody_tokens` of each voice, each followed by 0

or:

    bars uint8 [n, D]       the packed hits of each bar that occurs
    pairs uint8 [m, 2 D]    and of each two neighbouring bars

and JSON in the metadata under the key `audio_gen_note_copies`: format, the ids of the voices, and the levels above
which a figure is suspicious, for drums, a melody, and voices each: the 95th percentile of real music of the split
valid, which the model didn't learn from.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from audio_gen.atomic import replacing
from audio_gen.datasets._arrays import Arrays
from audio_gen.datasets._scores import scores
from audio_gen.errors import CheckpointError, DatasetError
from audio_gen.metrics.note_copies import CopyIndex, alarm_level, drum_share, drum_windows, melody_tokens
from audio_gen.models import checkpoint
from audio_gen.models.copy_index import FOLDER
from audio_gen.symbolic.encoders import drums
from audio_gen.symbolic.score import SIXTEENTH, Score, Track

FORMAT = 1
KEY = "audio_gen_note_copies"
SIZES = {"bars": 1, "pairs": 2}  # bars in a window of drums
KINDS = ("drums", "melody", "voices")  # which share more or less of what they are made of
BAR = 16  # sixteenths
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class NoteIndex:
    """See the head of this file.

    Args:
        tensors: by name.
        voices: ids of the voices of `tokens`, in their order.
        alarm: for music of each of KINDS by figure of the report, the level above which it is suspicious.
    """

    tensors: dict[str, npt.NDArray[Any]]
    voices: tuple[str, ...]
    alarm: dict[str, dict[str, float]]

    @cached_property
    def known(self) -> CopyIndex:
        """The melodies, in the order of their suffixes."""
        return CopyIndex(self.tensors["tokens"])

    @cached_property
    def windows(self) -> dict[str, set[bytes]]:
        """The drum windows by size."""
        return {name: {row.tobytes() for row in self.tensors[name]} for name in SIZES if name in self.tensors}

    def report(self, score: Score) -> dict[str, Any] | None:
        """What of a score occurs in the training music: of its voice, or drums, that has most of it.

        The n-gram shares (`ngrams_4` ...), the `longest` passage (intervals) and where it is from; of drums the shares
        of bars and of pairs of bars. `alarm` tells the level of each. `suspicious`: whether the longest passage, or a
        share of drums, is above its level; n-gram shares of a short melody jump too far with one n-gram to say so.
        None where there is nothing to compare: no voice of two notes or more, no drums.
        """
        figures = self.figures(score)
        if not figures:
            return None
        alarm = self.alarm.get(_kind(score), {})
        over = [name for name in ("longest", *SIZES) if figures.get(name, 0) > alarm.get(name, np.inf)]
        told = {name: round(level, 4) for name, level in alarm.items()}
        return {**figures, "alarm": told, "suspicious": bool(over)}

    def figures(self, score: Score) -> dict[str, Any]:
        """The report without levels; empty where there is nothing to compare."""
        if "tokens" not in self.tensors:
            found = [self._drums(track) for track in score.tracks if track.is_drum and len(track.notes)]
            return max(found, key=lambda one: one.get("bars", 0.0), default={})
        told = [self._melody(track) for track in _voices(score)]
        return max(told, key=lambda one: one["longest"], default={})

    def _melody(self, track: Track) -> dict[str, Any]:
        found = self.known.report(_tokens(track))
        shares = {f"ngrams_{n}": round(share, 4) for n, share in found.shares.items() if np.isfinite(share)}
        return {**shares, "longest": found.longest, "piece": self.voices[found.piece] if found.piece >= 0 else None}

    def _drums(self, track: Track) -> dict[str, Any]:
        hits = _hits(track)
        shares = {name: drum_share(hits, known, SIZES[name]) for name, known in self.windows.items()}
        return {name: round(share, 4) for name, share in shares.items() if np.isfinite(share)}

    def save(self, path: Path) -> None:
        """Write one file, whole or not at all."""
        about = {"format": FORMAT, "voices": self.voices, "alarm": self.alarm}
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            save_file(self.tensors, part, {KEY: json.dumps(about, sort_keys=True)})
            part.chmod(0o644)  # safetensors lets nobody else read it


def build(arrays: Arrays) -> NoteIndex:
    """The index of what a model learns of arrays of kind "score": the split train; levels are those of the split valid.

    Raises:
        DatasetError: arrays of another kind, or neither drums nor a voice to learn from.
    """
    train = scores(arrays, "train")
    tuned = [(track.id, _tokens(voice)) for track, score in train for voice in _voices(score)]
    patterns = [_hits(one) for _, score in train for one in score.tracks if one.is_drum and len(one.notes)]
    if tuned:
        tokens = CopyIndex.of(part for _, part in tuned).tokens
        bare = NoteIndex({"tokens": tokens}, tuple(name for name, _ in tuned), {})
    elif patterns:
        found = {name: _rows(drum_windows(hits, bars) for hits in patterns) for name, bars in SIZES.items()}
        bare = NoteIndex(found, (), {})
    else:
        raise DatasetError("no piece of the split train has drums or a track of one voice; an index needs some")
    held_out = [score for _, score in scores(arrays, "valid")]
    alarm = {kind: _levels([bare.figures(one) for one in held_out if _kind(one) == kind]) for kind in KINDS}
    return NoteIndex(bare.tensors, bare.voices, {kind: levels for kind, levels in alarm.items() if levels})


def _levels(figures: list[dict[str, Any]]) -> dict[str, float]:
    """The level of each figure that some held-out music has."""
    names = dict.fromkeys(
        name for one in figures for name, value in one.items() if not (value is None or isinstance(value, str))
    )
    return {name: alarm_level([one[name] for one in figures if name in one]) for name in names}


def _kind(score: Score) -> str:
    tuned = sum(not one.is_drum for one in score.tracks)
    return KINDS[0] if not tuned else KINDS[1] if tuned == 1 else KINDS[2]


def _rows(windows: Iterable[list[bytes]]) -> Bytes:
    """Each window once, sorted."""
    unique = sorted({window for some in windows for window in some})
    width = len(unique[0]) if unique else 1
    return np.frombuffer(b"".join(unique), np.uint8).reshape(-1, width).copy()


def _voices(score: Score) -> list[Track]:
    return [one for one in score.tracks if not one.is_drum and not one.polyphonic and len(one.notes) > 1]


def _tokens(track: Track) -> npt.NDArray[np.int32]:
    notes = track.notes
    return melody_tokens(notes["pitch"], (notes["onset"].astype(np.int64) + SIXTEENTH // 2) // SIXTEENTH)


def _hits(track: Track) -> npt.NDArray[np.bool_]:
    grid = drums.encode(track.notes).grid[..., drums.HIT] > 0 if len(track.notes) else np.zeros((0, 9), bool)
    return np.pad(grid, ((0, -len(grid) % BAR), (0, 0)))


def find(name: str, data: str = "") -> NoteIndex | None:
    """The index of the checkpoint `name`, or of the data that it learnt from, beside the checkpoints; None without one.

    Raises:
        CheckpointError: it is there, and damaged.
    """
    for key in filter(None, (name, Path(data).stem)):
        for folder in checkpoint.folders():
            path = folder / FOLDER / f"{key}.safetensors"
            if path.is_file():
                return load(path)
    return None


def load(path: Path) -> NoteIndex:
    """Read what `NoteIndex.save` wrote.

    Raises:
        CheckpointError: missing, cut off, or no such index.
    """
    try:
        with safe_open(path, framework="np") as file:
            about = json.loads((file.metadata() or {}).get(KEY, "null"))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a dict)
        return _checked(about, tensors)
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{path} is no whole index of training notes ({reason}); get or build it again"
        ) from error


def _checked(about: Any, tensors: dict[str, npt.NDArray[Any]]) -> NoteIndex:
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise ValueError("no header of a known format")
    alarm = {
        str(kind): {str(name): float(level) for name, level in levels.items()}
        for kind, levels in about["alarm"].items()
    }
    voices = tuple(map(str, about["voices"]))
    if set(tensors) == {"tokens"}:
        tokens = tensors["tokens"]
        if tokens.dtype != np.int32 or tokens.ndim != 1 or int((tokens == 0).sum()) != len(voices):
            raise ValueError("tokens of another type, or of other voices than are listed")
    elif set(tensors) != set(SIZES) or any(one.dtype != np.uint8 or one.ndim != 2 for one in tensors.values()):
        raise ValueError("neither tokens nor bars and pairs")
    return NoteIndex(tensors, voices, alarm)
