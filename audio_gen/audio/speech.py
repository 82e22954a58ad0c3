"""Speech without a recording: the program espeak-ng where it is installed, else a small source-filter synthesis.

The synthesis says nothing in any language, but has what tells speech from music: a voice that glides without notes,
moving formants, hisses and pauses (Fant 1960; formants of Peterson & Barney 1952).
"""

import math
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch

from audio_gen.audio.decode import load
from audio_gen.errors import DecodeError

PROGRAMS = ("espeak-ng", "espeak")
SENTENCES = (
    "Good morning. The train to the coast leaves from platform four at ten past nine.",
    "We went over the figures twice, and both times the answer was the same.",
    "It will be cloudy tomorrow, with some rain in the west, and a light wind in the evening.",
    "Could you tell me where the library is? I was told that it is near the old bridge.",
    "The committee has not yet decided whether the road will be closed next week.",
    "She opened the letter, read it slowly, and put it back on the table without a word.",
)
VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (490, 1350, 1690),
)
BANDWIDTHS = (60.0, 90.0, 120.0)
SIZE, HOP = 512, 128  # samples of a frame and between frames at 22050 Hz, in which the mouth stands still
PHRASE = 5.0  # seconds; no phrase is longer


def program() -> str | None:
    """The speech program that is installed, if any."""
    return next((name for name in PROGRAMS if shutil.which(name)), None)


def speech(sample_rate: int, seconds: float, seed: int) -> torch.Tensor:
    """`[1, T]` of speech: another voice, speed and sentences for each seed."""
    name = program()
    samples = murmur(sample_rate, seconds, seed) if name is None else _spoken(name, sample_rate, seed)
    length = max(1, round(seconds * sample_rate))
    return samples.repeat(1, -(-length // samples.shape[1]))[:, :length]


def _spoken(name: str, sample_rate: int, seed: int) -> torch.Tensor:
    text = " ".join(SENTENCES[(seed + n) % len(SENTENCES)] for n in range(3))
    voice = ("en+m3", "en+f2", "en+m7", "en+f4")[seed % 4]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = [name, "-v", voice, "-s", str(140 + 10 * (seed % 5)), "-w", str(path), text]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        if done.returncode or not path.is_file():
            said = done.stderr.decode(errors="replace").strip()[:200]
            raise DecodeError(f"{name} can't speak ({said or f'exit code {done.returncode}'}); repair or remove it")
        return load(path).to(sample_rate, 1).samples


def murmur(sample_rate: int, seconds: float, seed: int) -> torch.Tensor:
    """`[1, T]`: syllables of a made-up voice, by a source (pulses or hiss) through three moving resonances."""
    random = torch.Generator().manual_seed(seed)
    hop = max(1, round(HOP * sample_rate / 22050))
    size = hop * SIZE // HOP
    frames = math.ceil(seconds * sample_rate / hop) + 1
    voiced, hissing, pitch, formants = _script(frames, hop / sample_rate, random)
    length = (frames - 1) * hop
    source = _pulses(_stretched(pitch, length), sample_rate) * _stretched(voiced, length)
    breath = torch.randn(length, generator=random) * _stretched(hissing, length)
    frequency = torch.fft.rfftfreq(size, 1 / sample_rate)[:, None]
    mouth = torch.ones(len(frequency), frames)
    for place, width in zip(formants.T, BANDWIDTHS, strict=True):
        mouth = mouth * place**2 / ((place**2 - frequency**2) ** 2 + (width * frequency) ** 2).sqrt()
    teeth = (frequency / 4000).clamp(0, 1) ** 2
    window = torch.hann_window(size)
    spectra = [torch.stft(x, size, hop, window=window, return_complex=True) for x in (source, breath)]
    samples = torch.istft(spectra[0] * mouth + 3 * spectra[1] * teeth, size, hop, window=window, length=length)
    return (0.5 * samples / samples.abs().max().clamp_min(1e-9))[None]


def _script(frames: int, step: float, random: torch.Generator) -> tuple[torch.Tensor, ...]:
    """For each frame of `step` seconds: loudness of the voice and of the hiss, pitch in Hz, formants `[frames, 3]`."""

    def between(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=random))

    base, throat = between(90, 230), between(0.9, 1.15)  # a man's or a woman's
    total = frames + round(PHRASE / step)  # the last phrase may go beyond the end
    voiced, hissing, pitch = torch.zeros(total), torch.zeros(total), torch.full((total,), base)
    formants = torch.tensor(VOWELS[0], dtype=torch.float32).repeat(total, 1)
    at = 0
    while at < frames:
        for _ in range(int(between(4, 12))):  # syllables of a phrase, whose pitch falls
            vowel = throat * torch.tensor(VOWELS[int(between(0, len(VOWELS)))])
            base *= between(0.93, 1.02)
            for loudness, seconds in ((hissing, between(0.04, 0.1)), (voiced, between(0.1, 0.22))):
                part = slice(at, at + round(seconds / step))
                at = part.stop
                loudness[part] = between(0.3, 1) * torch.hann_window(part.stop - part.start + 2)[1:-1]
                formants[part], pitch[part] = vowel, base
        base = between(90, 230) if base < 70 else base * 1.25
        at += round(between(0.15, 0.5) / step)
    return voiced[:frames], hissing[:frames], _smooth(pitch, 9)[:frames], _smooth(formants.T, 9).T[:frames]


def _smooth(x: torch.Tensor, frames: int) -> torch.Tensor:
    padded = torch.nn.functional.pad(x.reshape(-1, 1, x.shape[-1]), (frames // 2, frames // 2), mode="replicate")
    return torch.nn.functional.avg_pool1d(padded, frames, 1).reshape(x.shape)


def _stretched(x: torch.Tensor, length: int) -> torch.Tensor:
    return torch.nn.functional.interpolate(x[None, None], length, mode="linear", align_corners=True)[0, 0]


def _pulses(pitch: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """One impulse a period of `pitch`, `[T]` in Hz, softened as vocal folds close."""
    turns = (pitch.double() / sample_rate).cumsum(0).floor()
    struck = torch.cat([torch.ones(1), (turns[1:] > turns[:-1]).float()])
    shape = torch.exp(-torch.arange(round(0.002 * sample_rate)) / (0.0004 * sample_rate))
    return torch.nn.functional.conv1d(struck[None, None], shape.flip(0)[None, None], padding=len(shape) - 1)[
        0, 0, : len(pitch)
    ]
