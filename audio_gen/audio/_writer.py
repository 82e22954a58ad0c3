"""Blocks -> the bytes of one file, through libsndfile, checked to be all there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch

from audio_gen.audio import _clockless, _riff
from audio_gen.errors import ParameterError

FORMATS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG"}
SAMPLE_BYTES = {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}  # in a WAV
BLOCK_SECONDS = 4  # libsndfile crashes when it is given a long Vorbis signal in one piece
SYSTEM_ERROR = 2  # libsndfile's number for what the operating system refused


@dataclass(frozen=True)
class Form:
    """What a file is to be: rate in Hz, length in samples of each channel."""

    suffix: str
    subtype: str
    sample_rate: int
    channels: int
    length: int


def write(path: Path, form: Form, blocks: Iterable[torch.Tensor], comment: str = "", chunks: bytes = b"") -> None:
    """Write blocks `[C, t]` as `form` says; the comment is for FLAC and OGG, chunks go to the end of a WAV.

    Raises:
        ParameterError: the format can't hold such audio, or the blocks are not what `form` says.
        OSError: the disk is full, or the like. Part of the file may be there then.
    """
    # by descriptor: soundfile can't encode every file name
    with open(path, "wb") as file, _open_sound(file, form, path) as sound:
        if comment:
            sound.comment = comment
        # of equal length: Vorbis looks at its first block as a whole, so that the bytes would depend on the division
        for block in _even(_checked(blocks, form), form.channels, BLOCK_SECONDS * form.sample_rate):
            try:
                sound.write(_quantised(block, form.subtype).T.contiguous().numpy())
            except RuntimeError as error:
                raise _refused(path, error) from error
    _check_whole(path, form.length)
    _clockless.strip(path, form.suffix)
    if form.suffix == ".wav":
        try:
            _riff.append(path, chunks)
        except OSError as error:
            raise _refused(path, error) from error


def _open_sound(file: BinaryIO, form: Form, path: Path) -> Any:
    import soundfile

    kind = FORMATS[form.suffix]
    try:
        return soundfile.SoundFile(
            file.fileno(), "w", form.sample_rate, form.channels, form.subtype, format=kind, closefd=False
        )
    except (RuntimeError, ValueError, TypeError) as error:
        if getattr(error, "code", None) == SYSTEM_ERROR:
            raise _refused(path, error) from error
        raise ParameterError(
            f"{kind} can't hold {form.channels} channels at {form.sample_rate} Hz as {form.subtype} ({error});"
            " write .wav, or change rate or channels first"
        ) from error


def _check_whole(path: Path, length: int) -> None:
    # what libsndfile can't write when it closes a file, it doesn't tell; so ask for the last sample
    import soundfile

    try:
        with open(path, "rb") as file, soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            sound.seek(length - 1)
            found = length - 1 + len(sound.read(2))
    except RuntimeError as error:
        raise _refused(path, error) from error
    if found != length:
        raise _refused(path, f"{found} of {length} samples are there")


def _refused(path: Path, reason: object) -> OSError:
    return OSError(f"{str(path.parent)!r} can't be written to ({reason}); is the disk full?")


def _checked(blocks: Iterable[torch.Tensor], form: Form) -> Iterator[torch.Tensor]:
    found = 0
    for block in blocks:
        if block.ndim != 2 or block.shape[0] != form.channels or not bool(torch.isfinite(block).all()):
            what = "NaN or infinite values" if block.ndim == 2 and block.shape[0] == form.channels else "that shape"
            raise ParameterError(
                f"a block of shape {list(block.shape)} has {what}; give finite [{form.channels}, t] each time"
            )
        found += block.shape[1]
        if found > form.length:
            raise ParameterError(f"the blocks hold more than the {form.length} samples announced; pass their length")
        yield block
    if found < form.length:
        raise ParameterError(f"the blocks hold {found} samples, not the {form.length} announced; pass their length")


def _even(blocks: Iterable[torch.Tensor], channels: int, size: int) -> Iterator[torch.Tensor]:
    """The same samples, `size` at a time and the rest; each block is overwritten by the next."""
    held, filled = torch.empty(channels, size), 0
    for block in blocks:
        for piece in torch.split(block.detach(), size, dim=1):
            first, second = piece[:, : size - filled], piece[:, size - filled :]
            held[:, filled : filled + first.shape[1]] = first
            filled += first.shape[1]
            if filled == size:
                yield held
                filled = second.shape[1]
                held[:, :filled] = second
    if filled:
        yield held[:, :filled]


def _quantised(samples: torch.Tensor, subtype: str) -> torch.Tensor:
    # to the nearest step of 1 / 32768, as decoders read it; libsndfile by itself rounds down
    if subtype == "PCM_16":
        return (samples * 2**15).round().clamp(-(2**15), 2**15 - 1).to(torch.int16)
    if subtype == "PCM_24":
        return (samples * 2**23).round().clamp(-(2**23), 2**23 - 1).to(torch.int32) << 8
    return samples
