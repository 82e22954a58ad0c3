"""Notes a bar."""

from audio_gen.training.rewards._tune import Tune


def statistic(tune: Tune) -> float:
    """From 0 on."""
    return len(tune.pitch) / tune.bars
