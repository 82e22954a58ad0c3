"""Some of the real and of the new clips as files, and a blind test made of them."""

import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from audio_gen.audio.clip import Clip
from audio_gen.audio.encode import save
from audio_gen.errors import ParameterError
from audio_gen.pipelines._blind_draw import FEWEST, LONGEST, MOST, SHORTEST
from audio_gen.pipelines._generator_clips import Sound
from audio_gen.pipelines.blind_test import Plan, make_test

EACH = 4  # clips of a class, real and generated each
KINDS = ("real", "generated")
_log = logging.getLogger(__name__)


class Exhibits:
    """Keeps `EACH` clips of each class and kind, by chance, of all that pass by.

    Args:
        folder: where they go in the end: `clips/real`, `clips/generated`, the test `blind`, and `blind.truth.json`.
        seconds: length of a clip.
        seed: of what is kept.

    Raises:
        ParameterError: the folder holds something, or clips of that length can't be judged.
    """

    def __init__(self, folder: Path, seconds: float, seed: int) -> None:
        refuse_full(folder)
        if not SHORTEST <= seconds <= LONGEST:
            raise ParameterError(f"--page takes clips of {SHORTEST:g} to {LONGEST:g} s, not of {seconds:g} s")
        self.folder, self.seconds, self.seed = folder, seconds, seed
        self._random = np.random.default_rng(seed)
        self._passed: dict[tuple[str, str], int] = {}
        self._kept: dict[tuple[str, str], list[Clip]] = {}

    def watch(self, sounds: Iterable[Sound], kind: str) -> Iterator[Sound]:
        """The sounds, unchanged; each has the same chance to be kept."""
        for sound in sounds:
            key = (kind, sound.label)
            kept = self._kept.setdefault(key, [])
            self._passed[key] = self._passed.get(key, 0) + 1
            place = int(self._random.integers(self._passed[key]))
            if len(kept) < EACH:
                kept.append(sound.clip)
            elif place < EACH:
                kept[place] = sound.clip
            yield sound

    def write(self) -> None:
        """All of it; of each class as many real clips as generated ones. A warning where they are too few."""
        pairs = 0
        for label in sorted({label for _, label in self._kept}):
            rows = [self._kept.get((kind, label), []) for kind in KINDS]
            for number, clips in enumerate(zip(*rows, strict=False), 1):
                pairs += 1
                for kind, clip in zip(KINDS, clips, strict=True):
                    name = f"{re.sub(r'[^A-Za-z0-9-]+', '-', label)}_{pairs:03}_{number}.wav"
                    save(self.folder / "clips" / kind / name, within(clip), tags={"label": label})
        count = min(MOST, 2 * pairs)
        if count < FEWEST:
            _log.warning("%s: no blind test of %d clips; %d are the fewest", self.folder, count, FEWEST)
            return
        real, made = (self.folder / "clips" / kind for kind in KINDS)
        plan = Plan(real=real, generated=(made,), count=count, seconds=self.seconds, seed=self.seed)
        done = make_test(plan, self.folder / "blind")
        _log.info(
            "%s: %d questions; audio-gen blind score %s ANSWERS.json tells how well listeners did",
            self.folder / "blind" / "index.html",
            done.questions,
            self.folder / "blind.truth.json",
        )


def refuse_full(folder: Path) -> None:
    """A page goes into an empty folder, or one that isn't there.

    Raises:
        ParameterError: the folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ParameterError(f"{str(folder)!r} is no empty folder; give --page another one")


def within(clip: Clip) -> Clip:
    """Scaled down where it is over full scale; the test makes all clips equally loud anyway."""
    return Clip(clip.samples / max(1.0, float(clip.samples.abs().max())), clip.sample_rate)
