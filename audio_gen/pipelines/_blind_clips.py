"""Files → clips that nothing but their sound tells apart: one length, one rate, one upper edge, one loudness."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import open_audio
from audio_gen.audio.encode import read_tags
from audio_gen.errors import DecodeError
from audio_gen.symbolic.score import Score

LONGEST = 600.0  # seconds; of a longer file this is the part whose middle is taken
SILENCE = 1e-4  # root mean square below which there is nothing to hear
RMS, PEAK = 0.1, 0.95  # of all clips; quieter where one of them would peak above
FADE = 0.01  # seconds: the cut shall not click
APART = 0.05  # seconds by which renditions of one piece may differ in length

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidate:
    """Files that come into the test together or not at all.

    Args:
        paths: one file; or the renditions of one piece, the original first.
        relative: where the first lies below the folder that was given.
        label: what the music is, where the user told.
        aligned: the files have to be equally long.
    """

    paths: tuple[Path, ...]
    relative: Path
    label: str = ""
    aligned: bool = False


@dataclass(frozen=True, eq=False)
class Excerpt:
    """What is heard of a file; of notes also the score of just that, which a synthesizer played."""

    clip: Clip
    score: Score | None = None


@dataclass(frozen=True, eq=False)
class Taken:
    """A candidate with the excerpt of each of its files."""

    candidate: Candidate
    excerpts: tuple[Excerpt, ...]


Cut = Callable[[Candidate], tuple[Excerpt, ...]]  # raises DecodeError


def take(candidates: Iterable[Candidate], wanted: int, cut: Cut) -> tuple[list[Taken], int]:
    """The first `wanted` candidates that can be used, and how many were left out, each named in a warning."""
    taken: list[Taken] = []
    failed = 0
    for candidate in candidates:
        if len(taken) == wanted:
            break
        try:
            taken.append(Taken(candidate, cut(candidate)))
        except DecodeError as error:
            failed += 1
            _log.warning("left out: %s", error)
    return taken, failed


def label_of(candidate: Candidate) -> str:
    """What the music is: as the user, the file's tags, its name or its folder tells; "" where nothing tells.

    The name is one that `audio-gen generate` or `compose` gives, the folder the one next below that which was given.
    """
    path, above = candidate.paths[0], candidate.relative.parts[:-1]
    try:
        tagged = read_tags(path).get("label", "")
    except DecodeError:
        tagged = ""
    named = re.search(r"_([^_]+)_s(?:eed)?-?\d+_\d+$", path.stem)
    return candidate.label or str(tagged) or (named[1] if named else "") or (above[0] if above else "")


def equal(clips: Sequence[Clip]) -> list[Clip]:
    """The clips in mono at the lowest of their rates, equally long and equally loud; none is clipped.

    Each is resampled to twice the rate and back: those that had the rate already lose the same highest frequencies
    as those that come from above it.
    """
    rate = min(clip.sample_rate for clip in clips)
    rows = [clip.to(2 * rate).to(rate).samples[0] for clip in clips]
    size = min(map(len, rows))
    edge = torch.hann_window(2 * min(round(FADE * rate), size // 2))
    envelope = torch.ones(size)
    envelope[: len(edge) // 2], envelope[size - len(edge) // 2 :] = edge.chunk(2) if len(edge) else (edge, edge)
    samples = torch.stack([row[:size] for row in rows]) * envelope
    samples = samples / samples.square().mean(1, keepdim=True).sqrt().clamp_min(SILENCE)
    samples = samples * min(RMS, PEAK / float(samples.abs().max()))
    return [Clip(row[None].clone(), rate) for row in samples]


def recorded(candidate: Candidate, seconds: float) -> tuple[Excerpt, ...]:
    """The middle of each recording.

    Raises:
        DecodeError: unreadable, too short, silent there, or renditions of different length.
    """
    heard = [_heard(path) for path in candidate.paths]
    lengths = [clip.duration for clip in heard]
    if candidate.aligned and max(lengths) - min(lengths) > APART:
        told = ", ".join(f"{str(path)!r} {length:.2f} s" for path, length in zip(candidate.paths, lengths, strict=True))
        raise DecodeError(f"renditions of one piece must be equally long, not {told}; make them from the same file")
    return tuple(Excerpt(_middle(clip, path, seconds)) for clip, path in zip(heard, candidate.paths, strict=True))


def audible(clip: Clip, path: Path) -> Clip:
    """The clip.

    Raises:
        DecodeError: it is silent.
    """
    if float(clip.samples.square().mean().sqrt()) < SILENCE:
        raise DecodeError(f"{str(path)!r} is silent in its middle; there is nothing to judge")
    return clip


def _heard(path: Path) -> Clip:
    """The file in mono, at its own rate, at most `LONGEST` of it."""
    blocks = []
    with open_audio(path) as source:
        for block in source.blocks():
            blocks.append(block.mean(0, keepdim=True))
            if source.seconds >= LONGEST:
                break
        return Clip(torch.cat(blocks, 1), source.sample_rate)


def _middle(clip: Clip, path: Path, seconds: float) -> Clip:
    size = round(seconds * clip.sample_rate)
    start = (clip.samples.shape[1] - size) // 2
    if start < 0:
        raise DecodeError(
            f"{str(path)!r} lasts {clip.duration:.2f} s, and clips of {seconds:g} s are cut; "
            "give longer files, or a smaller --seconds"
        )
    samples = clip.samples[:, start : start + size]
    return audible(Clip(samples.clone(), clip.sample_rate), path)
