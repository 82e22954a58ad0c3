"""Tonality: how major and how minor a picture sounds, whatever its key.

The peaks among a tonal picture's notes, folded into one octave and compared with key profiles in all twelve keys, as
key finders do (C. Krumhansl, 1990; profiles of D. Temperley, 1999). The profiles are where learning starts.
"""

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.features.notes import OCTAVES, THIRDS

MAJOR = (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0)
MINOR = (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0)
FLOOR_DB = -60.0
BESIDE = 2 * 2 + 1  # rows; a peak is the highest of so many
AROUND = 13 * THIRDS  # rows; and counts by how far it stands out of so many


class Tonality(nn.Module):
    """`[B, 108, N]` relative decibels of notes → `[B, profiles]`: the best correlation with each profile over all keys.

    Args:
        profiles: how many; the first two start as major and minor, the others at random.
    """

    rotations: torch.Tensor

    def __init__(self, profiles: int) -> None:
        super().__init__()
        rotations = [[(low + step) % 12 for step in range(12)] for low in range(12)]
        self.register_buffer("rotations", torch.tensor(rotations), persistent=False)
        start = torch.empty(max(profiles, 2), 12)
        if not start.is_meta:  # arithmetic there imports torch's compiler, which takes a second and 100 MB
            start.normal_()
            start[:2] = torch.tensor([MAJOR, MINOR])
            start = _standard(start)
        self.profiles = nn.Parameter(start[:profiles])
        self.norm = nn.BatchNorm1d(profiles)

    def forward(self, notes: torch.Tensor) -> torch.Tensor:
        chroma = _standard(self.chroma(notes)[:, self.rotations])  # [B, 12 keys, 12]
        found: torch.Tensor = self.norm((chroma @ _standard(self.profiles).T).amax(1))
        return found

    def chroma(self, notes: torch.Tensor) -> torch.Tensor:
        """`[B, 108, N] -> [B, 12]`: how strong each pitch class is, C first, in the tuning that most peaks have."""
        level = (notes - FLOOR_DB).clamp_min(0).transpose(1, 2) / -FLOOR_DB
        around = F.avg_pool1d(level, AROUND, 1, AROUND // 2, count_include_pad=False)
        peak = level >= F.max_pool1d(level, BESIDE, 1, BESIDE // 2)
        strength = ((level - around).clamp_min(0) * peak).mean(1)
        octave = strength.reshape(-1, OCTAVES, 12 * THIRDS).sum(1)
        tuning = octave.reshape(-1, 12, THIRDS).sum(1).argmax(1)
        nearly = octave + (octave.roll(1, 1) + octave.roll(-1, 1)) / 2
        chosen = tuning[:, None, None].expand(-1, 12, 1)
        return nearly.reshape(-1, 12, THIRDS).gather(2, chosen)[:, :, 0]


def _standard(rows: torch.Tensor) -> torch.Tensor:
    """Rows of mean 0 and length 1; products of such rows are correlations."""
    return F.normalize(rows - rows.mean(-1, keepdim=True), dim=-1, eps=1e-6)
