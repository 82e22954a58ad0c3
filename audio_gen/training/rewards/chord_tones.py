"""Share of the notes that begin on a beat, over a chord, which belong to it."""

import numpy as np

from audio_gen.training.rewards._tune import BEAT, Tune


def statistic(tune: Tune) -> float:
    """0 to 1."""
    told = tune.fits[(tune.onset % BEAT == 0) & ~np.isnan(tune.fits)]
    return float(told.mean()) if len(told) else np.nan
