"""drum_kit: a drum part played with one-shots of a generator, each on its sample."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from audio_gen.audio.clip import Clip
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.generate import Generator, Wish, sound
from audio_gen.pipelines.vocoder import DEFAULT, Vocoder
from audio_gen.symbolic.encoders.drums import DRUMS
from audio_gen.symbolic.render import render_score
from audio_gen.symbolic.score import TICKS, Score

QUIET = 0.01  # of the peak: what is before is no part of the hit, which shall begin in time
CHOKE = 0.03  # seconds in which an open hi-hat is closed
GENERATED = "generated"


class Slot(NamedTuple):
    """How a drum is played: which one-shot, how loud at its loudest, how fast it is played, how long it rings."""

    label: str
    take: int = 0
    level: float = 0.8
    speed: float = 1.0
    seconds: float | None = None


SLOTS: dict[str, Slot] = {
    "kick": Slot("kick", level=1.0),
    "snare": Slot("snare"),
    "closed hi-hat": Slot("hihat", level=0.4, seconds=0.12),
    "open hi-hat": Slot("hihat", level=0.4),
    "low tom": Slot("tom", speed=0.8),
    "mid tom": Slot("tom"),
    "high tom": Slot("tom", speed=1.25),
    "crash": Slot("cymbal", level=0.5),
    "ride": Slot("cymbal", take=1, level=0.4),
}
CLAP = Slot("clap")
OTHER = Slot("perc", level=0.6)
BY_PITCH = {pitch: SLOTS[name] for name, pitches in DRUMS.items() for pitch in pitches} | {39: CLAP}
OPEN, CLOSED = DRUMS["open hi-hat"], DRUMS["closed hi-hat"]


class DrumKit:
    """Plays drums with generated one-shots: `DrumKit.load("drums", seed=3).play(score)`.

    Args:
        generator: of one-shots with the labels kick, snare, hihat, tom, cymbal, clap, perc.
        seed: of the one-shots.
        vocoder: that makes them sound.

    Raises:
        CheckpointError: a generator of something else.
    """

    def __init__(self, generator: Generator, seed: int = 0, vocoder: Vocoder | str = DEFAULT) -> None:
        needed = {slot.label for slot in (*SLOTS.values(), CLAP, OTHER)}
        if not generator.net.length or not needed <= set(generator.labels):
            raise CheckpointError(
                f"{generator.checkpoint.name!r} makes {', '.join(generator.labels) or 'nothing by name'}; a kit needs "
                f"one-shots of {', '.join(sorted(needed))}"
            )
        self.generator, self.seed, self.vocoder = generator, seed, generator.vocoder(vocoder)
        self._hits: dict[Slot, torch.Tensor] = {}

    @classmethod
    def load(cls, name: str | Path = "drums", *, seed: int = 0, vocoder: Vocoder | str = DEFAULT) -> "DrumKit":
        """The kit of the generator called `name`, or at that path.

        Raises:
            CheckpointError: missing, damaged, or no generator of drums.
        """
        return cls(Generator.load(name), seed, vocoder)

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return self.vocoder.spec.sample_rate

    def said(self) -> dict[str, Any]:
        """What is told of it in files."""
        model = self.generator.checkpoint
        found = {"model": model.name, "sha256": model.sha256, "licence": model.licence, "seed": self.seed}
        return {**found, "vocoder": self.vocoder.name}

    def hit(self, pitch: int) -> torch.Tensor:
        """`[n]`: the one-shot of a MIDI drum, from its first sound on; made once."""
        slot = BY_PITCH.get(pitch, OTHER)
        if slot not in self._hits:
            self._hits[slot] = self._made(slot)
        return self._hits[slot]

    def _made(self, slot: Slot) -> torch.Tensor:
        with one_thread():
            samples = sound(self.generator.make(Wish(slot.label, self.seed, slot.take)), self.vocoder).samples.mean(0)
        peak = samples.abs().max().clamp_min(1e-6)
        first = int((samples.abs() >= QUIET * peak).float().argmax())
        hit = samples[first:] * (slot.level / peak)
        if slot.speed != 1:
            size = max(1, round(len(hit) / slot.speed))
            hit = F.interpolate(hit[None, None], size, mode="linear")[0, 0]
        if slot.seconds is not None:
            hit = _faded(hit, 0, round(slot.seconds * self.sample_rate))
        return hit

    def play(self, score: Score, *, soundfont: str | Path | None = None) -> Clip:
        """A score whose drums this kit plays, each hit on the sample of its tick; louder as velocity squared.

        Everything else is played by the SoundFont and comes out in stereo; drums alone are mono and need none. A hit
        of the closed hi-hat ends what the open one still sounds.

        Raises:
            ParameterError: no notes, or no SoundFont where one is needed.
        """
        drums = self._drums(score)
        rest = replace(score, tracks=tuple(one for one in score.tracks if not one.is_drum))
        if not rest.notes:
            if not len(drums):
                raise ParameterError("there are no notes to play")
            return Clip(_below_full(drums[None]), self.sample_rate)
        tuned = render_score(rest, soundfont=soundfont, sample_rate=self.sample_rate).samples
        mixed = torch.zeros(tuned.shape[0], max(tuned.shape[1], len(drums)))
        mixed[:, : tuned.shape[1]] = tuned
        mixed[:, : len(drums)] += drums
        return Clip(_below_full(mixed), self.sample_rate)

    def _drums(self, score: Score) -> torch.Tensor:
        tracks = [one.notes for one in score.tracks if one.is_drum and len(one.notes)]
        if not tracks:
            return torch.zeros(0)
        notes = np.concatenate(tracks)
        notes = notes[np.argsort(notes["onset"], kind="stable")]
        starts = samples_at(score, notes["onset"].astype(np.int64), self.sample_rate)
        pitches = notes["pitch"].tolist()
        hits = [self.hit(pitch) for pitch in pitches]
        mixed = torch.zeros(max(start + len(hit) for start, hit in zip(starts, hits, strict=True)))
        for number, (start, hit) in enumerate(zip(starts, hits, strict=True)):
            stop_here_if_asked()
            sounds = self._closed(hit, starts, pitches, number) if pitches[number] in OPEN else hit
            mixed[start : start + len(sounds)] += sounds * (int(notes["velocity"][number]) / 127) ** 2
        return mixed

    def _closed(self, hit: torch.Tensor, starts: list[int], pitches: list[int], number: int) -> torch.Tensor:
        """An open hi-hat until it is closed."""
        for start, pitch in zip(starts[number + 1 :], pitches[number + 1 :], strict=True):
            if start - starts[number] >= len(hit):
                break
            if pitch in CLOSED and start > starts[number]:
                return _faded(hit, start - starts[number], round(CHOKE * self.sample_rate))
        return hit


def samples_at(score: Score, ticks: np.ndarray[Any, np.dtype[np.int64]], sample_rate: int) -> list[int]:
    """The sample at which each tick is, by the tempi of the score, rounded once."""
    onsets = np.array([tempo.onset for tempo in score.tempi], np.int64)
    seconds = 60 / (TICKS * np.array([tempo.bpm for tempo in score.tempi]))  # a tick
    begins = np.concatenate([[0.0], np.cumsum(np.diff(onsets) * seconds[:-1])])
    which = np.searchsorted(onsets, ticks, side="right") - 1
    at = begins[which] + (ticks - onsets[which]) * seconds[which]
    return [int(one) for one in np.rint(at * sample_rate)]


def _faded(hit: torch.Tensor, start: int, length: int) -> torch.Tensor:
    """The same until `start`, and then falling to nothing over `length` samples."""
    at = torch.arange(min(len(hit), start + length))
    level = 1 - ((at - start).clamp_min(0) / max(1, length)).float()
    return hit[: len(at)] * level.square()


def _below_full(samples: torch.Tensor) -> torch.Tensor:
    """As they are, or scaled down where they come over full scale."""
    return samples / samples.abs().max().clamp_min(1.0)
