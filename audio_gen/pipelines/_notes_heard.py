"""What our listeners hear in made notes, all played by one synthesizer, beside what they hear in real ones.

Listeners hear decibels below the loudest, so that loudness says nothing; programs and tempi are the same in all sets
(`_notes_sound`). A piece is one row: windows of one piece are no strangers. A made piece and the real one that it was
made after share tempo, key and length, so the kernel audio distance leaves such pairs out. What it is of real pieces
tells its spread (halves against halves); whether a set is told from real ones at all tells `p`, the probability of
such a distance where nothing but chance decides which of a pair is the real one. Our listeners hear how dense,
high and loud notes are more than their order: shuffled ones are told from real ones, if at all, by less than all else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.audio import synth
from audio_gen.metrics.generation import (
    kernel_audio_distance,
    kernel_audio_distance_chance,
    kernel_audio_distance_interval,
)
from audio_gen.metrics.interval import LEVEL, percentile_interval
from audio_gen.models.classifier import Verdict
from audio_gen.pipelines._note_pieces import mean
from audio_gen.pipelines._notes_sound import Sets
from audio_gen.pipelines._samples import Progress
from audio_gen.pipelines.classify import DIMENSIONS, Classifier
from audio_gen.pipelines.hearing import verdicts_of
from audio_gen.pipelines.listening import check_together
from audio_gen.symbolic.render import render_score

FEWEST = 4  # pieces: two halves of two
SPLITS = 200  # of real pieces into halves
REAL, FLOOR = "real", "real_real"
Floats = npt.NDArray[np.float64]
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Said:
    """What one listener says of `N` pieces: probabilities `[N, K]`, valence and arousal `[N, 2]` (or 0), `[N, D]`."""

    probs: Floats
    values: Floats
    embeddings: Floats

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """`[N]`, the likeliest class."""
        found: npt.NDArray[np.int64] = self.probs.argmax(1)
        return found


@dataclass(frozen=True, eq=False)
class NoteEars:
    """Classifiers that hear notes.

    Args:
        listeners: one or several, of different names, that share a front end.
        seed: of splits and intervals.
        progress: wraps the passage of renders.
        soundfont: what plays the notes.

    Raises:
        CheckpointError: listeners hear through different specs or windows.
        ParameterError: two listeners of one name, or no SoundFont is there.
    """

    listeners: Sequence[Classifier]
    seed: int
    progress: Progress
    soundfont: Path = field(default_factory=synth.find_soundfont)

    def __post_init__(self) -> None:
        check_together(self.listeners)

    def heard(self, sets: Sets) -> Row | str:
        """A table a listener, and what it tells how often, with what played; only pieces that are in all sets count.

        Args:
            sets: "real" and "generated", then controls.
        """
        pieces = [piece for piece in sets[REAL] if all(piece in rows for rows in sets.values())]
        if len(pieces) < FEWEST:
            return f"none: {len(pieces)} pieces have notes in all sets, and it takes {FEWEST}"
        said = self._said(sets, pieces)
        about = {"pieces": len(pieces), "soundfont": self.soundfont.name, "synthesizer": _synthesizer()}
        found: Row = {}
        for listener, one in zip(self.listeners, self._names, strict=True):
            rows = {name: heard[one] for name, heard in said.items()}
            table = {FLOOR: self._real_real(listener, rows[REAL])}
            table |= {name: self._against(listener, rows[REAL], row) for name, row in rows.items() if name != REAL}
            alike = [name for name, row in table.items() if row.get("p", 0) > 1 - LEVEL]
            found[one] = {**about, **({"not_told_from_real": ", ".join(alike)} if alike else {}), **table}
            found[f"labels_{one}"] = {name: _shares(listener, row) for name, row in rows.items()}
        return found

    @property
    def _names(self) -> list[str]:
        return [one.checkpoint.name for one in self.listeners]

    def _said(self, sets: Sets, pieces: Sequence[int]) -> dict[str, dict[str, Said]]:
        """By set and listener."""
        wanted = [rows[piece] for rows in sets.values() for piece in pieces]
        rate = self.listeners[0].checkpoint.spec.sample_rate
        told = [
            verdicts_of(
                self.listeners, render_score(score, soundfont=self.soundfont, sample_rate=rate, seconds=seconds)
            )
            for score, seconds in self.progress(wanted, "renders", len(wanted))
        ]
        size = len(pieces)
        return {
            name: {
                one: _said_of([row[place] for row in told[number * size : (number + 1) * size]])
                for place, one in enumerate(self._names)
            }
            for number, name in enumerate(sets)
        }

    def _real_real(self, listener: Classifier, real: Said) -> Row:
        """Real pieces beside other real pieces."""
        found: Row = {
            "kad": self._halves(kernel_audio_distance, real.embeddings, real.embeddings),
            "same_label": other_pieces(real.labels),
            "total_variation": self._halves(total_variation, real.probs, real.probs),
        }
        for axis, dimension in enumerate(DIMENSIONS if listener.emotion else ()):
            values = real.values[:, axis]
            found[f"{dimension}_difference"] = self._halves(lambda a, b: float(b.mean() - a.mean()), values, values)
        return found

    def _against(self, listener: Classifier, real: Said, other: Said) -> Row:
        """What was made after each real piece beside it."""
        pieces = np.arange(len(real.probs))
        distance = kernel_audio_distance_interval(
            real.embeddings,
            other.embeddings,
            reference_groups=pieces,
            estimate_groups=pieces,
            apart=True,
            seed=self.seed,
        )
        found: Row = {
            "kad": distance.to_dict(),
            "p": kernel_audio_distance_chance(real.embeddings, other.embeddings, seed=self.seed),
            "same_label": mean(real.labels == other.labels),
            "total_variation": self._halves(total_variation, real.probs, other.probs),
        }
        for axis, dimension in enumerate(DIMENSIONS if listener.emotion else ()):
            found[f"{dimension}_difference"] = mean(other.values[:, axis] - real.values[:, axis])
        return found

    def _halves(self, figure: Callable[[Floats, Floats], float], real: Floats, other: Floats) -> Any:
        """A figure of one half of the real pieces and of what the other half is in `other`: mean and 95 % of splits."""
        random, size = np.random.default_rng(self.seed), len(real)
        orders = [random.permutation(size) for _ in range(SPLITS)]
        found = np.array([figure(real[order[: size // 2]], other[order[size // 2 :]]) for order in orders])
        return percentile_interval(float(found.mean()), found).to_dict()


def other_pieces(labels: npt.NDArray[np.int64]) -> float:
    """How often a piece has the label of another: Σ n (n - 1) / N (N - 1) over the labels."""
    sizes = np.unique(labels, return_counts=True)[1]
    return float((sizes * (sizes - 1)).sum() / (len(labels) * (len(labels) - 1)))


def total_variation(one: Floats, other: Floats) -> float:
    """½ Σ |p - q| of the mean probabilities of two sets `[N, K]` and `[M, K]`: 0 to 1."""
    return float(np.abs(one.mean(0) - other.mean(0)).sum() / 2)


def _shares(listener: Classifier, said: Said) -> dict[str, float]:
    counts = np.bincount(said.labels, minlength=len(listener.names)) / len(said.labels)
    return dict(zip(listener.names, counts.tolist(), strict=True))


def _said_of(verdicts: Sequence[Verdict]) -> Said:
    parts = ([one.probs for one in verdicts], [one.values for one in verdicts], [one.embedding for one in verdicts])
    return Said(*(torch.stack(rows).double().numpy() for rows in parts))


def _synthesizer() -> str:
    return "tinysoundfont" if synth.has_tinysoundfont() else "fluidsynth"
