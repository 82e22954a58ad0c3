"""Music in, labels and new music out.

The public names are loaded when they are first used, so that `import audio_gen` is quick and brings no torch.
"""

import importlib
from typing import TYPE_CHECKING

from audio_gen.errors import AudioGenError, CheckpointError, DatasetError, DecodeError, ParameterError

if TYPE_CHECKING:
    from audio_gen.audio.clip import Clip
    from audio_gen.audio.decode import load
    from audio_gen.audio.encode import save
    from audio_gen.audio.synth import render
    from audio_gen.features.log_mel import LogMel
    from audio_gen.features.mel_spec import MelSpec
    from audio_gen.pipelines.classify import Classifier
    from audio_gen.pipelines.generate import Generator
    from audio_gen.pipelines.vocoder import Vocoder

__version__ = "0.1.0"

__all__ = [
    "AudioGenError",
    "CheckpointError",
    "Classifier",
    "Clip",
    "DatasetError",
    "DecodeError",
    "Generator",
    "LogMel",
    "MelSpec",
    "ParameterError",
    "Vocoder",
    "load",
    "render",
    "save",
]

_HOMES = {
    "Classifier": "pipelines.classify",
    "Clip": "audio.clip",
    "Generator": "pipelines.generate",
    "LogMel": "features.log_mel",
    "MelSpec": "features.mel_spec",
    "Vocoder": "pipelines.vocoder",
    "load": "audio.decode",
    "render": "audio.synth",
    "save": "audio.encode",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'audio_gen' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"audio_gen.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
