"""humanise: drums as a machine plays them → as a drummer might, by the network that learnt from drummers."""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.errors import ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.drum_pieces import DrumPiece, batch_of
from audio_gen.models.humaniser import FAMILY, HumaniserNet
from audio_gen.pipelines._drum_steps import Taste, in_bins
from audio_gen.pipelines._feel import Cells, cells_of, felt, offsets_of
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.generate import clip_generator
from audio_gen.pipelines.piece import Piece, Wish, measured
from audio_gen.symbolic.encoders.drums import DRUMS, LOUDEST, bar_positions
from audio_gen.symbolic.files import drum_track
from audio_gen.symbolic.score import SIXTEENTH, TICKS, Notes, Score

STRENGTH = 0.7
# share of a draw from the histograms in velocity and offset, the rest is the best answer. Within a drum of a piece
# drummers spread by 22.9 127ths and 21.2 ticks (Groove, valid); best answers by 15.2 and 6.6, draws by 26.2 and 19.8
DRAWN = (0.8, 0.9)
# Where a file has accents they lead: ups and downs are drawn less then, and spread at most by so much of what its
# levels do. Where kicks and snares are at 110 and hi-hats at 90, velocities in and out then correlate by .87, and no
# hi-hat is louder than what it goes with (of any spread .48 and 62 %; drawn as above, too, .40 and 60 %). Undrawn,
# kicks would all be alike
DRAWN_BESIDE_ACCENTS, BESIDE_ACCENTS = 0.3, 0.75
TASTE = Taste(top_p=0.95)
DICE = 4  # numbers in [0, 1) a cell: bin of velocity, place in it; bin of offset, place in it


@dataclass(frozen=True)
class Touch:
    """What drums are asked to become; see `Humaniser.humanise`.

    Args:
        like: SHA-256 of the file whose feel they take, if they do (`groove_transfer.like`).

    Raises:
        ParameterError: a strength outside 0 to 1.
    """

    strength: float = STRENGTH
    velocity: bool = True
    timing: bool = True
    style: str | None = None
    keep_accents: bool | None = None
    seed: int = 0
    like: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ParameterError(f"strength must lie between 0 and 1, not {self.strength}")

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


