"""What a classifier says of one file, for use from Python."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Result:
    """What `Classifier.predict` says of one file.

    Args:
        path: as given.
        probs: probability of each label; empty where the file failed.
        timeline: segments `{"start_s", "end_s", "label", "prob"}` in order, without gaps; the label is None where the
            model abstains.
        details: the whole `results` entry of the record (for emotion: valence, arousal, terms ...).
        error: what went wrong with this file; None where it worked.
        abstained: why no label is given; None where one is, or where the file failed.
        embedding: `[D]` float32 of length 1, where the network places the file; None where it failed.
    """

    path: str
    probs: dict[str, float]
    timeline: list[dict[str, Any]]
    details: dict[str, Any]
    error: str | None = None
    abstained: str | None = None
    embedding: npt.NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    @property
    def label(self) -> str | None:
        """The most probable label; None where the model abstains or the file failed."""
        return self.top()[0][0] if self.probs and self.abstained is None else None

    def top(self, count: int = 1) -> list[tuple[str, float]]:
        """The `count` most probable labels with their probabilities, best first, also where the model abstains."""
        return sorted(self.probs.items(), key=lambda pair: -pair[1])[:count]
