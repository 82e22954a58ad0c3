"""humanise: drums as a machine plays them → as a drummer might, by the network that learnt from drummers."""

from dataclasses import replace
from pathlib import Path

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
from audio_gen.pipelines.piece import Wish
from audio_gen.symbolic.encoders.drums import DRUMS, LOUDEST, bar_positions
from audio_gen.symbolic.files import drum_track
from audio_gen.symbolic.score import SIXTEENTH, Score

STRENGTH = 0.7
DRAWN = 0.5  # share of a draw from the histograms in the answer: none is too tidy, all of it is as if nobody listened
DICE = 4  # numbers in [0, 1) a cell: bin of velocity, place in it; bin of offset, place in it


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
            keep_accents: whether velocities are changed by how far the network's are from its mean for that drum, and
                not drawn towards it; None: where those of the track differ.
            track: counted from 1.
            seed: of the draws.

        Raises:
            ParameterError: no drums, an unknown style, or a strength outside 0 to 1.
        """
        if not 0 <= strength <= 1:
            raise ParameterError(f"strength must lie between 0 and 1, not {strength}")
        number = drum_track(score, track)
        kind = Wish(style=style).label(self.styles, self.checkpoint.name)
        notes = score.tracks[number].notes
        cells = cells_of(notes)
        loud, late = self.answer(score, cells, kind, seed)
        there = notes["velocity"][cells.note].astype(float)
        keeps = len(np.unique(there)) > 1 if keep_accents is None else keep_accents
        louder = loud - _means(loud, cells.drum) if keeps else loud - there
        moved = felt(
            notes,
            cells,
            strength * louder if velocity else None,
            strength * (late - offsets_of(notes, cells)) if timing else None,
        )
        return score.with_track(number, replace(score.tracks[number], notes=moved))

    @torch.no_grad()
    def answer(
        self, score: Score, cells: Cells, style: int, seed: int = 0
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Velocity in 127ths and ticks after its sixteenth of each note, as the network would play them."""
        grid = cells.hits
        bar = max(1, score.meters[0].bar // SIXTEENTH)
        piece = DrumPiece(grid, bar_positions(score, cells.steps), bar, style, score.tempi[0].bpm)
        luck = torch.rand(cells.steps, len(DRUMS), DICE, generator=clip_generator(seed, 0)).to(self.device)
        with one_thread():
            manner = self.net(batch_of([piece]).to(self.device))
            taste = Taste(top_p=0.95)
            loud = in_bins(manner.velocity_bins[0], luck[..., 0], luck[..., 1], 0.0, taste)
            late = in_bins(manner.offset_bins[0], luck[..., 2], luck[..., 3], -0.5, taste)
            parts = torch.stack(
                [
                    torch.lerp(manner.velocity[0], loud, DRAWN) * LOUDEST,
                    torch.lerp(manner.offset[0], late, DRAWN) * SIXTEENTH,
                ]
            )
        velocity, offset = parts.double().cpu().numpy()[:, cells.step, cells.drum]
        return velocity, offset


def _means(values: npt.NDArray[np.float64], drum: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """For each note the mean over those of its drum."""
    count = np.bincount(drum, minlength=len(DRUMS))
    means: npt.NDArray[np.float64] = (np.bincount(drum, values, len(DRUMS)) / np.maximum(count, 1))[drum]
    return means
