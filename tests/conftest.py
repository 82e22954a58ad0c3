"""Models small enough to run in milliseconds, with random weights that do listen to their input."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from audio_gen.features.decibel_image import SPEC
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.classifier import ClassifierNet
from audio_gen.models.generator import GeneratorNet


@dataclass(frozen=True)
class Tiny:
    """Writes tiny checkpoints into `folder`, where `load` finds them by name."""

    folder: Path

    def classifier(
        self,
        name: str = "genre",
        labels: Sequence[str] = ("blues", "jazz", "rock"),
        *,
        dimensions: int = 0,
        columns: int = 13,
        seed: int = 0,
        **changes: Any,
    ) -> Path:
        """A classifier over one-second windows."""
        config = {"classes": len(labels), "dimensions": dimensions, "widths": [8, 8, 8, 8]}
        net = self._random(ClassifierNet(**config), seed)
        front_end = {"name": "decibel_image", "columns": columns, "window_s": columns * 30 / 387}
        return self._save(name, "classifier", config, net, SPEC, labels, front_end, changes)

    def emotion(self, name: str = "emotion", **changes: Any) -> Path:
        """A classifier of quadrants with valence and arousal."""
        return self.classifier(name, ("Q1", "Q2", "Q3", "Q4"), dimensions=2, seed=1, **changes)

    def generator(
        self,
        name: str = "music",
        labels: Sequence[str] = ("folk", "techno"),
        *,
        spec: MelSpec | None = None,
        seed: int = 0,
        **changes: Any,
    ) -> Path:
        """A generator of log-mels about as loud as music."""
        spec = spec or MelSpec(n_fft=512, hop_length=256, n_mels=32)
        config = {"classes": len(labels), "n_mels": spec.n_mels, "widths": [8, 8], "embedding": 4, "blocks": 1}
        net = self._random(GeneratorNet(**config), seed)
        net.mean.fill_(-4.0)
        return self._save(name, "generator", config, net, spec, labels, {"name": "log_mel"}, changes)

    def _random(self, net: Any, seed: int) -> Any:
        random = torch.Generator().manual_seed(seed)
        for module in net.modules():
            if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Linear)):
                size = 1.5 / module.weight[0].numel() ** 0.5
                module.weight.data = size * torch.randn(module.weight.shape, generator=random)
        return net.eval()

    def _save(
        self,
        name: str,
        family: str,
        config: dict[str, Any],
        net: nn.Module,
        spec: MelSpec,
        labels: Sequence[str],
        front_end: dict[str, Any],
        changes: dict[str, Any],
    ) -> Path:
        fields: dict[str, Any] = {
            "name": name,
            "family": family,
            "config": config,
            "spec": spec,
            "front_end": front_end,
            "labels": tuple(labels),
            "training": {"seed": 1},
            "metrics": {},
            "licence": "CC0-1.0, made by a test",
            "state": net.state_dict(),
        }
        path = self.folder / f"{name}.safetensors"
        Checkpoint(**{**fields, **changes}).save(path)
        return path


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """--jobs changes the threads of the whole process; two of them wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """Tiny checkpoints by name."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setenv("AUDIO_GEN_CHECKPOINTS", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Tiny(folder)
