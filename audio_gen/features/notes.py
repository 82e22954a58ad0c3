"""Notes: how loud each equal-tempered note is, in thirds of a semitone, from the spectrum that log-mels are made of.

Mel bands are wider than a semitone below 500 Hz, where most of harmony is; the spectrum under them is not.
"""

import torch

from audio_gen.features.mel_spec import MelSpec

LOWEST = 48  # MIDI: C3, 131 Hz
OCTAVES = 3  # up to B5, 988 Hz; above, overtones outweigh notes
THIRDS = 3  # rows of a note: a third of a semitone flat, in tune, a third sharp; music is seldom tuned to 440 Hz
NOTE_ROWS = 12 * OCTAVES * THIRDS


def note_frequencies() -> torch.Tensor:
    """`[108]` float64: Hz of each row, low to high."""
    midi = LOWEST + (torch.arange(NOTE_ROWS, dtype=torch.float64) - 1) / THIRDS
    return 440 * 2 ** ((midi - 69) / 12)


def note_filter_bank(spec: MelSpec) -> torch.Tensor:
    """`[108, 1 + n_fft // 2]` float32, rows of sum 1: triangles over log-frequency that end at the neighbours' peaks.

    Where a triangle is narrower than the grid of the spectrum, the two nearest bins are interpolated.
    """
    bins = torch.arange(1 + spec.n_fft // 2, dtype=torch.float64)
    rows = note_frequencies()[:, None] * (spec.n_fft / spec.sample_rate)  # in bins
    steps = 12 * THIRDS * torch.log2(bins.clamp_min(0.5) / rows)
    wide = (1 - steps.abs()).clamp_min(0)
    narrow = (1 - (bins - rows).abs()).clamp_min(0)
    bank = torch.where(wide.sum(1, keepdim=True) < 1, narrow, wide)
    return (bank / bank.sum(1, keepdim=True)).float()
