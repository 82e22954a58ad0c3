"""A file that is being decoded, whichever library does it."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from audio_gen.audio._missing import is_chained_ogg, is_unfinished_wave, missing_bytes
from audio_gen.audio._pyav import PyAVReader
from audio_gen.audio._sniff import Kind, sniff
from audio_gen.audio._soundfile import KINDS, SoundFileReader
from audio_gen.errors import DecodeError

MIN_RATE, MAX_RATE, MAX_CHANNELS = 100, 768_000, 64
MISLEADING = ("File does not exist", "SF_INFO struct")  # what libsndfile says of headers it can't use
ADVICE = "check that it plays, and export it again, as WAV, FLAC, OGG, MP3 or M4A"


class Reader(Protocol):
    """What a back end offers."""

    sample_rate: int
    channels: int
    promised: int | None  # frames by the header, where it can be believed

    @property
    def position(self) -> int: ...

    def read(self, frames: int) -> np.ndarray: ...

    def close(self) -> None: ...


Backend = Callable[[BinaryIO, Kind], Reader]


@contextmanager
def open_reader(path: Path, name: str) -> Iterator[tuple[Reader, int]]:
    """The back end that reads the file, and how many bytes the file is short of what its structure promises.

    Raises:
        DecodeError: missing, unreadable, no audio, or an absurd rate or channel count; `name` stands in the message.
    """
    with _open_file(path, name) as file:
        kind, missing, avoid_soundfile = _identify(file, name)
        backends: list[Backend] = [PyAVReader]
        if kind.name in KINDS and not avoid_soundfile:
            backends.insert(0, SoundFileReader)
        reader = _first_that_opens(backends, file, kind, name)
        try:
            _check_header(reader, name)
            yield reader, missing
        finally:
            reader.close()


def _identify(file: BinaryIO, name: str) -> tuple[Kind, int, bool]:
    """Kind, missing bytes, and whether libsndfile is the wrong library for this file."""
    try:
        kind = sniff(file)
        if kind is None:
            what = "empty" if file.seek(0, os.SEEK_END) == 0 else "no audio file of a known kind"
            raise DecodeError(f"{name} is {what}; {ADVICE}")
        missing = missing_bytes(file, kind)
        if kind.name == "mp3":
            # bytes are counted in more than one way in its header, so that its count of frames is what is believed;
            # but of one that may be too short libmpg123 complains on stderr
            return kind, 0, missing > 0
        # libsndfile takes an unfinished WAV for empty, and reads the first stream of a chained OGG only
        return kind, missing, is_unfinished_wave(file, kind) or is_chained_ogg(file, kind)
    except OSError as error:
        raise DecodeError(f"{name} can't be read ({error.strerror}); get a whole copy of it") from error


def _open_file(path: Path, name: str) -> BinaryIO:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe would wait for ever
            raise DecodeError(f"{name} is not a regular file; give an audio file")
        return path.open("rb", buffering=0)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DecodeError(f"{name} can't be read ({reason}); check that it is there and its permissions") from error


def _first_that_opens(backends: list[Backend], file: BinaryIO, kind: Kind, name: str) -> Reader:
    reasons = []
    for backend in backends:
        file.seek(0)
        try:
            return backend(file, kind)
        except Exception as error:  # noqa: BLE001  # decoders raise what they like, MemoryError over an absurd size too
            reasons.append(describe(error))
    raise DecodeError(f"{name} can't be decoded as {kind.name} ({'; '.join(reasons)}); {ADVICE}")


def _check_header(reader: Reader, name: str) -> None:
    if not (MIN_RATE <= reader.sample_rate <= MAX_RATE and 1 <= reader.channels <= MAX_CHANNELS):
        raise DecodeError(
            f"{name} states {reader.sample_rate} Hz and {reader.channels} channels; allowed are {MIN_RATE} to"
            f" {MAX_RATE} Hz and 1 to {MAX_CHANNELS} channels; {ADVICE}"
        )


def describe(error: Exception) -> str:
    """A decoder's error in one line, without the names and numbers it puts in front."""
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    line = " ".join(str(text).split()).rstrip(".")[:200]
    return "its header makes no sense" if any(words in line for words in MISLEADING) else line or type(error).__name__
