"""A variational autoencoder of log-mels, in time: a latent vector for each coarse step (8 frames, 93 ms).

D. Kingma and M. Welling, "Auto-encoding variational Bayes", ICLR 2014; made of the generator's and the discriminator's
blocks. What follows what in latent space is a first-order vector autoregression of each class, from which new
sequences are drawn.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.models.blocks import Down, Up

FAMILY = "autoencoder"
WARM_UP = 64  # coarse steps that are drawn before the first one that counts
FIRMEST = 0.98  # largest eigenvalue of what is kept from step to step, so that no sequence runs away


class Posterior(NamedTuple):
    """Means and logarithms of variances, `[B, latent, steps]`."""

    mean: torch.Tensor
    log_variance: torch.Tensor

    def draw(self, generator: torch.Generator | None = None) -> torch.Tensor:
        """Latent vectors from it."""
        noise = torch.randn(self.mean.shape, generator=generator).to(self.mean.device)
        return self.mean + noise * torch.exp(self.log_variance / 2)

    def divergence(self) -> torch.Tensor:
        """KL(posterior ‖ standard normal) in nats, mean over latent numbers."""
        return (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance).mean() / 2


class AutoencoderNet(nn.Module):
    """`encode` and `decode`; the decoder knows how log-mels are standardised.

    Args:
        classes: whose sequences can be drawn.
        n_mels: mel bands.
        widths: channels of the decoder's stages; the encoder's are the same, the other way round.
        latent: numbers a coarse step.
        blocks: residual blocks a stage.
    """

    kept: torch.Tensor
    shift: torch.Tensor
    spread: torch.Tensor

    def __init__(
        self,
        classes: int,
        n_mels: int = 128,
        widths: tuple[int, ...] = (256, 192, 128, 128),
        latent: int = 32,
        blocks: int = 2,
    ) -> None:
        super().__init__()
        if min(classes, latent) < 1:
            raise ParameterError(f"an autoencoder takes a class, and a latent number, or more, not {classes}, {latent}")
        self.classes, self.latent = classes, latent
        self.encoder = Down(n_mels, tuple(widths[::-1]), blocks)
        self.head = nn.Conv1d(widths[0], 2 * latent, 1)
        self.decoder = Up(latent, n_mels, widths, 0, blocks)
        self.stride = self.decoder.stride
        self.register_buffer("kept", torch.zeros(classes, latent, latent))
        self.register_buffer("shift", torch.zeros(classes, latent))
        self.register_buffer("spread", torch.eye(latent).repeat(classes, 1, 1))

    def encode(self, standardised: torch.Tensor) -> Posterior:
        """`[B, n_mels, N]` → latent vectors of `ceil(N / stride)` coarse steps; the last frame fills up."""
        missing = -standardised.shape[-1] % self.stride
        filled = F.pad(standardised, (0, missing), mode="replicate") if missing else standardised
        mean, log_variance = self.head(self.encoder.down(filled)).chunk(2, 1)
        return Posterior(mean, log_variance.clamp(-12, 4))

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """`[B, latent, steps] -> [B, n_mels, stride * steps]`, standardised."""
        return self.decoder.up(self.decoder.first(latent))

    @torch.no_grad()
    def learn_sequence(self, number: int, latents: list[torch.Tensor]) -> None:
        """Fit what follows what in class `number` to sequences `[latent, steps]`: z' = A z + b + noise."""
        before = torch.cat([part[:, :-1] for part in latents], 1).double()
        after = torch.cat([part[:, 1:] for part in latents], 1).double()
        centre = torch.cat([before, after], 1).mean(1, keepdim=True)
        x, y = before - centre, after - centre
        ridge = 1e-3 * torch.eye(self.latent, dtype=torch.float64) * x.square().sum(1).mean()
        kept = torch.linalg.solve(x @ x.T + ridge, x @ y.T).T
        kept = _firm(kept)
        rest = y - kept @ x
        covariance = rest @ rest.T / rest.shape[1] + 1e-6 * torch.eye(self.latent, dtype=torch.float64)
        self.kept[number], self.spread[number] = kept.float(), torch.linalg.cholesky(covariance).float()
        self.shift[number] = (centre - kept @ centre)[:, 0].float()

    def draw(self, shares: torch.Tensor, steps: int, generator: torch.Generator, radius: float = 1.0) -> torch.Tensor:
        """`[classes]` shares → a new sequence `[1, latent, steps]`; `radius` scales what is new at each step."""
        kept, shift, spread = (
            torch.einsum("k...,k->...", part.cpu(), shares) for part in (self.kept, self.shift, self.spread)
        )
        kept = _firm(kept)  # a mixture of such matrices may run away though none of them does
        noise = radius * torch.randn(WARM_UP + steps, self.latent, generator=generator)
        state = torch.linalg.solve(torch.eye(self.latent) - kept, shift)
        found = []
        for step in noise:
            state = kept @ state + shift + spread @ step
            found.append(state)
        return torch.stack(found[WARM_UP:], 1)[None]


def _firm(kept: torch.Tensor) -> torch.Tensor:
    """Scaled down where its largest eigenvalue is beyond FIRMEST."""
    largest = float(torch.linalg.eigvals(kept).abs().max())
    return kept * (FIRMEST / largest) if largest > FIRMEST + 1e-3 else kept  # what is stored is rounded
