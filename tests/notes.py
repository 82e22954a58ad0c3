"""Tiny networks of notes with random weights, as checkpoints."""

from pathlib import Path

import torch

from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.composer import ComposerNet
from audio_gen.models.melody import MelodyNet

STYLES = ("Classical", "Jazz", "Rock")


def melody(folder: Path, name: str = "melody") -> Path:
    torch.manual_seed(1)
    config = {"styles": len(STYLES), "width": 16}
    return _save(folder, name, "melody", config, MelodyNet(**config))


def composer(folder: Path, name: str = "composer") -> Path:
    torch.manual_seed(2)
    config = {"styles": len(STYLES), "width": 16, "layers": 2, "heads": 2}
    return _save(folder, name, "composer", config, ComposerNet(**config))


def _save(folder: Path, name: str, family: str, config: dict[str, int], net: torch.nn.Module) -> Path:
    path = folder / f"{name}.safetensors"
    Checkpoint(
        name=name,
        family=family,
        config=config,
        spec=MelSpec(),
        front_end={"name": "notes"},
        labels=STYLES,
        training={"seed": 1, "credits": ["a test"]},
        metrics={},
        licence="CC0-1.0, made by a test",
        state=net.state_dict(),
    ).save(path)
    return path
