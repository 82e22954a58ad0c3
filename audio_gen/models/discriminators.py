"""The discriminator of the spectrogram GAN: a 1-D mirror of the generator with a class projection."""

from dataclasses import replace

import torch
from torch import nn

from audio_gen.models import checkpoint
from audio_gen.models.blocks import Down

CRITIC = "critic."  # the names of a discriminator's weights in its generator's checkpoint begin with this


class DiscriminatorNet(Down):
    """Standardised log-mel `[B, n_mels, N]` and classes `[B, classes]` → one logit a clip `[B]`.

    Projection head: Miyato & Koyama, ICLR 2018. `length`: frames of one-shots, as of the generator.
    """

    def __init__(
        self,
        classes: int,
        n_mels: int = 128,
        widths: tuple[int, ...] = (128, 128, 192, 256),
        embedding: int = 64,
        blocks: int = 2,
        length: int = 0,
    ) -> None:
        super().__init__(n_mels, widths, blocks, length)
        self.score = nn.Linear(2 * widths[-1], 1)
        self.project = nn.Linear(2 * widths[-1], embedding)
        self.embedding = nn.Linear(classes, embedding, bias=False)

    def forward(self, x: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        x = self.down(x)
        pooled = torch.cat([x.mean(-1), x.amax(-1)], 1)
        match = (self.project(pooled) * self.embedding(classes)).sum(1) / self.embedding.out_features**0.5
        logit: torch.Tensor = self.score(pooled).squeeze(1) + match
        return logit


def critic(model: checkpoint.Checkpoint) -> DiscriminatorNet | None:
    """The discriminator that a generator was trained with; None where its checkpoint hasn't kept it.

    Raises:
        CheckpointError: its weights don't fit.
    """
    part = model.part(CRITIC)
    if not part.state:
        return None
    config = {**model.config, "widths": model.config["widths"][::-1]}
    net: DiscriminatorNet = checkpoint.build(DiscriminatorNet, replace(part, config=config))
    return net
