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
    from audio_gen.pipelines.composer import Composer
    from audio_gen.pipelines.drum_kit import DrumKit
    from audio_gen.pipelines.generate import Generator
    from audio_gen.pipelines.humaniser import Humaniser
    from audio_gen.pipelines.morph import Morph
    from audio_gen.pipelines.piece import Wish
    from audio_gen.pipelines.vocoder import Vocoder
    from audio_gen.symbolic.files import read_notes, write_notes
    from audio_gen.symbolic.render import render_score
    from audio_gen.symbolic.score import Score

__version__ = "0.1.0"

__all__ = [
    "AudioGenError",
    "CheckpointError",
    "Classifier",
    "Clip",
    "Composer",
    "DatasetError",
    "DecodeError",
    "DrumKit",
    "Generator",
    "Humaniser",
    "LogMel",
    "MelSpec",
    "Morph",
    "ParameterError",
    "Score",
    "Vocoder",
    "Wish",
    "load",
    "read_notes",
    "render",
    "render_score",
    "save",
    "write_notes",
]

_HOMES = {
    "Classifier": "pipelines.classify",
    "Clip": "audio.clip",
    "Composer": "pipelines.composer",
    "DrumKit": "pipelines.drum_kit",
    "Generator": "pipelines.generate",
    "Humaniser": "pipelines.humaniser",
    "LogMel": "features.log_mel",
    "MelSpec": "features.mel_spec",
    "Morph": "pipelines.morph",
    "Score": "symbolic.score",
    "Vocoder": "pipelines.vocoder",
    "Wish": "pipelines.piece",
    "load": "audio.decode",
    "read_notes": "symbolic.files",
    "render": "audio.synth",
    "render_score": "symbolic.render",
    "save": "audio.encode",
    "write_notes": "symbolic.files",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'audio_gen' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"audio_gen.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
