"""perform: a piano score as it is written → as a pianist might play it, by a network that learnt from pianists."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.humaniser import FAMILY as DRUMMER
from audio_gen.models.performer import ARTICULATION, FAMILY, MANNERS, TEMPO, TIMING, VELOCITY, PerformerNet
from audio_gen.models.performer_pieces import Pitched, batch_of, bpm_at, piece_of, pitched
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.generate import clip_generator
from audio_gen.pipelines.humaniser import Humaniser, Touch
from audio_gen.symbolic.score import LONGEST, TICKS, Notes, Score, Tempo

LOUDEST = 127
# Of the spread of real notes around the answers, how much is drawn. Some is needed, for a mean alone is too tidy; not
# all, since part of it is what a pianist decides for whole phrases, which draws note by note would scatter
DRAWN = 0.5
ROOM = 0.45  # of the way to the neighbouring onsets: so none passes another, and each note stays one
SLOWEST, FASTEST = 4.0, 1000.0  # bpm that MIDI and a Score hold
Floats = npt.NDArray[np.float64]


class Performer:
    """Plays scores: `Performer.load("runs/piano/best.safetensors").perform(score)`."""

    def __init__(self, model: checkpoint.Checkpoint, device: torch.device | None = None) -> None:
        self.checkpoint = model
        self.device = device or torch.device("cpu")
        net: PerformerNet = checkpoint.build(PerformerNet, model)
        self.net = net.to(self.device).requires_grad_(False)

    @classmethod
    def load(cls, name: str | Path, *, device: torch.device | None = None) -> "Performer":
        """The performer called `name`, or at that path. None is shipped: what there is to learn from is non-commercial.

        Raises:
            CheckpointError: missing, damaged, or no performer.
        """
        return cls(checkpoint.load(name, family=FAMILY), device)

    @property
    def knows(self) -> tuple[str, ...]:
        """What of a performance it has learnt: of performances without their scores, velocity alone."""
        return MANNERS if self.net.scores else MANNERS[: VELOCITY + 1]

    def perform(self, score: Score, *, strength: float = 1.0, seed: int = 0) -> Score:
        """The score as played: velocities, onsets and durations of all pitched notes, and a tempo for each onset.

        Count, pitches and order of the onsets stay, drums too; at strength 0 everything does.

        Args:
            score: with notes on their written places.
            strength: 0 to 1: how far from what is written to what the network says.
            seed: of the draws.

        Raises:
            ParameterError: no pitched notes, or a strength outside 0 to 1.
        """
        return self.touched(score, Touch(strength, seed=seed))

    def check(self, touch: Touch) -> None:
        """Refuse what a performer can't do.

        Raises:
            ParameterError: a style is asked for.
        """
        if touch.style is not None:
            raise ParameterError(f"{self.checkpoint.name!r} knows no styles, such as {touch.style!r}; leave it out")

    def touched(self, score: Score, touch: Touch, track: int | None = None) -> Score:
        """`perform` as a touch asks for it; its timing is onsets, durations and tempo.

        Args:
            track: the only one that changes, counted from 1; tempi stay then, since they would change all.
        """
        self.check(touch)
        found = pitched(score)
        if track is not None and not (found.track == track - 1).any():
            raise ParameterError(f"track {track} has no pitched notes; they are in {_listed(found)}")
        if not touch.strength:
            return score
        manners = self.answer(score, found, seed=touch.seed)
        notes = found.notes.copy()
        if touch.velocity:
            louder = LOUDEST * manners[:, VELOCITY] - notes["velocity"]
            notes["velocity"] = (notes["velocity"] + touch.strength * louder).round().clip(1, LOUDEST)
        if touch.timing and self.net.scores:
            notes = _timed(notes, touch.strength * manners)
            if track is None:
                score = replace(score, tempi=_tempi(score, found.notes["onset"], touch.strength * manners[:, TEMPO]))
        for number in np.unique(found.track) if track is None else [track - 1]:
            here = found.track == number
            played = score.tracks[number].notes.copy()
            played[found.place[here]] = notes[here]
            score = score.with_track(number, replace(score.tracks[number], notes=played))
        return score

    @torch.no_grad()
    def answer(self, score: Score, found: Pitched, *, seed: int = 0, drawn: float = DRAWN) -> Floats:
        """`[N, 4]`: the manners of each note (`models.performer`); the share `drawn` of their spread is drawn.

        The tempo has no draws: from onset to onset they would stumble.
        """
        luck = torch.randn(len(found.notes), len(MANNERS), generator=clip_generator(seed, 0)).to(self.device)
        luck[:, TEMPO] = 0
        with one_thread():
            batch = batch_of([piece_of(found.notes, score, written=self.net.scores)]).to(self.device)
            answer = self.net(batch)[0] + drawn * self.net.spread * luck
            manners: Floats = self.net.told(answer).double().cpu().numpy()
        return manners


def _listed(found: Pitched) -> str:
    return ", ".join(str(number + 1) for number in np.unique(found.track))


def _timed(notes: Notes, manners: Floats) -> Notes:
    """Notes by onset, moved and made longer or shorter; only so far that the order of onsets stays."""
    onset = notes["onset"].astype(np.int64)
    places, number = np.unique(onset, return_inverse=True)
    gaps = np.concatenate([places[:1], np.diff(places), [4 * TICKS]])
    before, after = -np.trunc(ROOM * gaps[number]), np.trunc(ROOM * gaps[number + 1])
    start = onset + (TICKS * manners[:, TIMING]).round().clip(before, after).astype(np.int64)
    longer = np.exp2(manners[:, ARTICULATION].clip(-4, 4))
    timed = notes.copy()
    timed["onset"] = start
    timed["duration"] = (notes["duration"] * longer).round().clip(1, LONGEST - start)
    return timed


def _tempi(score: Score, onsets: npt.NDArray[np.int32], slower: Floats) -> tuple[Tempo, ...]:
    """The score's tempi and each onset's own, of which one counts until the next; equal neighbours are one."""
    places, first = np.unique(onsets, return_index=True)
    at = np.union1d(places, [tempo.onset for tempo in score.tempi])
    now = (np.searchsorted(places, at, "right") - 1).clip(0)
    bpm = bpm_at(score, at) * np.exp2(-slower[first][now].clip(-1, 1))
    bpm = bpm.clip(SLOWEST, FASTEST).round(3)
    new = np.concatenate([[True], np.diff(bpm) != 0])
    return tuple(Tempo(int(onset), float(value)) for onset, value in zip(at[new], bpm[new], strict=True))


def toucher(name: str | Path) -> Humaniser | Performer:
    """A checkpoint that gives notes velocity and timing: of drums, or of a piano.

    Raises:
        CheckpointError: missing, damaged, or neither.
    """
    model = checkpoint.load(name)
    if model.family not in _TOUCHERS:
        raise CheckpointError(
            f"{model.name!r} gives notes no velocity and timing; take `humanise`, or another model that "
            "`train humanise` or `train performance` made"
        )
    return _TOUCHERS[model.family](model)


_TOUCHERS: dict[str, type[Humaniser] | type[Performer]] = {DRUMMER: Humaniser, FAMILY: Performer}
