"""Clip -> file: WAV, FLAC or OGG, written whole or not at all, with the same bytes each time."""

import logging
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import torch

from audio_gen.atomic import replacing
from audio_gen.audio import _riff, _tags
from audio_gen.audio._tags import Tags as Tags
from audio_gen.audio._writer import BLOCK_SECONDS, SAMPLE_BYTES, Form, write
from audio_gen.audio.clip import Clip
from audio_gen.errors import DecodeError, ParameterError

_log = logging.getLogger(__name__)

SUBTYPES = {".wav": ("PCM_16", "PCM_24", "FLOAT"), ".flac": ("PCM_16", "PCM_24"), ".ogg": ("VORBIS",)}  # first: default
FULL_SCALE = 1 - 2**-15  # the largest sample of 16 bits
WAV_LIMIT = (1 << 32) - (1 << 16)  # bytes: lengths in a WAV have 32 bits


def save(path: str | Path, clip: Clip, *, subtype: str | None = None, tags: Tags | None = None) -> float:
    """Write a clip and return its peak; where that is over full scale, the whole clip is scaled down to fit.

    The same clip and tags give the same bytes. FLOAT keeps peaks over full scale as they are.

    Args:
        path: ends in .wav, .flac or .ogg; folders on the way are created.
        clip: what to write.
        subtype: PCM_16 (default), PCM_24 or FLOAT for WAV, PCM_16 or PCM_24 for FLAC, VORBIS for OGG.
        tags: JSON values by name, kept for `read_tags`, as `save_blocks` says.

    Raises:
        ParameterError: unknown suffix or subtype, or a rate, channels, length or tags that the format can't hold.
        OSError: the file can't be written to, as on a full disk.
    """
    path = Path(path)
    _, subtype = _format(path, subtype)
    peak = float(clip.samples.abs().max())
    gain = FULL_SCALE / peak if peak > 1 and subtype != "FLOAT" else 1.0
    if gain < 1:
        _log.info("%s: the peak of %.2f is over full scale; the whole clip is scaled down to fit", path.name, peak)
    channels, length = clip.samples.shape
    blocks = torch.split(clip.samples, BLOCK_SECONDS * clip.sample_rate, dim=1)
    save_blocks(path, blocks, clip.sample_rate, length=length, channels=channels, gain=gain, subtype=subtype, tags=tags)
    return peak


def save_blocks(
    path: str | Path,
    blocks: Iterable[torch.Tensor],
    sample_rate: int,
    *,
    length: int,
    channels: int = 1,
    gain: float = 1.0,
    subtype: str | None = None,
    tags: Tags | None = None,
) -> None:
    """Write a sound that arrives in blocks, holding a few seconds of it at a time.

    The same samples give the same bytes, however they are divided, and the same as `save`. Peaks over full scale are
    clipped (FLOAT keeps them), so choose the gain before. An error in `blocks` is passed on and leaves no file.

    Tags go into a WAV three times: all of them as JSON in an `agjs` chunk, at most 1 MiB; in LIST INFO as a comment
    (ICMT), where nested values are left out if they don't fit, after a sentence that says "AI-generated" if the tags
    have `generated_by: machine`; and `software` as ISFT. FLAC and OGG have the comment alone: all tags or, where they
    don't fit, the top-level values that are neither list nor dict.

    Args:
        path, subtype, tags: as for `save`.
        blocks: float tensors `[C, t]`, t ≥ 0.
        sample_rate: in Hz.
        length: samples of each channel in all blocks together.
        channels: C.
        gain: what each sample is multiplied by.

    Raises:
        ParameterError: as for `save`; blocks of another shape or not finite, or not `length` samples in all.
        OSError: the file can't be written to, as on a full disk.
    """
    path = Path(path)
    form = Form(*_format(path, subtype), sample_rate, channels, length)
    if min(length, channels, sample_rate) < 1 or not math.isfinite(gain):
        given = f"length {length}, {channels} channels, {sample_rate} Hz, gain {gain}"
        raise ParameterError(f"{given}: length, channels and rate must be at least 1, and the gain finite")
    comment, chunks = "", b""
    if form.suffix == ".wav":
        chunks = _riff.text_chunks(_tags.info(tags), _tags.dump(tags).encode()) if tags else b""
        if length * channels * SAMPLE_BYTES[form.subtype] + len(chunks) > WAV_LIMIT:
            seconds = length / sample_rate
            raise ParameterError(f"{seconds:.0f} s don't fit into a WAV file (4 GiB); write .flac, or less at a time")
    elif tags:
        comment = _tags.comment(tags)
    with replacing(path) as part:
        write(part, form, (block * gain for block in blocks), comment, chunks)


def read_tags(path: str | Path) -> Tags:
    """The tags that `save` kept in a file; empty where there are none. What is over 1 MiB is passed over.

    Raises:
        DecodeError: the file is missing, or no WAV, FLAC or OGG.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            found = _riff.texts(file)
            comments = [found[name] for name in (_riff.TAGS, _riff.COMMENT) if name in found]
            if not comments:
                comments = [_read_comment(file)]
    except (OSError, ValueError, RuntimeError) as error:
        name = repr(os.fspath(path))
        raise DecodeError(f"{name} has no tags that can be read ({error}); give a WAV, FLAC or OGG file") from error
    readable = (tags for tags in map(_tags.parse, comments) if tags is not None)
    return next(readable, {})


def _format(path: Path, subtype: str | None) -> tuple[str, str]:
    suffix = path.suffix.lower()
    if suffix not in SUBTYPES:
        raise ParameterError(f"can't write {path.suffix!r} files ({path.name!r}); allowed are {', '.join(SUBTYPES)}")
    subtype = (subtype or SUBTYPES[suffix][0]).upper()
    if subtype not in SUBTYPES[suffix]:
        allowed = "; ".join(f"{', '.join(names)} in {end}" for end, names in SUBTYPES.items())
        raise ParameterError(f"can't write subtype {subtype!r} in a {suffix} file; allowed are {allowed}")
    return suffix, subtype


def _read_comment(file: BinaryIO) -> str:
    import soundfile

    file.seek(0)
    with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
        return str(sound.comment)
