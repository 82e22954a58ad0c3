"""leaning: a network for which a style is further from any style than it learnt."""

import copy
from typing import TypeVar

from torch import nn

from audio_gen.errors import ParameterError

MOST = 100.0

Net = TypeVar("Net", bound=nn.Module)


def leaning(net: Net, style: int, guidance: float) -> Net:
    """A copy of a network for which the number `style` is `guidance` times as far from any style as it learnt.

    The last row of each embedding called `style` is any style; the step from it to the style's own is made longer. So
    what the style changes is exaggerated, as classifier-free guidance does (J. Ho and T. Salimans, 2022), but in one
    pass of the network instead of two.

    Raises:
        ParameterError: a guidance that is none.
    """
    check_guidance(guidance)
    found = copy.deepcopy(net)
    for name, part in found.named_modules():
        if name.rpartition(".")[2] == "style" and isinstance(part, nn.Embedding):
            rows = part.weight.data
            rows[style] = rows[-1].lerp(rows[style], guidance)
    return found


def check_guidance(guidance: float) -> None:
    """Refuse what is no guidance.

    Raises:
        ParameterError: below 0 or above 100.
    """
    if not 0 <= guidance <= MOST:
        raise ParameterError(f"guidance is 0 (any style) to {MOST:g}, 1 is as learnt, not {guidance}")
