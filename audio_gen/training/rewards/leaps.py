"""Share of steps from note to note that are wider than a fifth."""

import numpy as np

from audio_gen.training.rewards._tune import Tune

FIFTH = 7


def statistic(tune: Tune) -> float:
    """0 to 1."""
    return float((np.abs(np.diff(tune.pitch)) > FIFTH).mean()) if len(tune.pitch) > 1 else np.nan
