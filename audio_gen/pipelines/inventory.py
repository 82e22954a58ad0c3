"""What is here: versions, devices and checkpoints; and what a single file of ours carries."""

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from audio_gen import __version__
from audio_gen.errors import CheckpointError, DecodeError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.pipelines.batch import usable_cores

PACKAGES = ("torch", "torchaudio", "numpy", "soundfile", "av", "soxr", "librosa", "safetensors", "lightning", "pyarrow")


def versions() -> dict[str, str | None]:
    """Versions of audio_gen, Python and the packages that matter; None for those that are not installed."""
    found: dict[str, str | None] = {"audio_gen": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def devices() -> list[str]:
    """What `--device` can choose from, with what it is."""
    found = [f"cpu ({usable_cores()} cores)"]
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        found.append(f"cuda:{index} ({device.name}, {device.total_memory / 2**30:.0f} GiB)")
    return found


def checkpoints() -> list[dict[str, Any]]:
    """All checkpoints that can be loaded by name; for a damaged one `name`, `path` and `error`."""
    return [_checkpoint_or_error(path) for path in checkpoint.available()]


def describe(path: Path) -> dict[str, Any]:
    """What a file of ours carries: the tags of audio, the header of a checkpoint, the shape of an array.

    Raises:
        ParameterError: the file isn't there, or isn't an array although it is called .npy.
        CheckpointError: a damaged checkpoint.
        DecodeError: anything else that isn't WAV, FLAC or OGG.
    """
    if not path.is_file():
        raise ParameterError(f"{'that is a folder' if path.is_dir() else 'no such file'}: {str(path)!r}")
    if path.suffix == ".safetensors":
        return _describe_checkpoint(path)
    if path.suffix == ".npy":
        return _describe_array(path)
    from audio_gen.audio.encode import read_tags

    try:
        return {**read_tags(path)}
    except DecodeError as error:
        raise DecodeError(f"{error}; .npy arrays and .safetensors checkpoints can be inspected too") from error


def _checkpoint_or_error(path: Path) -> dict[str, Any]:
    try:
        return {**_describe_checkpoint(path), "name": path.stem}
    except CheckpointError as error:
        return {"name": path.stem, "path": str(path), "error": str(error)}


def _describe_checkpoint(path: Path) -> dict[str, Any]:
    loaded = checkpoint.load(path)
    size = sum(value.numel() for value in loaded.state.values())
    return {**loaded.header(), "sha256": loaded.sha256, "parameters": size, "path": str(path)}


def _describe_array(path: Path) -> dict[str, Any]:
    import numpy as np

    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        facts = {"shape": list(array.shape), "dtype": str(array.dtype)}
        numbers = array.dtype.kind in "fiu" and array.size
        return {
            **facts,
            **({"min": array.min(), "max": array.max(), "mean": array.mean(dtype="f8")} if numbers else {}),
        }
    except (OSError, ValueError, EOFError) as error:
        raise ParameterError(f"{str(path)!r} is not a whole .npy array of numbers ({error})") from error
