"""Checkpoint: one self-sufficient safetensors file; loading it runs no code from it.

Weights are float16 on disk and float32 in memory. All else is JSON in the file's metadata under the key `audio_gen`.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from audio_gen.atomic import replacing
from audio_gen.errors import CheckpointError
from audio_gen.features.mel_spec import MelSpec

FORMAT = 1
LARGEST, LONGEST = 1 << 16, 8  # of the numbers and lists in a config: a file shall not make us fill the memory
MOST_NAMES = 100  # in a list of names, and characters in each


@dataclass(frozen=True)
class Checkpoint:
    """A trained model and all that is needed to use it.

    Args:
        name: what it is called ("genre").
        family: which of our model families it belongs to; a name in our registry, never an importable path.
        config: keyword arguments of the family's network.
        spec: the mel spec it was trained on.
        front_end: what is done to the log-mel before the network, with its settings.
        labels: names of the classes, in the order of the outputs.
        training: how it was trained: data, split, steps, seed, command.
        metrics: what was measured, with intervals.
        licence: terms of the weights; they follow the training data.
        state: weights by name.
        sha256: of the file it was loaded from; empty before it is saved.
    """

    name: str
    family: str
    config: dict[str, Any]
    spec: MelSpec
    front_end: dict[str, Any]
    labels: tuple[str, ...]
    training: dict[str, Any]
    metrics: dict[str, Any]
    licence: str
    state: dict[str, torch.Tensor] = field(repr=False, default_factory=dict)
    sha256: str = ""

    def header(self) -> dict[str, Any]:
        """Everything but the weights, as plain values."""
        return {
            "format": FORMAT,
            "name": self.name,
            "family": self.family,
            "config": self.config,
            "spec": self.spec.to_dict(),
            "front_end": self.front_end,
            "labels": list(self.labels),
            "training": self.training,
            "metrics": self.metrics,
            "licence": self.licence,
        }

    def save(self, path: Path) -> None:
        """Write to `path`, whole or not at all. Floating-point weights become float16.

        Raises:
            CheckpointError: a weight is NaN or too large for float16, as after a training that diverged.
        """
        state = {key: _half(value.detach().cpu()).contiguous() for key, value in self.state.items()}
        broken = [key for key, value in state.items() if not _finite(value)]
        if broken:
            raise CheckpointError(f"can't save {self.name!r}: {broken[0]} is NaN or beyond float16; train more gently")
        with replacing(path) as part:
            save_file(state, part, {"audio_gen": json.dumps(self.header(), sort_keys=True)})
            part.chmod(0o644)  # safetensors lets nobody else read it

    def part(self, prefix: str) -> "Checkpoint":
        """The same with those weights alone whose names begin with `prefix`, which is taken off."""
        size = len(prefix)
        return replace(self, state={key[size:]: value for key, value in self.state.items() if key.startswith(prefix)})

    def without(self, prefix: str) -> "Checkpoint":
        """The same without those weights."""
        return replace(self, state={key: value for key, value in self.state.items() if not key.startswith(prefix)})

    def fill(self, module: torch.nn.Module) -> torch.nn.Module:
        """Put the weights into `module`, in evaluation mode.

        Raises:
            CheckpointError: names or shapes don't fit.
        """
        try:
            module.load_state_dict(self.state)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()[:200]
            raise CheckpointError(
                f"checkpoint {self.name!r}: weights don't fit family {self.family!r}: {reason}"
            ) from error
        return module.eval()


def _half(value: torch.Tensor) -> torch.Tensor:
    return value.half() if value.is_floating_point() else value


def _finite(value: torch.Tensor) -> bool:
    return bool(torch.isfinite(value).all()) if value.is_floating_point() else True


def is_plain_name(text: str) -> bool:
    """Whether files can be called after it: one part of a path, printable, not hidden, at most 100 characters."""
    return text.isprintable() and not text.startswith(".") and 0 < len(text) <= 100 and Path(text).name == text


def folders() -> list[Path]:
    """Where checkpoints are looked for, in this order."""
    package = Path(__file__).resolve().parent.parent
    own = os.environ.get("AUDIO_GEN_CHECKPOINTS")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "audio_gen" / "checkpoints"
    return [*([Path(own)] if own else []), package.parent / "checkpoints", package / "checkpoints", cache]


def available() -> list[Path]:
    """Paths of all checkpoints that `load` finds by name; of two with one name, the first found."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob("[!.]*.safetensors")):
            found.setdefault(path.stem, path)
    return sorted(found.values(), key=lambda path: path.stem)


