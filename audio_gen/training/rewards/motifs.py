"""Share of bars whose rhythm was heard in one of the four bars before."""

import numpy as np

from audio_gen.training.rewards._tune import Tune

BACK = 4


def statistic(tune: Tune) -> float:
    """0 to 1, over bars with notes from the second on."""
    rhythms = [frozenset((tune.onset[tune.onset // tune.bar == bar] % tune.bar).tolist()) for bar in range(tune.bars)]
    heard = [rhythms[bar] in rhythms[max(0, bar - BACK) : bar] for bar in range(1, tune.bars) if rhythms[bar]]
    return float(np.mean(heard)) if heard else np.nan
