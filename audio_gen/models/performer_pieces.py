"""Piano music as the performer takes it: facts of each note of a score, and padded batches of them.

The facts are among those that Dasaem Jeong et al., "VirtuosoNet: A hierarchical RNN-based system for modeling
expressive piano performance", ISMIR 2019, read from scores, as far as MIDI tells them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.errors import ParameterError
from audio_gen.symbolic.score import TICKS, Notes, Score

SHORTEST, FARTHEST = 1 / 64, 4.0  # seconds that are told apart
HEARD, WRITTEN = 7, 12  # facts that a performance tells too, and those that only a score does
FACTS = HEARD + WRITTEN
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


class Pitched(NamedTuple):
    """The notes of all pitched tracks by onset and pitch; of each its track, and its place there."""

    notes: Notes
    track: Numbers
    place: Numbers


def pitched(score: Score) -> Pitched:
    """What a pianist would play of a score.

    Raises:
        ParameterError: nothing but drums, or no notes at all.
    """
    parts = [(number, track.notes) for number, track in enumerate(score.tracks) if not track.is_drum]
    notes = np.concatenate([part for _, part in parts]) if parts else None
    if notes is None or not len(notes):
        raise ParameterError("there are no pitched notes in it; a performer needs a score with some")
    track = np.concatenate([np.full(len(part), number) for number, part in parts])
    place = np.concatenate([np.arange(len(part)) for _, part in parts])
    order = np.lexsort((notes["pitch"], notes["onset"]))
    return Pitched(notes[order], track[order], place[order])


@dataclass(frozen=True, eq=False)
class PerformerPiece:
    """Notes by onset and pitch.

    Args:
        pitch: `[N]`, MIDI.
        onset: `[N]`, number of the onset, from 0: those of a chord share it.
        facts: float32 `[N, FACTS]`.
    """

    pitch: Numbers
    onset: Numbers
    facts: npt.NDArray[np.float32]

    def cut(self, start: int, notes: int) -> "PerformerPiece":
        """So many notes of it from `start` on, or what there is of them."""
        part = slice(start, start + notes)
        onset = self.onset[part]
        return replace(self, pitch=self.pitch[part], onset=onset - onset[:1], facts=self.facts[part])


def piece_of(notes: Notes, score: Score, *, written: bool = True) -> PerformerPiece:
    """What the network sees of notes by onset and pitch.

    Args:
        notes: at least one.
        score: whose metres and tempi hold for them; of the tempi only their mean is seen.
        written: whether they are a score's; of a performance alone, which tells no metre, no tempo and no written
            durations, those facts are all 0.
    """
    places, onset, size = np.unique(notes["onset"], return_inverse=True, return_counts=True)
    pitch = notes["pitch"].astype(np.int64)
    second = 60 / TICKS / mean_bpm(score)
    gaps = np.concatenate([[np.inf], np.diff(places) * second, [np.inf]])
    below = np.arange(len(notes)) - (np.cumsum(size) - size)[onset]
    above = size[onset] - 1 - below
    facts = np.zeros((len(notes), FACTS), np.float32)
    facts[:, :HEARD] = np.stack(
        [(pitch - 60) / 24, _log(gaps[onset]), _log(gaps[onset + 1]), below / 4, above / 4, below == 0, above == 0], 1
    )
    if written:
        facts[:, HEARD:] = _written(notes, score, second)
    return PerformerPiece(pitch, onset.astype(np.int64), facts)


def _log(seconds: Floats) -> Floats:
    """Seconds as numbers around 0."""
    scaled: Floats = (np.log2(seconds.clip(SHORTEST, FARTHEST)) + 2) / 2
    return scaled


def _written(notes: Notes, score: Score, second: float) -> Floats:
    """Durations, place in bar and beat, metre and tempo `[N, WRITTEN]`; the first is 1, which says that they count."""
    found = np.searchsorted([meter.onset for meter in score.meters], notes["onset"], "right") - 1
    begun, bar, unit, beats = np.array([(one.onset, one.bar, one.unit, one.beats) for one in score.meters])[found].T
    threes = (beats > 3) & (beats % 3 == 0) & (unit >= 8)  # 6/8 has two beats of three eighths
    beat = np.maximum(1, np.where(threes, 3, 1) * 4 * TICKS // unit)
    in_bar, duration = (notes["onset"] - begun) % np.maximum(1, bar), notes["duration"].astype(float)
    turns = [2 * np.pi * in_bar / np.maximum(1, bar), 2 * np.pi * (in_bar % beat) / beat]
    circles = [wave(turn) for turn in turns for wave in (np.sin, np.cos)]
    lengths = [_log(duration * second), np.log2(duration / TICKS).clip(-6, 4) / 2]
    metre = [in_bar == 0, in_bar % beat == 0, np.log2(bar / TICKS / 4), threes]
    tempo = np.full(len(notes), np.log2(mean_bpm(score) / 120))
    return np.stack([np.ones(len(notes)), *lengths, *circles, *metre, tempo], 1)


def mean_bpm(score: Score) -> float:
    """Quarters over minutes, from the beginning to the last note's end."""
    end = max(1, score.end)
    ticks = np.diff(np.minimum([*(tempo.onset for tempo in score.tempi), end], end))
    return float(end / (ticks / np.array([tempo.bpm for tempo in score.tempi])).sum())


def bpm_at(score: Score, onsets: npt.NDArray[np.integer]) -> Floats:
    """The tempo at each onset."""
    found = np.searchsorted([tempo.onset for tempo in score.tempi], onsets, "right") - 1
    return np.array([tempo.bpm for tempo in score.tempi])[found]


class PerformerBatch(NamedTuple):
    """Pieces side by side, filled up: pitch and onset `[B, N]`, facts `[B, N, FACTS]`, notes that are there `[B]`."""

    pitch: torch.Tensor
    onset: torch.Tensor
    facts: torch.Tensor
    size: torch.Tensor

    @property
    def there(self) -> torch.Tensor:
        """`[B, N]`: whether there is a note."""
        return torch.arange(self.pitch.shape[1], device=self.size.device) < self.size[:, None]

    def to(self, device: torch.device) -> "PerformerBatch":
        """The same on a device."""
        return PerformerBatch(*(part.to(device) for part in self))


def batch_of(pieces: Sequence[PerformerPiece]) -> PerformerBatch:
    """A batch as long as its longest piece."""
    parts = [[torch.from_numpy(getattr(piece, name)) for piece in pieces] for name in ("pitch", "onset", "facts")]
    pitch, onset, facts = (torch.nn.utils.rnn.pad_sequence(part, batch_first=True) for part in parts)
    return PerformerBatch(pitch, onset, facts, torch.tensor([len(piece.pitch) for piece in pieces]))
