"""Clip -> file: WAV, FLAC or OGG, written whole or not at all, with the same bytes each time."""

import json
import logging
import os
from pathlib import Path
from typing import Any, BinaryIO

import torch

from audio_gen.atomic import replacing
from audio_gen.audio import _clockless, _riff
from audio_gen.audio.clip import Clip
from audio_gen.errors import DecodeError, ParameterError

_log = logging.getLogger(__name__)

Tags = dict[str, str | int | float]
"""What a file says of itself, by name."""

SUBTYPES = {".wav": ("PCM_16", "PCM_24", "FLOAT"), ".flac": ("PCM_16", "PCM_24"), ".ogg": ("VORBIS",)}  # first: default
FORMATS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG"}
FULL_SCALE = 1 - 2**-15  # the largest sample of 16 bits
BLOCK_SECONDS = 4  # libsndfile crashes when it is given a long Vorbis signal in one piece
MAX_COMMENT = 16_000  # bytes of tags
WAV_LIMIT = (1 << 32) - (1 << 16)  # bytes: lengths in a WAV have 32 bits


def save(path: str | Path, clip: Clip, *, subtype: str | None = None, tags: Tags | None = None) -> float:
    """Write a clip and return its peak; where that is over full scale, the whole clip is scaled down to fit.

    The same clip and tags give the same bytes. FLOAT keeps peaks over full scale as they are.

    Args:
        path: ends in .wav, .flac or .ogg; folders on the way are created.
        clip: what to write.
        subtype: PCM_16 (default), PCM_24 or FLOAT for WAV, PCM_16 or PCM_24 for FLAC, VORBIS for OGG.
        tags: kept as JSON in the file's comment, for `read_tags`.

    Raises:
        ParameterError: unknown suffix or subtype, or a rate, channels, length or tags that the format can't hold.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUBTYPES:
        raise ParameterError(f"can't write {path.suffix!r} files ({path.name!r}); allowed are {', '.join(SUBTYPES)}")
    subtype = (subtype or SUBTYPES[suffix][0]).upper()
    if subtype not in SUBTYPES[suffix]:
        allowed = "; ".join(f"{', '.join(names)} in {end}" for end, names in SUBTYPES.items())
        raise ParameterError(f"can't write subtype {subtype!r} in a {suffix} file; allowed are {allowed}")
    if suffix == ".wav" and clip.samples.numel() * (2, 3, 4)[SUBTYPES[suffix].index(subtype)] > WAV_LIMIT:
        raise ParameterError(f"{clip.duration:.0f} s don't fit into a WAV file (4 GiB); write .flac, or less at a time")
    peak = float(clip.samples.abs().max())
    gain = FULL_SCALE / peak if peak > 1 and subtype != "FLOAT" else 1.0
    if gain < 1:
        _log.info("%s: the peak of %.2f is over full scale; the whole clip is scaled down to fit", path.name, peak)
    comment = json.dumps(tags, sort_keys=True) if tags else ""
    if len(comment) > MAX_COMMENT:  # libsndfile would drop it without a word
        raise ParameterError(f"tags of {len(comment)} bytes are too long; at most {MAX_COMMENT} are kept")
    with replacing(path) as part:
        _write(part, clip, gain, FORMATS[suffix], subtype, comment)
        _clockless.strip(part, suffix)
    return peak


def read_tags(path: str | Path) -> Tags:
    """The tags that `save` kept in a file; empty where there are none.

    Raises:
        DecodeError: the file is missing, or no WAV, FLAC or OGG.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            comment = _riff.comment(file)
            if comment is None:
                comment = _read_comment(file)
    except (OSError, ValueError, RuntimeError) as error:
        name = repr(os.fspath(path))
        raise DecodeError(f"{name} has no tags that can be read ({error}); give a WAV, FLAC or OGG file") from error
    try:
        tags = json.loads(comment)
    except ValueError:
        return {}  # somebody else's comment
    plain = tags.items() if isinstance(tags, dict) else ()
    return {key: value for key, value in plain if isinstance(value, (str, int, float))}


def _read_comment(file: BinaryIO) -> str:
    import soundfile

    file.seek(0)
    with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
        return str(sound.comment)


def _write(path: Path, clip: Clip, gain: float, kind: str, subtype: str, comment: str) -> None:
    # by descriptor: soundfile can't encode every file name
    with open(path, "wb") as file, _open_sound(file.fileno(), clip, kind, subtype) as sound:
        if comment:
            sound.comment = comment
        for block in torch.split(clip.samples, BLOCK_SECONDS * clip.sample_rate, dim=1):
            try:
                sound.write(_quantised(block * gain, subtype).T.contiguous().numpy())
            except RuntimeError as error:
                raise OSError(f"{str(path.parent)!r} can't be written to ({error}); is the disk full?") from error


def _open_sound(descriptor: int, clip: Clip, kind: str, subtype: str) -> Any:
    import soundfile

    try:
        return soundfile.SoundFile(
            descriptor, "w", clip.sample_rate, clip.channels, subtype, format=kind, closefd=False
        )
    except (RuntimeError, ValueError, TypeError) as error:
        raise ParameterError(
            f"{kind} can't hold {clip.channels} channels at {clip.sample_rate} Hz as {subtype} ({error});"
            " write .wav, or change rate or channels first"
        ) from error


def _quantised(samples: torch.Tensor, subtype: str) -> torch.Tensor:
    # to the nearest step of 1 / 32768, as decoders read it; libsndfile by itself rounds down
    if subtype == "PCM_16":
        return (samples * 2**15).round().clamp(-(2**15), 2**15 - 1).to(torch.int16)
    if subtype == "PCM_24":
        return (samples * 2**23).round().clamp(-(2**23), 2**23 - 1).to(torch.int32) << 8
    return samples
