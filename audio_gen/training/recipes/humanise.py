"""The humaniser: from hits alone to velocity and micro-timing.

Data: arrays of kind "score". Losses of each player, over hits only: squared error of velocity, and cross-entropy of
both histograms. An offset that learnt by its absolute error came less near than the median of the histogram.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from audio_gen.datasets._arrays import Arrays
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.drum_pieces import DrumBatch, batch_of
from audio_gen.models.drum_rnn import bins_of
from audio_gen.models.humaniser import FAMILY, HumaniserNet, Manner
from audio_gen.training.drum_crops import DrumCrops, drum_pieces
from audio_gen.training.note_trainee import NoteTrainee

KIND = "score"
SIXTEENTH_MS = 15_000  # over quarters a minute


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`.

    Args:
        length: sixteenths of a stretch.
        players: networks that learn side by side.
        velocity, loud, late: weights of the losses: of a squared error, of a nat of either histogram.
        any_style: share of stretches whose style is not told.
    """

    steps: int = 1500
    batch: int = 32
    length: int = 192
    width: int = 160
    dropout: float = 0.3
    players: int = 1
    rate: float = 2e-3
    warmup: int = 100
    decay: float = 0.02
    ema: float = 0.998
    clip: float = 1.0
    velocity: float = 20.0
    loud: float = 0.1
    late: float = 0.5
    any_style: float = 0.1


class Humanise(NoteTrainee):
    """A network in both directions, and its average."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        self.crops = DrumCrops(arrays, "train", any_style=settings.any_style)
        self.valid = drum_pieces(arrays, "valid")
        config = {"styles": len(arrays.labels), "width": settings.width, "players": settings.players}
        net = HumaniserNet(**config, dropout=settings.dropout)
        super().__init__(arrays, settings, net, FAMILY, config, init)

    def step(self, step: int, progress: float) -> dict[str, float]:
        settings = self.settings
        drawn = self.crops.hide_styles(self.crops.draw(settings.batch, settings.length)).to(self.fabric.device)
        struck = drawn.grid[..., 0] > 0
        velocity, late = drawn.grid[struck][:, 1], drawn.grid[struck][:, 2]
        loss = torch.zeros((), device=self.fabric.device)
        for opinion in self.net.opinions(drawn):
            loss = loss + settings.velocity * F.mse_loss(opinion.velocity[struck], velocity)
            loss = loss + settings.loud * F.cross_entropy(opinion.velocity_bins[struck], bins_of(velocity, 0.0))
            loss = loss + settings.late * F.cross_entropy(opinion.offset_bins[struck], bins_of(late, -0.5))
        self.descend(loss, step, progress)
        return {"loss": loss.item() / settings.players}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Root of the mean squared error of velocity, and mean absolute error in time, over the valid split's hits."""
        squared: list[torch.Tensor] = []
        late: list[torch.Tensor] = []
        for piece in self.valid:
            batch = batch_of([piece]).to(self.fabric.device)
            for kept, error in zip((squared, late), _errors(self.ema.module(batch), batch), strict=True):
                kept.append(error.cpu())
        velocity, timing = float(torch.cat(squared).mean().sqrt()), float(torch.cat(late).mean())
        return {"score": -(velocity / 0.22 + timing / 19), "velocity_rmse": velocity, "timing_mae_ms": timing}


def _errors(manner: Manner, batch: DrumBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each hit: squared error of velocity, and absolute error in time, in milliseconds."""
    struck = batch.grid[..., 0] > 0
    sixteenth = (SIXTEENTH_MS / batch.conditions.bpm)[:, None, None].expand(struck.shape)
    late = (manner.offset - batch.grid[..., 2]).abs() * sixteenth
    return (manner.velocity - batch.grid[..., 1]).square()[struck], late[struck]


build = Humanise
