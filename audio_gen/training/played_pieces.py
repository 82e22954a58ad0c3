"""What pianists did with scores: pieces for the performer with what was played of each note, and stretches of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.datasets._performances import PAIRED, PLAYED, WRITTEN
from audio_gen.datasets._scores import scores
from audio_gen.errors import DatasetError, ParameterError
from audio_gen.models.performer import ARTICULATION, MANNERS, TEMPO, TIMING, VELOCITY
from audio_gen.models.performer_pieces import PerformerPiece, bpm_at, mean_bpm, piece_of, pitched
from audio_gen.symbolic.score import TICKS, Notes, Score

LOUDEST = 127
TOGETHER = TICKS // 12  # of a performance alone: 42 ms at 120 bpm, within which notes are one chord


@dataclass(frozen=True, eq=False)
class PlayedPiece:
    """A piece, its manners `[N, 4]` (`models.performer`), and which of them are known."""

    piece: PerformerPiece
    played: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]

    def cut(self, start: int, notes: int) -> "PlayedPiece":
        """So many notes of it from `start` on, or what there is of them."""
        part = slice(start, start + notes)
        return PlayedPiece(self.piece.cut(start, notes), self.played[part], self.known[part])


def played_pieces(arrays: Arrays, split: str) -> list[PlayedPiece]:
    """The pieces of a split that somebody played, which is to say: with notes of more than one velocity.

    Raises:
        DatasetError: none was.
    """
    found = []
    for track, score in scores(arrays, split):
        made = _pair(score) if track.targets.get(PAIRED) else _alone(score)
        if made is not None:
            found.append(made)
    if not found:
        raise DatasetError(
            f"no piece of split {split!r} has pitched notes with velocities, as somebody played them; prepare one that "
            "has: `audio-gen prepare asap --as score`, or maestro"
        )
    return found


def _pair(score: Score) -> PlayedPiece | None:
    """A score with what was played of it: all manners of the notes that were."""
    written, played = score.tracks[WRITTEN].notes, score.tracks[PLAYED].notes
    partner = partners(written, played)
    there = partner >= 0
    if not there.any() or len(np.unique(played["velocity"])) < 2:
        return None
    manners = np.zeros((len(written), len(MANNERS)), np.float32)
    theirs = played[partner[there]]
    manners[there, VELOCITY] = theirs["velocity"] / LOUDEST
    manners[there, TIMING] = (theirs["onset"] - written["onset"][there]) / TICKS
    manners[there, ARTICULATION] = np.log2(theirs["duration"] / written["duration"][there])
    manners[:, TEMPO] = np.log2(mean_bpm(score) / bpm_at(score, written["onset"]))
    return PlayedPiece(piece_of(written, score), manners, np.repeat(there[:, None], len(MANNERS), 1))


def _alone(score: Score) -> PlayedPiece | None:
    """A performance without its score: velocity alone.

    Timing and articulation against a grid that nobody played to would be the rounding, and no manner of playing.
    """
    try:
        notes = pitched(score.quantise(TOGETHER).score).notes
    except ParameterError:
        return None
    if len(np.unique(notes["velocity"])) < 2:
        return None
    manners = np.zeros((len(notes), len(MANNERS)), np.float32)
    manners[:, VELOCITY] = notes["velocity"] / LOUDEST
    known = np.zeros(manners.shape, bool)
    known[:, VELOCITY] = True
    return PlayedPiece(piece_of(notes, score, written=False), manners, known)


def partners(written: Notes, played: Notes, reach: int = TICKS) -> npt.NDArray[np.int64]:
    """Of each written note the number of the played one, or -1.

    They have one pitch, begin less than `reach` ticks apart, and neither has another that is nearer.
    """
    found = np.full(len(written), -1, np.int64)
    for pitch in np.intersect1d(written["pitch"], played["pitch"]):
        ours, theirs = np.flatnonzero(written["pitch"] == pitch), np.flatnonzero(played["pitch"] == pitch)
        apart = np.abs(written["onset"][ours][:, None] - played["onset"][theirs][None])
        near = apart.argmin(1)
        mutual = (apart.argmin(0)[near] == np.arange(len(ours))) & (apart.min(1) < reach)
        found[ours[mutual]] = theirs[near[mutual]]
    return found


class PlayedCrops:
    """Stretches of the pieces of the train split, drawn evenly over all their notes."""

    def __init__(self, arrays: Arrays) -> None:
        self.pieces = played_pieces(arrays, "train")
        self.chances = torch.tensor([float(len(piece.played)) for piece in self.pieces])

    def draw(self, count: int, notes: int) -> list[PlayedPiece]:
        """So many stretches of so many notes; shorter pieces come whole."""
        found = []
        for number in torch.multinomial(self.chances, count, replacement=True).tolist():
            piece = self.pieces[number]
            start = int(torch.randint(max(1, len(piece.played) - notes + 1), ()))
            found.append(piece.cut(start, notes))
        return found

    def moments(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of each manner over what is known; 0 and 1 of what never is."""
        means, scales = torch.zeros(len(MANNERS)), torch.ones(len(MANNERS))
        for number in range(len(MANNERS)):
            values = np.concatenate([piece.played[piece.known[:, number], number] for piece in self.pieces])
            if len(values):
                means[number], scales[number] = float(values.mean()), max(1e-3, float(values.std()))
        return means, scales
