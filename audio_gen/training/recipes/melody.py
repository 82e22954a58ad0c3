"""The melody network: the next sixteenth of a tune over chords, in a key, a metre and a style.

Data: arrays of kind "score", of each score the first track that is no drum. Loss: cross-entropy in nats a sixteenth.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from audio_gen.datasets._arrays import Arrays
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.melody import FAMILY, MelodyNet
from audio_gen.models.melody_pieces import batch_of
from audio_gen.training.melody_crops import MelodyCrops, melody_pieces
from audio_gen.training.note_trainee import NoteTrainee

KIND = "score"


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`.

    Args:
        length: sixteenths of a stretch.
        any_style: share of stretches whose style is not told.
        no_chords: share of stretches whose chords are not told, so that it also sings without.
    """

    steps: int = 2000
    batch: int = 24
    length: int = 256
    width: int = 256
    dropout: float = 0.4
    rate: float = 2e-3
    warmup: int = 100
    decay: float = 0.05
    ema: float = 0.998
    clip: float = 1.0
    any_style: float = 0.2
    no_chords: float = 0.1


class Melody(NoteTrainee):
    """An LSTM over melody grids, and its average."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        self.crops = MelodyCrops(arrays, "train", any_style=settings.any_style, no_chords=settings.no_chords)
        self.valid = melody_pieces(arrays, "valid")
        config = {"styles": len(arrays.labels), "width": settings.width}
        net = MelodyNet(len(arrays.labels), settings.width, dropout=settings.dropout)
        super().__init__(arrays, settings, net, FAMILY, config, init)

    def step(self, step: int, progress: float) -> dict[str, float]:
        tokens, told, there = self.crops.draw(self.settings.batch, self.settings.length)
        tokens, there = tokens.to(self.fabric.device), there.to(self.fabric.device)
        scores = self.net(tokens, type(told)(*(part.to(self.fabric.device) for part in told)))
        cost = F.cross_entropy(scores.flatten(0, 1), tokens.flatten(), reduction="none").view_as(there)
        loss = (cost * there).sum() / there.sum()
        self.descend(loss, step, progress)
        return {"loss": loss.item()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Nats a sixteenth over whole pieces of the valid split."""
        total, steps = 0.0, 0
        for piece in self.valid:
            tokens, told, _ = batch_of([piece])
            device = self.fabric.device
            scores = self.ema.module(tokens.to(device), type(told)(*(part.to(device) for part in told)))
            total += float(F.cross_entropy(scores[0], tokens[0].to(device), reduction="sum"))
            steps += tokens.shape[1]
        return {"score": -total / steps, "nats_per_step": total / steps}


build = Melody
