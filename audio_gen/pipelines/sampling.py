"""sampling: from logits and random numbers to choices, the same for the same numbers."""

import torch

from audio_gen.errors import ParameterError


def choose(scores: torch.Tensor, chance: torch.Tensor, *, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
    """`[B]`: a choice for each row of logits `[B, V]`, by where `chance [B]` (0 to 1) falls among the probabilities.

    Args:
        scores: logits; -inf for what is forbidden.
        chance: uniform random numbers.
        temperature: the logits are divided by it.
        top_p: only the likeliest choices that have this chance together, and always one (nucleus sampling: A. Holtzman
            et al., "The curious case of neural text degeneration", ICLR 2020).

    Raises:
        ParameterError: everything in a row is forbidden.
    """
    if not bool(torch.isfinite(scores).any(-1).all()):
        raise ParameterError("nothing can be chosen here: the conditions exclude each other; ask for less")
    shares = torch.softmax(scores.double() / temperature, -1)
    ranked, order = shares.sort(dim=-1, descending=True, stable=True)
    before = ranked.cumsum(-1) - ranked
    kept = torch.where((before < top_p) & (ranked > 0), ranked, 0.0)
    upto = kept.cumsum(-1)
    place = (upto <= chance.double()[:, None] * upto[:, -1:]).sum(-1)
    most = (kept > 0).sum(-1) - 1
    chosen: torch.Tensor = order.gather(-1, torch.minimum(place, most)[:, None])[:, 0]
    return chosen


def chances(generators: list[torch.Generator], steps: int) -> torch.Tensor:
    """`[B, steps]` uniform random numbers, a row for each generator, so that takes don't depend on each other."""
    return torch.stack([torch.rand(steps, generator=one, dtype=torch.float64) for one in generators])
