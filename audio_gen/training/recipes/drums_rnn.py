"""The drum network: the next sixteenth of nine drums with velocity and timing, by style and tempo.

Data: arrays of kind "score". Loss: negative log-likelihood in nats, velocities and offsets weighted down since they
are many numbers a hit and learn sooner than hits overfit.
"""

from dataclasses import dataclass

import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.drum_pieces import batch_of
from audio_gen.models.drum_rnn import FAMILY, DrumRnnNet, nats
from audio_gen.training.drum_crops import DrumCrops, drum_pieces
from audio_gen.training.note_trainee import NoteTrainee

KIND = "score"


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`.

    Args:
        length: sixteenths of a stretch.
        velocity, offset: weight of a nat of theirs.
        any_style: share of stretches whose style is not told.
    """

    steps: int = 4000
    batch: int = 32
    length: int = 192
    width: int = 256
    dropout: float = 0.4
    rate: float = 2e-3
    warmup: int = 100
    decay: float = 0.02
    ema: float = 0.998
    clip: float = 1.0
    velocity: float = 0.3
    offset: float = 0.15
    any_style: float = 0.1


class DrumsRnn(NoteTrainee):
    """An LSTM over drum grids, and its average."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        self.crops = DrumCrops(arrays, "train", any_style=settings.any_style)
        self.valid = drum_pieces(arrays, "valid")
        config = {"styles": len(arrays.labels), "width": settings.width}
        net = DrumRnnNet(len(arrays.labels), settings.width, dropout=settings.dropout)
        super().__init__(arrays, settings, net, FAMILY, config, init)

    def step(self, step: int, progress: float) -> dict[str, float]:
        settings = self.settings
        drawn = self.crops.hide_styles(self.crops.draw(settings.batch, settings.length)).to(self.fabric.device)
        cost = nats(self.net(drawn), drawn.grid)
        weighted = cost.hits + settings.velocity * cost.velocity + settings.offset * cost.offset
        loss = (weighted * drawn.there).sum() / drawn.there.sum()
        self.descend(loss, step, progress)
        return {"loss": loss.item()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Nats a sixteenth over whole pieces of the valid split that are no fills, each from its start."""
        total, steps = torch.zeros(3), 0
        for piece in self.valid:
            if piece.fill and not all(one.fill for one in self.valid):
                continue
            batch = batch_of([piece]).to(self.fabric.device)
            total += torch.stack([part.sum() for part in nats(self.ema.module(batch), batch.grid)]).cpu()
            steps += len(piece.grid)
        hits, velocity, offset = (total / steps).tolist()
        score = -(hits + self.settings.velocity * velocity + self.settings.offset * offset)
        return {"score": score, "hits": hits, "velocity": velocity, "offset": offset}


build = DrumsRnn
