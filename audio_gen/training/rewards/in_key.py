"""Share of notes that belong to the key's scale (minor: natural and harmonic)."""

import numpy as np

from audio_gen.symbolic.theory import scale_mask
from audio_gen.training.rewards._tune import Tune


def statistic(tune: Tune) -> float:
    """0 to 1."""
    return float(scale_mask(0, tune.minor)[tune.pitch % 12].mean()) if len(tune.pitch) else np.nan
