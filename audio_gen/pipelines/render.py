"""render: blocks of new sound → a file at the loudness that was asked for, in memory that doesn't grow with it."""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from audio_gen.audio.clip import Clip
from audio_gen.audio.encode import save_blocks
from audio_gen.audio.loudness import Loudness, TruePeak, gain_for
from audio_gen.errors import ParameterError
from audio_gen.pipelines.batch import stop_here_if_asked

_log = logging.getLogger(__name__)

CEILING = -1.0  # dB true peak
BLOCK = 1 << 18  # samples
QUIETEST, LOUDEST = -70.0, -5.0  # LUFS that can be asked for
LONGEST_FADE = 3600  # seconds


@dataclass(frozen=True)
class Finish:
    """How a sound is brought into its file.

    Args:
        lufs: loudness it is brought to (ITU-R BS.1770-4), less where the true peak would pass -1 dBFS; None leaves it.
        fade_in: seconds.
        fade_out: seconds.
        subtype: of the file; None is 16 bits.

    Raises:
        ParameterError: a loudness outside -70 to -5 LUFS, or a fade below 0 or of an hour.
    """

    lufs: float | None = None
    fade_in: float = 0.0
    fade_out: float = 0.0
    subtype: str | None = None

    def __post_init__(self) -> None:
        if self.lufs is not None and not QUIETEST <= self.lufs <= LOUDEST:
            raise ParameterError(f"loudness must lie between {QUIETEST:g} and {LOUDEST:g} LUFS, not {self.lufs}")
        if not all(0 <= seconds < LONGEST_FADE for seconds in (self.fade_in, self.fade_out)):
            raise ParameterError(f"fades take 0 s to an hour, not {self.fade_in} and {self.fade_out}")


@dataclass(frozen=True)
class Measured:
    """What became of a sound: loudness in LUFS and true peak in dB, of the file, and the gain that was applied."""

    lufs: float
    dbtp: float
    gain: float

    def to_dict(self) -> dict[str, Any]:
        """For records; silence has no loudness."""
        values = {"lufs": self.lufs, "true_peak_db": self.dbtp, "gain": self.gain}
        return {key: round(value, 4) if abs(value) < 1e6 else None for key, value in values.items()}


def render(
    path: Path, blocks: Iterable[torch.Tensor], length: int, sample_rate: int, finish: Finish, tags: dict[str, Any]
) -> Measured:
    """Write blocks `[C, t]`, `length` samples in all, with fades and at the loudness that `finish` tells.

    They are kept in a temporary file between the two passes: measuring, writing.

    Raises:
        ParameterError: the blocks hold another number of samples, or what `save_blocks` refuses.
        OSError: the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent) as spool:  # beside it: elsewhere may be memory, or full
        channels, meters = 0, None
        for block in _faded(blocks, length, sample_rate, finish):
            if meters is None:
                channels = block.shape[0]
                meters = Loudness(sample_rate, channels), TruePeak(sample_rate, channels)
            for meter in meters:
                meter.add(block)
            spool.write(block.T.contiguous().numpy().tobytes())
        if meters is None:
            raise ParameterError("there is no sound to write")
        lufs, peak = meters[0].lufs, meters[1].dbtp
        gain = gain_for(lufs, peak, finish.lufs, CEILING)
        spool.seek(0)
        save_blocks(
            path,
            _spooled(spool, channels),
            sample_rate,
            length=length,
            channels=channels,
            gain=gain,
            subtype=finish.subtype,
            tags=tags,
        )
    decibels = 20 * float(np.log10(gain))
    return Measured(lufs + decibels, peak + decibels, gain)


def render_clip(path: Path, clip: Clip, finish: Finish, tags: dict[str, Any]) -> Measured:
    """`render` of a clip that is there whole."""
    blocks = torch.split(clip.samples, BLOCK, dim=1)
    return render(path, blocks, clip.samples.shape[1], clip.sample_rate, finish, tags)


def tell_of_peak(output: Path, measured: Measured, finish: Finish) -> None:
    """Say where a sound's peak keeps it from the loudness that was asked for, as that of drums often does."""
    if finish.lufs is not None and measured.lufs < finish.lufs - 0.5:
        _log.info(
            "%s: %.1f LUFS, not %g, since its true peak is at %g dB", output.name, measured.lufs, finish.lufs, CEILING
        )


def _spooled(spool: BinaryIO, channels: int) -> Iterator[torch.Tensor]:
    while data := spool.read(4 * channels * BLOCK):
        yield torch.from_numpy(np.frombuffer(data, np.float32).reshape(-1, channels).T.copy())


def _faded(blocks: Iterable[torch.Tensor], length: int, sample_rate: int, finish: Finish) -> Iterator[torch.Tensor]:
    rise, fall = (max(1.0, seconds * sample_rate) for seconds in (finish.fade_in, finish.fade_out))
    begin = 0
    for block in blocks:
        stop_here_if_asked()
        at = torch.arange(begin, begin + block.shape[1], dtype=torch.float64)
        begin += block.shape[1]
        level = torch.minimum((at + 1) / rise, (length - at) / fall).clamp(0, 1)
        yield block.float().cpu() * torch.sin(level * (torch.pi / 2)).square().float()  # raised cosine