class Humaniser:
    """Gives drums a drummer's velocity and timing: `Humaniser.load("humanise").humanise(score, style="funk")`."""

    def __init__(self, model: checkpoint.Checkpoint, device: torch.device | None = None) -> None:
        self.checkpoint = model
        self.device = device or torch.device("cpu")
        net: HumaniserNet = checkpoint.build(HumaniserNet, model)
        self.net = net.to(self.device).requires_grad_(False)

    @classmethod
    def load(cls, name: str | Path = "humanise", *, device: torch.device | None = None) -> "Humaniser":
        """The humaniser called `name`, or at that path.

        Raises:
            CheckpointError: missing, damaged, or no humaniser.
        """
        return cls(checkpoint.load(name, family=FAMILY), device)

    @property
    def styles(self) -> tuple[str, ...]:
        """What `style` can be."""
        return self.checkpoint.labels

    def humanise(
        self,
        score: Score,
        *,
        strength: float = STRENGTH,
        velocity: bool = True,
        timing: bool = True,
        style: str | None = None,
        keep_accents: bool | None = None,
        track: int | None = None,
        seed: int = 0,
    ) -> Score:
        """The score with its drums humanised; everything else, and drums that we don't know, stay bit for bit.

        Count, pitches and order of notes stay; at strength 0 all does.

        Args:
            score: with one track of drums, or name it with `track`.
            strength: 0 to 1: how far from what is there to what the network says.
            velocity: whether velocities change.
            timing: whether onsets do.
            style: one of `styles`; None is any.
            keep_accents: whether velocities are changed by how far the network's are from its mean for that drum (less
                than the track's own differ), and not drawn towards it; None: where those of the track differ.
            track: counted from 1.
            seed: of the draws.

        Raises:
            ParameterError: no drums, an unknown style, or a strength outside 0 to 1.
        """
        return self.touched(score, Touch(strength, velocity, timing, style, keep_accents, seed), track)

    def check(self, touch: Touch) -> int:
        """The number of the style that is asked for.

        Raises:
            ParameterError: unknown.
        """
        return Wish(style=touch.style).label(self.styles, self.checkpoint.name)

    def touched(self, score: Score, touch: Touch, track: int | None = None) -> Score:
        """`humanise` with its arguments in one."""
        kind = self.check(touch)
        notes = score.tracks[drum_track(score, track)].notes
        cells = cells_of(notes)
        levels = np.unique(notes["velocity"][cells.note])
        differ = len(levels) > 1
        keeps = differ if touch.keep_accents is None else touch.keep_accents
        drawn = (DRAWN_BESIDE_ACCENTS, DRAWN[1]) if keeps and differ else DRAWN
        loud, late = self.answer(score, cells, kind, seed=touch.seed, drawn=drawn)
        if keeps:
            most = BESIDE_ACCENTS * float(levels.std()) if differ else math.inf
            loud = notes["velocity"][cells.note] + _within(loud - _means(loud, cells.drum), most)
        return moved(score, drum_track(score, track), cells, Answer(loud, late), touch)

    @torch.no_grad()
    def answer(
        self, score: Score, cells: Cells, style: int, *, seed: int = 0, drawn: tuple[float, float] = DRAWN
    ) -> "Answer":
        """How the network would play each note; `drawn` are the shares of draws in it."""
        bar = max(1, score.meters[0].bar // SIXTEENTH)
        piece = DrumPiece(cells.hits, bar_positions(score, cells.steps), bar, style, score.tempi[0].bpm)
        luck = torch.rand(cells.steps, len(DRUMS), DICE, generator=clip_generator(seed, 0)).to(self.device)
        with one_thread():
            manner = self.net(batch_of([piece]).to(self.device))
            loud = in_bins(manner.velocity_bins[0], luck[..., 0], luck[..., 1], 0.0, TASTE)
            late = in_bins(manner.offset_bins[0], luck[..., 2], luck[..., 3], -0.5, TASTE)
            loud = torch.lerp(manner.velocity[0], loud, drawn[0]) * LOUDEST
            late = torch.lerp(manner.offset[0], late, drawn[1]) * SIXTEENTH
        at = cells.step, cells.drum
        return Answer(loud.double().cpu().numpy()[at], late.double().cpu().numpy()[at])


class Answer(NamedTuple):
    """Of each note of `Cells`: velocity in 127ths, and ticks after its sixteenth."""

    velocity: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]


def moved(score: Score, number: int, cells: Cells, answer: Answer, touch: Touch) -> Score:
    """The score with the drums of track `number` (from 0) as far towards an answer as the touch asks for."""
    track = score.tracks[number]
    louder = touch.strength * (answer.velocity - track.notes["velocity"][cells.note])
    later = touch.strength * (answer.offset - offsets_of(track.notes, cells))
    notes = felt(track.notes, cells, louder if touch.velocity else None, later if touch.timing else None)
    return score.with_track(number, replace(track, notes=notes))


def compared(before: Score, after: Score, touch: Touch) -> Piece:
    """What became of a score, as a piece that tells by how much its drums changed."""
    found = measured(after)
    pairs = [(a.notes, b.notes) for a, b in zip(before.tracks, after.tracks, strict=True) if a != b]
    if pairs:
        old, new = (np.concatenate([_in_place(pair[which]) for pair in pairs]) for which in (0, 1))
        ticks = np.abs(new["onset"].astype(float) - old["onset"])
        found["shift_ms"] = round(float(ticks.mean()) * 60_000 / TICKS / before.tempi[0].bpm, 3)
        found["velocity_sd"] = [round(float(one["velocity"].std()), 2) for one in (old, new)]
    return Piece(after, touch.to_dict(), found)


def _in_place(notes: Notes) -> Notes:
    """By pitch and then onset: in this order a note is still where it was when it has moved."""
    ordered: Notes = notes[np.lexsort((notes["onset"], notes["pitch"]))]
    return ordered


def _within(ups: npt.NDArray[np.float64], most: float) -> npt.NDArray[np.float64]:
    """Ups and downs, made smaller where they spread by more than `most`."""
    spread = float(ups.std())
    return ups * (most / spread) if spread > most else ups


def _means(values: npt.NDArray[np.float64], drum: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """For each note the mean over those of its drum."""
    count = np.bincount(drum, minlength=len(DRUMS))
    means: npt.NDArray[np.float64] = (np.bincount(drum, values, len(DRUMS)) / np.maximum(count, 1))[drum]
    return means
