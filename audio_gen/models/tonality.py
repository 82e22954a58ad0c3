"""Tonality: how major and how minor a picture sounds, whatever its key.

A mel picture folded into one octave and compared with key profiles in all twelve keys, as key finders do (C. Krumhansl,
1990; profiles of D. Temperley, 1999). The profiles are where learning starts.
"""

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.features.decibel_image import SPEC
from audio_gen.features.log_mel import mel_frequencies

MAJOR = (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0)
MINOR = (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0)
LOWEST, HIGHEST = 200.0, 2000.0  # Hz; below, a band is wider than a semitone, above, overtones outweigh notes
FLOOR_DB = -60.0
AROUND = 5  # bands; a partial is what stands out of so many around it
WIDTH = 0.35  # semitones, standard deviation of a band's weight around its pitch class


class Tonality(nn.Module):
    """`[B, 128, N]` relative decibels → `[B, profiles]`: the best correlation with each profile over all keys.

    Args:
        profiles: how many; the first two start as major and minor, the others at random.
    """

    fold: torch.Tensor
    rotations: torch.Tensor

    def __init__(self, profiles: int) -> None:
        super().__init__()
        hertz = mel_frequencies(SPEC)
        away = (12 * torch.log2(hertz / 440) + 9 - torch.arange(12)[:, None] + 6) % 12 - 6  # A is 9 above C
        weight = torch.exp(-((away / WIDTH) ** 2) / 2) * ((hertz > LOWEST) & (hertz < HIGHEST))
        self.register_buffer("fold", weight.float(), persistent=False)
        steps = torch.arange(12)
        self.register_buffer("rotations", (steps[:, None] + steps) % 12, persistent=False)
        start = torch.randn(max(profiles, 2), 12)
        start[:2] = torch.tensor([MAJOR, MINOR])
        self.profiles = nn.Parameter(_standard(start[:profiles]))
        self.norm = nn.BatchNorm1d(profiles)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        chroma = _standard(self.chroma(image)[:, self.rotations])  # [B, 12 keys, 12]
        found: torch.Tensor = self.norm((chroma @ _standard(self.profiles).T).amax(1))
        return found

    def chroma(self, image: torch.Tensor) -> torch.Tensor:
        """`[B, 128, N] -> [B, 12]`: how strong each pitch class is, C first."""
        level = (image - FLOOR_DB).clamp_min(0) / -FLOOR_DB
        around = F.avg_pool1d(level.transpose(1, 2), AROUND, 1, AROUND // 2, count_include_pad=False).transpose(1, 2)
        return (level - around).clamp_min(0).mean(2) @ self.fold.T


def _standard(rows: torch.Tensor) -> torch.Tensor:
    """Rows of mean 0 and length 1; products of such rows are correlations."""
    return F.normalize(rows - rows.mean(-1, keepdim=True), dim=-1, eps=1e-6)
