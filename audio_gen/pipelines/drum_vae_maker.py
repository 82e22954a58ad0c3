"""drum_vae_maker: drums by the autoencoder, two bars at a time."""

from collections.abc import Sequence

import numpy as np
import torch

from audio_gen.errors import ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.drum_pieces import Conditions, DrumPiece, batch_of
from audio_gen.models.drum_vae import ATTRIBUTES, STEPS, DrumVaeNet, slerp
from audio_gen.pipelines._drum_place import Place
from audio_gen.pipelines._drum_steps import Plan
from audio_gen.pipelines.drum_maker import DrumMaker
from audio_gen.pipelines.generate import clip_generator
from audio_gen.pipelines.note_copies import NoteIndex
from audio_gen.pipelines.piece import Wish
from audio_gen.symbolic.encoders.drums import DRUMS, HIT, Grid

VARIED = 0.2  # share of the way from one pair of bars to another groove
LEAP = {"low": -0.5, "mid": 0.0, "high": 0.5}  # times the latent direction of density


class DrumVaeMaker(DrumMaker):
    """Draws a groove of two bars of 4/4, and makes each pair of bars a variation of it.

    The groove is what was played before, where there is some. Temperature is how far grooves are from what is typical;
    top-p has no say.
    """

    def __init__(self, model: checkpoint.Checkpoint, index: NoteIndex | None = None) -> None:
        super().__init__(model, index)
        self.net: DrumVaeNet = checkpoint.build(DrumVaeNet, model).requires_grad_(False)

    def grids(self, place: Place, takes: Sequence[Wish]) -> list[Grid]:
        plan = self.plan(place, takes[0])
        check_two_bars(plan, self.checkpoint.name)
        return [self._grid(place, plan, take) for take in takes]

    def _grid(self, place: Place, plan: Plan, wish: Wish) -> Grid:
        random = clip_generator(wish.seed, wish.index, wish.take)
        starts = range(place.first, place.steps, STEPS)
        drawn = self.net.prior(len(starts) + 1, random, plan.style)
        theme, rest = self._theme(place, plan, drawn[:1]), drawn[1:]
        latents = [theme if not number else slerp(theme, one[None], VARIED) for number, one in enumerate(rest)]
        leap = LEAP[wish.density or "mid"] * self.net.directions[ATTRIBUTES.index("density")]
        found = np.zeros((starts[-1] + STEPS, len(DRUMS), 3), np.float32)
        last = int(np.flatnonzero(plan.position == 0)[-1])
        told = [conditions_at(plan, min(start + STEPS, place.steps) - 1) for start in starts]
        conditions = Conditions(*(torch.cat(parts) for parts in zip(*told, strict=True)))
        groove = self.net.decode(torch.cat(latents) * wish.temperature + leap, conditions)
        found[place.first :] = groove.drawn(self.net.spread, random).flatten(0, 1).numpy()
        found = found[: place.steps]
        if place.end >= place.score.end and not found[last:, :, HIT].any():  # a score is as long as its notes
            cells = torch.stack(groove, -1).flatten(0, 1)[last - place.first]
            drum = int(cells[:, HIT].argmax())
            found[last, drum] = [1, *cells[drum, 1:].tolist()]
        return found

    def _theme(self, place: Place, plan: Plan, otherwise: torch.Tensor) -> torch.Tensor:
        before = place.before[-STEPS:]
        if len(before) < STEPS or not before[..., 0].any():
            return otherwise
        return latents_of(self.net, before[None], plan.style, float(plan.bpm[place.first - 1]))


def check_two_bars(plan: Plan, model: str) -> None:
    """Whether a network that knows two bars of 4/4 can make this.

    Raises:
        ParameterError: it can't.
    """
    if (plan.bar != STEPS // 2).any():
        raise ParameterError(f"{model!r} knows 4/4 alone; `drums-rnn` knows any metre")


def conditions_at(plan: Plan, step: int) -> Conditions:
    """What is told of one piece at a step."""
    return Conditions(
        torch.tensor([plan.style]), torch.tensor([float(plan.bpm[step])]), torch.tensor([float(plan.fill[step])])
    )


def latents_of(net: DrumVaeNet, windows: Grid, style: int, bpm: float) -> torch.Tensor:
    """Pairs of bars `[N, 32, 9, 3]` → `[N, latent]`: the means."""
    position = np.arange(STEPS) % (STEPS // 2)
    batch = batch_of([DrumPiece(window, position, STEPS // 2, style, bpm) for window in windows])
    mean: torch.Tensor = net.encode(batch).mean
    return mean
