"""morph: one drum pattern becomes another, step by step, through the autoencoder's latent space."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audio_gen.errors import ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.drum_pieces import Conditions
from audio_gen.models.drum_vae import FAMILY, STEPS, DrumVaeNet, slerp
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.drum_vae_maker import latents_of
from audio_gen.pipelines.piece import Piece, Wish, measured
from audio_gen.symbolic.encoders.drums import DRUMS, Grid, decode, encode
from audio_gen.symbolic.files import drum_track
from audio_gen.symbolic.score import SIXTEENTH, Meter, Notes, Score, Tempo, Track

MOST_STEPS, MOST_WINDOWS = 128, 64
WINDOW = STEPS * SIXTEENTH  # ticks


@dataclass(frozen=True)
class Way:
    """How one pattern becomes another.

    Args:
        steps: how many patterns, the first and the last included, 2 to 128.
        style: that the decoder is told; None is any.
        seed: told with it, for what is made doesn't depend on it.

    Raises:
        ParameterError: another number of steps.
    """

    steps: int = 8
    style: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.steps <= MOST_STEPS:
            raise ParameterError(f"a morph takes 2 to {MOST_STEPS} steps, not {self.steps}")

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


class Morph:
    """Morphs drums: `Morph.load("drums-vae").morph(rock, funk, steps=8)`."""

    def __init__(self, model: checkpoint.Checkpoint) -> None:
        self.checkpoint = model
        self.net: DrumVaeNet = checkpoint.build(DrumVaeNet, model).requires_grad_(False)

    @classmethod
    def load(cls, name: str | Path = "drums-vae") -> "Morph":
        """The drum autoencoder called `name`, or at that path.

        Raises:
            CheckpointError: missing, damaged, or none.
        """
        return cls(checkpoint.load(name, family=FAMILY))

    def morph(self, start: Score, end: Score, *, steps: int = 8, style: str | None = None) -> Score:
        """The drums of `start`, patterns between, and the drums of `end`, one after the other.

        Each step is as long as the longer of the two, in pairs of bars; the shorter one comes round. The first and the
        last step are the files' own notes; tempo goes over evenly in ratio.

        Args:
            start: with drums, in 4/4.
            end: the same.
            steps: how many, both included.
            style: one of `labels` of the checkpoint; None is any.

        Raises:
            ParameterError: no drums, another metre, over 128 bars, or what `Way` refuses.
        """
        return self.made(start, end, Way(steps, style)).score

    def check(self, way: Way) -> int:
        """The number of the style that is asked for.

        Raises:
            ParameterError: unknown.
        """
        return Wish(style=way.style).label(self.checkpoint.labels, self.checkpoint.name)

    def made(self, start: Score, end: Score, way: Way, *, names: tuple[str, str] = ("start", "end")) -> Piece:
        """`morph` with what was asked for and measured; `names` are what errors call the two."""
        style = self.check(way)
        patterns = [_own(score, name) for score, name in zip((start, end), names, strict=True)]
        count = max(-(-pattern.end // WINDOW) for pattern in patterns)
        if count > MOST_WINDOWS:
            raise ParameterError(f"{2 * count} bars are too many to morph; {2 * MOST_WINDOWS} are the most")
        tempi = [score.tempi[0].bpm for score in (start, end)]
        rounds = [_around(pattern, count) for pattern in patterns]
        shares = np.linspace(0, 1, way.steps).tolist()
        bpm = [tempi[0] * (tempi[1] / tempi[0]) ** share for share in shares]
        with one_thread(), torch.no_grad():
            ends = [
                latents_of(self.net, _windows(notes, count), style, tempo)
                for notes, tempo in zip(rounds, tempi, strict=True)
            ]
            between = [self._step(ends, share, style, one) for share, one in zip(shares, bpm, strict=True)]
        parts = [rounds[0], *(_held(grid) for grid in between[1:-1]), rounds[1]]
        track = Track(_after_each_other(parts, count * WINDOW), "drums", is_drum=True)
        onsets = [number * count * WINDOW for number in range(way.steps)]
        score = Score((track,), (Meter(0, 4, 4),), _tempi(onsets, bpm))
        told = {"steps": way.steps, "bars_a_step": 2 * count}
        copies = [
            hit_f1(rebuilt, _windows(notes, count))
            for rebuilt, notes in zip((between[0], between[-1]), rounds, strict=True)
        ]
        return Piece(
            score, way.to_dict(), {**measured(score), **told, "ends_hit_f1": [round(one, 4) for one in copies]}
        )

    def _step(self, ends: list[torch.Tensor], share: float, style: int, bpm: float) -> Grid:
        """`[count, 32, 9, 3]`: the pattern so far on the way."""
        latents = [slerp(one[None], other[None], share) for one, other in zip(*ends, strict=True)]
        told = [torch.full((len(latents),), value) for value in (style, bpm, 0.0)]
        grid: Grid = self.net.decode(torch.cat(latents), Conditions(*told)).grid().numpy()
        return grid


def _own(score: Score, name: str) -> Score:
    """The drums of a score alone, in 4/4.

    Raises:
        ParameterError: no drums, or another metre; the message begins with `name`.
    """
    if any(meter.bar != WINDOW // 2 for meter in score.meters):
        meters = ", ".join(f"{meter.beats}/{meter.unit}" for meter in score.meters)
        raise ParameterError(f"{name}: only 4/4 can be morphed, not {meters}")
    try:
        return replace(score, tracks=(score.tracks[drum_track(score)],))
    except ParameterError as error:
        raise ParameterError(f"{name}: {error}") from error


def _around(pattern: Score, count: int) -> Notes:
    """Its notes, again and again until so many pairs of bars are full."""
    notes, span = pattern.tracks[0].notes, -(-pattern.end // WINDOW) * WINDOW
    rounds = [notes] * -(-count * WINDOW // span)
    whole = _after_each_other(rounds, span)
    kept: Notes = whole[whole["onset"] < count * WINDOW]
    return kept


def _after_each_other(parts: Sequence[Notes], span: int) -> Notes:
    """Each part `span` ticks after the one before; what would last into the next is cut."""
    found = []
    for number, part in enumerate(parts):
        moved = part.copy()
        moved["duration"] = np.minimum(moved["duration"], span - moved["onset"])
        moved["onset"] += number * span
        found.append(moved)
    return np.concatenate(found)


def _windows(notes: Notes, count: int) -> Grid:
    """`[count, 32, 9, 3]`."""
    grid: Grid = encode(notes, count * STEPS).grid.reshape(count, STEPS, len(DRUMS), 3)
    return grid


def _held(grid: Grid) -> Notes:
    """The notes of `[count, 32, 9, 3]`, none later than its end."""
    return decode(grid.reshape(-1, len(DRUMS), 3)).notes


def _tempi(onsets: list[int], bpm: list[float]) -> tuple[Tempo, ...]:
    """A tempo where it changes."""
    marks = [Tempo(at, one) for at, one in zip(onsets, bpm, strict=True)]
    return tuple(mark for number, mark in enumerate(marks) if not number or mark.bpm != marks[number - 1].bpm)


def hit_f1(made: Grid, real: Grid) -> float:
    """How well the hits of one grid are those of another: harmonic mean of precision and recall."""
    both = float((made[..., 0] * real[..., 0]).sum())
    return 2 * both / max(1.0, float(made[..., 0].sum() + real[..., 0].sum()))
