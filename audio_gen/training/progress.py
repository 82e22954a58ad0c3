"""How far a run is: its step, its best score, how long it has waited for a better one, its learning curve."""

import math
from dataclasses import dataclass, field
from pathlib import Path

import torch


@dataclass
class Progress:
    """How far a run is; saved with the weights.

    Args:
        step: updates done.
        best: the best score so far, and `best_step` when it was.
        waited: validations since then.
        curve: figures of each validation, with "step", and the mean of the training figures since the one before.
        sums: of the training figures since the last validation, over `count` steps.
    """

    step: int = 0
    best: float = -math.inf
    best_step: int = 0
    waited: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0

    def trained(self, figures: dict[str, float]) -> None:
        """Count one step."""
        self.step += 1
        self.count += 1
        for key, value in figures.items():
            self.sums[key] = self.sums.get(key, 0.0) + value

    def validated(self, found: dict[str, float]) -> bool:
        """Count one validation; gives whether it is the best so far."""
        means = {f"train_{key}": total / self.count for key, total in self.sums.items()}
        self.curve.append({"step": self.step, **means, **found})
        self.sums, self.count = {}, 0
        better = found["score"] > self.best
        self.waited = 0 if better else self.waited + 1
        if better:
            self.best, self.best_step = found["score"], self.step
        return better

    def over(self, steps: int, patience: int | None) -> bool:
        """Whether a run of so many steps and so much patience ends here."""
        return self.step >= steps or (patience is not None and self.waited >= patience)


def read_progress(state: Path) -> Progress:
    """How far the run is that saved `state`."""
    stored = torch.load(state, map_location="cpu", weights_only=True)
    return Progress(**stored["progress"])
