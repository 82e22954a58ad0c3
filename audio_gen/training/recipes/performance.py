"""Expressive piano: from a score to velocity, timing, articulation and tempo, after those who played it.

Data: arrays of kind "score" of ASAP (F. Foscarin et al., ISMIR 2020), where scores go with performances, and of MAESTRO
(C. Hawthorne et al., ICLR 2019), which teaches velocity alone. Both are non-commercial, and so is what learns from
them: no weights are shipped. Losses, over notes that were played: squared errors of velocity and tempo, absolute errors
of timing and articulation, whose tails hold ornaments and wrong partners; each in standard deviations of the data.
"""

from dataclasses import dataclass
from typing import Any

import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.performer import FAMILY, MANNERS, TEMPO, TIMING, VELOCITY, PerformerNet
from audio_gen.models.performer_pieces import PerformerBatch, batch_of
from audio_gen.training.note_trainee import NoteTrainee
from audio_gen.training.played_pieces import PlayedCrops, PlayedPiece, played_pieces

KIND = "score"
SQUARED = (VELOCITY, TEMPO)
TO_GAUSSIAN = 1.2533  # standard deviation over mean absolute error, sqrt(pi / 2)
SLOWLY = 0.01  # how fast the spread follows a batch


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`.

    Args:
        length: notes of a stretch.
        velocity, timing, articulation, tempo: weights of the losses.
    """

    steps: int = 6000
    batch: int = 16
    length: int = 256
    width: int = 128
    dropout: float = 0.2
    rate: float = 2e-3
    warmup: int = 100
    decay: float = 0.02
    ema: float = 0.998
    clip: float = 1.0
    velocity: float = 1.0
    timing: float = 1.0
    articulation: float = 1.0
    tempo: float = 1.0


class Performance(NoteTrainee):
    """A network in both directions, and its average."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        self.crops = PlayedCrops(arrays)
        self.valid = played_pieces(arrays, "valid")
        scores = any(piece.known[:, TIMING].any() for piece in self.crops.pieces)
        config = {"width": settings.width, "scores": scores}
        net = PerformerNet(settings.width, scores=scores, dropout=settings.dropout)
        net.mean[:], net.scale[:] = self.crops.moments()
        self.weights = [getattr(settings, name) for name in MANNERS]
        super().__init__(arrays, settings, net, FAMILY, config, init)

    def step(self, step: int, progress: float) -> dict[str, float]:
        settings = self.settings
        batch, played, known = self._together(self.crops.draw(settings.batch, settings.length))
        error = self.net(batch) - (played - self.net.mean) / self.net.scale
        figures, loss = {}, error.new_zeros(())
        for number, name in enumerate(MANNERS):
            of_notes = error[..., number][known[..., number]]
            if not len(of_notes):
                continue
            figure = of_notes.square().mean() if number in SQUARED else of_notes.abs().mean()
            figures[name], loss = figure.item(), loss + self.weights[number] * figure
            spread = TO_GAUSSIAN * of_notes.detach().abs().mean()
            self.net.spread[number] += (spread - self.net.spread[number]) * (SLOWLY if step else 1.0)
        self.descend(loss, step, progress)
        return {"loss": loss.item(), **figures}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Errors over the valid split, and what they are of those of the train split's means; the score is less that.

        Root mean squares of velocity (127ths) and tempo (octaves), mean absolute ones of timing (quarters) and
        articulation (octaves).
        """
        net: Any = self.ema.module
        errors: list[list[torch.Tensor]] = [[] for _ in MANNERS]
        floors: list[list[torch.Tensor]] = [[] for _ in MANNERS]
        for piece in self.valid:
            batch, played, known = self._together([piece])
            answer = net.told(net(batch))
            for number in range(len(MANNERS)):
                there = known[..., number]
                errors[number].append((answer - played)[..., number][there].cpu())
                floors[number].append((net.mean - played)[..., number][there].cpu())
        figures, ratios = {}, []
        for number, (name, unit) in enumerate(zip(MANNERS, (127, 1, 1, 1), strict=True)):
            if not any(len(part) for part in errors[number]):
                continue
            error, floor = (_size(torch.cat(parts[number]), number) for parts in (errors, floors))
            figures[f"{name}_{'rmse' if number in SQUARED else 'mae'}"] = unit * error
            figures[f"{name}_of_mean"] = error / max(floor, 1e-6)
            ratios.append(figures[f"{name}_of_mean"])
        return {"score": -sum(ratios) / len(ratios), **figures}

    def _together(self, pieces: list[PlayedPiece]) -> tuple[PerformerBatch, torch.Tensor, torch.Tensor]:
        """A batch, the manners `[B, N, 4]`, and which are known."""
        played, known = (
            torch.nn.utils.rnn.pad_sequence([torch.from_numpy(getattr(one, name)) for one in pieces], batch_first=True)
            for name in ("played", "known")
        )
        device = self.fabric.device
        return batch_of([one.piece for one in pieces]).to(device), played.to(device), known.to(device)


def _size(error: torch.Tensor, number: int) -> float:
    return float(error.square().mean().sqrt() if number in SQUARED else error.abs().mean())


build = Performance
