"""Item: one labelled piece of music, whatever dataset it comes from."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio_gen.symbolic.score import Score


@dataclass(frozen=True, eq=False)
class Item:
    """One row of a dataset.

    Args:
        id: unique within the dataset and the same wherever the dataset lies on disk.
        split: "train", "valid", "test" or what the dataset calls it; "" where the dataset tells none.
        group: items that share an artist, a song, a kit …: two splits never share a group.
        path: file of audio or notes; None where the dataset holds pictures or notes only.
        score: notes, where the dataset holds them in its tables; None where they lie in `path`.
        image: uint8 `[128, W]` log-mel image (`gtzan_mel` only).
        label: class name; None where the row has none.
        targets: figures by name, e.g. valence and arousal in [-1, 1], valence_sd, raters.
        licence: of this row, as stated by its source.
        extra: what else is known, by name (artist, title, set …); never an empty text.
    """

    id: str
    split: str
    group: str
    path: Path | None = None
    score: Score | None = None
    image: npt.NDArray[np.uint8] | None = None
    label: str | None = None
    targets: dict[str, float] = field(default_factory=dict)
    licence: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
