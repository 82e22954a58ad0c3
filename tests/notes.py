"""Tiny networks of notes with random weights, as checkpoints."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.composer import ComposerNet
from audio_gen.models.melody import MelodyNet

STYLES = ("Classical", "Jazz", "Rock")


def melody(folder: Path, name: str = "melody") -> Path:
    torch.manual_seed(1)
    config = {"styles": len(STYLES), "width": 16}
    return saved(folder, name, "melody", MelodyNet(**config), config)


def composer(folder: Path, name: str = "composer") -> Path:
    torch.manual_seed(2)
    config = {"styles": len(STYLES), "width": 16, "layers": 2, "heads": 2}
    return saved(folder, name, "composer", ComposerNet(**config), config)


def saved(
    folder: Path, name: str, family: str, net: torch.nn.Module, config: dict[str, Any], labels: Sequence[str] = STYLES
) -> Path:
    """A checkpoint of a network of notes."""
    path = folder / f"{name}.safetensors"
    Checkpoint(
        name=name,
        family=family,
        config=config,
        spec=MelSpec(),
        front_end={"name": "notes"},
        labels=tuple(labels),
        training={"seed": 1, "credits": ["a test"]},
        metrics={},
        licence="CC0-1.0, made by a test",
        state=net.state_dict(),
    ).save(path)
    return path
