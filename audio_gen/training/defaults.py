"""What a training starts from where data are few, as a user's own usually are; `--set` and options come on top."""

from dataclasses import replace
from typing import Any

from audio_gen.datasets._arrays import Arrays
from audio_gen.models.checkpoint import Checkpoint

FEW = 200  # training tracks with a label; below it the long schedules of the recipes only cost time
PATIENCE = 5  # of ten validations


def are_few(arrays: Arrays) -> bool:
    """Whether the labelled tracks to train on are fewer than a recipe's own schedule is made for."""
    return sum(track.split == "train" and bool(track.label) for track in arrays.tracks) < FEW


def starting(module: Any, arrays: Arrays, init: Checkpoint | None) -> Any:
    """The settings that a recipe starts from: its own, or with its `FEW_TRACKS` where tracks are few.

    With a checkpoint to start from it is the recipe's `FINE_TUNING`.
    """
    settings = module.Settings()
    if not are_few(arrays):
        return settings
    return replace(settings, **getattr(module, "FEW_TRACKS" if init is None else "FINE_TUNING", {}))
