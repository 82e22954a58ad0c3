"""The variational autoencoder of two-bar grooves.

Data: arrays of kind "score", in 4/4. Loss: negative log-likelihood of the cells, and the divergence beyond the free
bits, whose weight rises from 0.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.drum_pieces import DrumBatch, DrumPiece, batch_of
from audio_gen.models.drum_vae import (
    FAMILY,
    PARTS,
    STEPS,
    DrumVaeNet,
    density,
    distance,
    divergence,
    syncopation,
    windows,
)
from audio_gen.training.drum_crops import DrumCrops, drum_pieces
from audio_gen.training.note_trainee import NoteTrainee

KIND = "score"
SEEN = 12000  # training grooves that the mixture and the attributes are learnt from
MIXED = 1e-3  # added to the variances of its parts


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; change them with `--set key=value`.

    Args:
        hit: weight of whether there is a hit against its velocity and offset.
        divergence: weight of a nat of divergence beyond the free ones.
        free: nats a groove that cost nothing.
        rising: steps in which that weight rises from 0.
    """

    steps: int = 1500
    batch: int = 128
    width: int = 128
    latent: int = 64
    dropout: float = 0.15
    rate: float = 1e-3
    warmup: int = 100
    decay: float = 0.01
    ema: float = 0.998
    clip: float = 5.0
    hit: float = 4.0
    divergence: float = 0.03
    free: float = 48.0
    rising: int = 1000
    any_style: float = 0.2


class DrumsVae(NoteTrainee):
    """An autoencoder of grooves, and its average."""

    def __init__(self, arrays: Arrays, settings: Settings, init: Checkpoint | None = None) -> None:
        self.crops = DrumCrops(arrays, "train", any_style=settings.any_style)
        self.crops.keep(lambda piece: piece.bar == STEPS // 2 and len(piece.grid) >= STEPS // 2)
        self.valid = batch_of(all_windows(drum_pieces(arrays, "valid")), STEPS)
        config = {"styles": len(arrays.labels), "latent": settings.latent, "width": settings.width}
        net = DrumVaeNet(**config, dropout=settings.dropout)
        super().__init__(arrays, settings, net, FAMILY, config, init)

    def step(self, step: int, progress: float) -> dict[str, float]:
        settings = self.settings
        drawn = self.crops.hide_styles(batch_of(self.crops.cuts(settings.batch, STEPS, on_bars=True), STEPS))
        drawn = drawn.to(self.fabric.device)
        posterior, groove = self.net(drawn)
        weight = settings.divergence * min(1.0, step / settings.rising)
        beyond = (divergence(posterior).mean() - settings.free).clamp_min(0)
        loss = (distance(groove, drawn.grid, settings.hit).mean() + weight * beyond) / STEPS
        self.descend(loss, step, progress)
        return {"loss": loss.item()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Over two-bar windows of the valid split: F1 of hits that come back, divergence, and active latent numbers."""
        batch = self.valid.to(self.fabric.device)
        posterior, groove = self.ema.module(batch)
        loss = float(distance(groove, batch.grid, self.settings.hit).mean()) / STEPS
        spread = float(divergence(posterior).mean())
        made, there = groove.grid()[..., 0], batch.grid[..., 0]
        f1 = float(2 * (made * there).sum() / (made.sum() + there.sum()))
        active = int((posterior.mean.var(0) > 0.01).sum())
        score = -(loss + self.settings.divergence * max(0.0, spread - self.settings.free) / STEPS)
        return {"score": score, "hit_f1": f1, "divergence": spread, "active": active}

    @torch.no_grad()
    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        torch_state = torch.get_rng_state()
        net: Any = self.ema.module
        seen = batch_of(self.crops.cuts(SEEN, STEPS, on_bars=True), STEPS)
        latent = torch.cat([net.encode(part.to(self.fabric.device)).mean.cpu() for part in _parts(seen)])
        _fit_mixture(net, latent, seen.conditions.style)
        net.spread[:] = _spread(net, seen)
        for number, measure in enumerate((density, syncopation)):
            values = measure(seen.grid)
            low, high = torch.quantile(values, torch.tensor([0.25, 0.75]))
            net.directions[number] = (latent[values >= high].mean(0) - latent[values <= low].mean(0)).to(net.directions)
        torch.set_rng_state(torch_state)
        return super().checkpoint(name, training)


def _spread(net: Any, seen: DrumBatch) -> torch.Tensor:
    """`[2, 9]`: how much further velocity and offset of each drum spread in `seen` than in new grooves as decoded.

    A deviation, within two bars: what is drawn hit by hit can't make one groove louder or later than another.
    """
    latent = net.prior(len(seen.bar), torch.Generator().manual_seed(0))
    parts = [part.to(latent.device) for part in _parts(seen)]
    drawn = latent.split([len(part.bar) for part in parts])
    made = [net.decode(one, part.conditions).grid().cpu() for one, part in zip(drawn, parts, strict=True)]
    missing = _within(seen.grid) - _within(torch.cat(made))
    return missing.clamp_min(0).sqrt()


def _within(grid: torch.Tensor) -> torch.Tensor:
    """`[2, 9]`: variance of velocity and offset of each drum's hits about their mean in each groove."""
    struck, manner = grid[..., :1], grid[..., 1:]
    count = struck.sum(1, keepdim=True)
    apart = (manner - (manner * struck).sum(1, keepdim=True) / count.clamp_min(1)) * struck
    free = (count - 1).clamp_min(0).sum((0, 1)).clamp_min(1)
    return (apart.square().sum((0, 1)) / free).mT


def all_windows(pieces: list[DrumPiece]) -> list[DrumPiece]:
    """All two-bar windows of pieces in 4/4.

    Raises:
        DatasetError: there is none.
    """
    found = [window for piece in pieces if piece.bar == STEPS // 2 for window in windows(piece)]
    if not found:
        raise DatasetError("no valid piece has a bar of drums in 4/4")
    return found


def _parts(batch: DrumBatch) -> list[DrumBatch]:
    count = len(batch.bar)
    return [
        DrumBatch(
            batch.grid[at : at + 256],
            batch.bar[at : at + 256],
            batch.position[at : at + 256],
            type(batch.conditions)(*(part[at : at + 256] for part in batch.conditions)),
            batch.there[at : at + 256],
        )
        for at in range(0, count, 256)
    ]


def _fit_mixture(net: Any, latent: torch.Tensor, style: torch.Tensor) -> None:
    """One mixture for all styles, whose parts each style has in shares of its own; the last row is any style."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    parts = max(1, min(PARTS, len(latent) // 150))
    mixture = GaussianMixture(parts, reg_covar=MIXED, random_state=0, max_iter=50)
    numbers = latent.numpy().astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near the optimum is near enough to draw from
        fitted = mixture.fit(numbers)
    net.shares.zero_()
    belongs = torch.from_numpy(fitted.predict_proba(numbers)).float()
    anywhere = torch.from_numpy(fitted.weights_).float()
    for number in range(net.styles + 1):
        of_style = belongs[style == number].sum(0) if number < net.styles else len(belongs) * anywhere
        net.shares[number, :parts] = (of_style + anywhere) / (of_style + anywhere).sum()  # rare styles lean on all
    net.means[:parts] = torch.from_numpy(fitted.means_)
    net.factors[:parts] = torch.from_numpy(np.linalg.cholesky(fitted.covariances_))


build = DrumsVae
