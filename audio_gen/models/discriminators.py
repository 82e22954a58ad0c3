"""The discriminator of the spectrogram GAN: a 1-D mirror of the generator with a class projection."""

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.models.generator import ResidualBlock1d


class DiscriminatorNet(nn.Module):
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
        super().__init__()
        self.first = nn.Conv1d(n_mels, widths[0], 3, padding=1, padding_mode="replicate")
        self.place = nn.Parameter(torch.zeros(widths[0], length)) if length else None
        self.stages = nn.ModuleList()
        for narrow, wide in zip((widths[0], *widths), widths, strict=False):
            layers: list[nn.Module] = [nn.Conv1d(narrow, wide, 1)] if narrow != wide else []
            self.stages.append(nn.Sequential(*layers, *(ResidualBlock1d(wide) for _ in range(blocks))))
        self.score = nn.Linear(2 * widths[-1], 1)
        self.project = nn.Linear(2 * widths[-1], embedding)
        self.embedding = nn.Linear(classes, embedding, bias=False)

    def forward(self, x: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        if self.place is not None:
            x = x + self.place
        for number, stage in enumerate(self.stages):
            if number:
                x = F.avg_pool1d(x, 2)
            x = stage(x)
        x = F.leaky_relu(x, 0.2)
        pooled = torch.cat([x.mean(-1), x.amax(-1)], 1)
        match = (self.project(pooled) * self.embedding(classes)).sum(1) / self.embedding.out_features**0.5
        logit: torch.Tensor = self.score(pooled).squeeze(1) + match
        return logit