def find(name: str) -> Path:
    """Path of the checkpoint that `name` stands for: a path, or a name looked for in `folders()`.

    Raises:
        CheckpointError: there is none; the message lists those there are.
    """
    if name.endswith(".safetensors") or os.sep in name:
        if not Path(name).is_file():
            raise CheckpointError(f"no checkpoint at {name}; give a .safetensors file or one of: {_known()}")
        return Path(name)
    for folder in folders():
        path = folder / f"{name}.safetensors"
        if path.is_file():
            return path
    raise CheckpointError(
        f"no checkpoint is called {name!r}; there are: {_known()}; or give a path to a .safetensors file, or set "
        "AUDIO_GEN_CHECKPOINTS to its folder"
    )


def _known() -> str:
    return ", ".join(path.stem for path in available()) or "none"


def load(name: str | Path, *, family: str | None = None) -> Checkpoint:
    """Load a checkpoint by name or path; `family` is the one it has to be of.

    Raises:
        CheckpointError: missing, cut off, not one of ours, or of another family.
    """
    path = find(str(name))
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("audio_gen", "null"))
            state = {key: _single(file.get_tensor(key)) for key in file.keys()}  # noqa: SIM118  (not a dict)
        checkpoint = _from_header(header, state, hashlib.sha256(path.read_bytes()).hexdigest())
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{path} is not a whole audio_gen checkpoint ({type(error).__name__}: {reason}); get it again"
        ) from error
    if family is not None and checkpoint.family != family:
        raise CheckpointError(f"{path} is of family {checkpoint.family!r}; this needs one of family {family!r}")
    return checkpoint


def _single(value: torch.Tensor) -> torch.Tensor:
    return value.float() if value.is_floating_point() else value


def _from_header(header: Any, state: dict[str, torch.Tensor], sha256: str) -> Checkpoint:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError("no audio_gen header of a known format")
    for key, kind in {
        "config": dict,
        "spec": dict,
        "front_end": dict,
        "training": dict,
        "metrics": dict,
        "labels": list,
    }.items():
        if not isinstance(header.get(key), kind):
            raise ValueError(f"header field {key!r} is not a {kind.__name__}")
    for key in ("name", "family", "licence"):
        if not isinstance(header.get(key), str):
            raise ValueError(f"header field {key!r} is not a text")
    for key in ("name", "family"):  # files are called after the name
        if not is_plain_name(header[key]):
            raise ValueError(f"header field {key!r} is no plain name")
    labels = header["labels"]
    if not all(isinstance(label, str) for label in labels) or len(set(labels)) < len(labels):
        raise ValueError("header field 'labels' must hold texts, each once")
    if not all(map(_finite, state.values())):
        raise ValueError("weights hold NaN or infinite values")
    return Checkpoint(
        name=header["name"],
        family=header["family"],
        config=header["config"],
        spec=MelSpec.from_dict(header["spec"]),
        front_end=header["front_end"],
        labels=tuple(labels),
        training=header["training"],
        metrics=header["metrics"],
        licence=header["licence"],
        state=state,
        sha256=sha256,
    )


def build(network: Any, checkpoint: Checkpoint) -> Any:
    """Make `network(**checkpoint.config)` and fill it.

    What the config asks for is compared with the weights that are there before anything is allocated.

    Raises:
        CheckpointError: the config doesn't fit the network, or the weights don't.
    """
    try:
        _check_config(checkpoint.config)
        with torch.device("meta"):
            wanted = network(**checkpoint.config).state_dict()
        _compare(wanted, checkpoint)
        module = network(**checkpoint.config)
    except (TypeError, ValueError, RuntimeError, IndexError) as error:  # ParameterError is a ValueError
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"checkpoint {checkpoint.name!r}: config doesn't fit its family: {reason}") from error
    return checkpoint.fill(module)


def _check_config(config: dict[str, Any]) -> None:
    for key, value in config.items():
        parts = list(value) if isinstance(value, (list, tuple)) else [value]
        if isinstance(value, (list, tuple)) and len(value) <= MOST_NAMES and all(map(_is_name, value)):
            continue
        numbers = all(isinstance(part, (int, float)) and 0 <= part <= LARGEST for part in parts)
        if not numbers or len(parts) > LONGEST:
            raise ValueError(
                f"{key} must be a number from 0 to {LARGEST} or at most {LONGEST} of them, not {str(value)[:60]}"
            )


def _is_name(part: Any) -> bool:
    return isinstance(part, str) and 0 < len(part) <= MOST_NAMES and part.isprintable()


def _compare(wanted: dict[str, torch.Tensor], checkpoint: Checkpoint) -> None:
    for key in dict.fromkeys((*wanted, *checkpoint.state)):
        shapes = [list(state[key].shape) if key in state else None for state in (wanted, checkpoint.state)]
        if shapes[0] != shapes[1]:
            should, found = ("absent" if shape is None else shape for shape in shapes)
            raise CheckpointError(
                f"checkpoint {checkpoint.name!r}: weights don't fit family {checkpoint.family!r}: "
                f"{key[:60]!r} should be {should}, is {found}"
            )
