"""Windows of music to calibrate and to check an exported classifier on: from files, and made here."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch

import audio_gen
from audio_gen.audio.decode import open_audio
from audio_gen.features.decibel_image import wrap
from audio_gen.pipelines.inputs import find_audio

MOST_FILES, PER_FILE = 32, 4
SECONDS = 60.0  # of each file
MADE = 6


def examples() -> list[Path]:
    """The folder of example clips, where the package runs from its repository; otherwise nothing."""
    folder = Path(audio_gen.__file__).resolve().parent.parent / "data" / "examples"
    return [folder] if folder.is_dir() else []


def of_files(paths: Sequence[str | Path], window: int, sample_rate: int) -> torch.Tensor:
    """`[K, window]`: four windows, evenly placed, of the first minute of each file; of many files 32 are taken.

    Raises:
        ParameterError: a path that isn't there, or no audio.
        DecodeError: a file can't be decoded.
    """
    sources = find_audio(paths) if paths else []
    step = max(1, -(-len(sources) // MOST_FILES))
    rows = [_of_file(source.path, window, sample_rate) for source in sources[::step]]
    return torch.cat([torch.empty(0, window), *rows])


def _of_file(path: Path, window: int, sample_rate: int) -> torch.Tensor:
    blocks, length = [], 0
    with open_audio(path) as audio:
        for block in audio.mono(sample_rate):
            blocks.append(block)
            length += block.shape[1]
            if length >= max(window, SECONDS * sample_rate):
                break
    samples = torch.cat(blocks, 1)
    if length < window:
        return wrap(samples, window)
    starts = sorted({round(part * (length - window) / (PER_FILE - 1)) for part in range(PER_FILE)})
    return torch.stack([samples[0, start : start + window] for start in starts])


def made(window: int, sample_rate: int) -> torch.Tensor:
    """`[6, window]`: chords that change twice a second and die away, over noise from faint to loud; always the same."""
    random = torch.Generator().manual_seed(0)
    beat = max(1, sample_rate // 2)
    time = torch.arange(window) % beat / sample_rate
    rows = []
    for row in range(MADE):
        noise = 10 ** (-3 + row / 2) * torch.randn(window, generator=random)
        pitches = 55 * 2 ** (6 * torch.rand(4, window // beat + 1, generator=random))  # Hz, four voices
        phase = (2 * math.pi / sample_rate) * torch.cumsum(pitches.repeat_interleave(beat, 1)[:, :window].double(), 1)
        voices = torch.stack([torch.sin(harmonic * phase) / harmonic for harmonic in (1, 2, 3)]).sum((0, 1))
        rows.append(0.1 * (voices * torch.exp(-4 * time)).float() + noise)
    return torch.stack(rows)
