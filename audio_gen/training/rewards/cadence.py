"""How an ending rests: the last note's length in beats where it is the tonic, else nothing."""

import numpy as np

from audio_gen.training.rewards._tune import BEAT, Tune


def statistic(tune: Tune) -> float:
    """Beats, 0 to 8; NaN for what doesn't end."""
    if not tune.ends or not len(tune.pitch):
        return np.nan
    return min(8.0, float(tune.duration[-1]) / BEAT) if tune.pitch[-1] % 12 == 0 else 0.0
