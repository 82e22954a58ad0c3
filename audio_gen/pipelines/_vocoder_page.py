"""Excerpts and what two vocoders make of them as files, and a blind test: which is nearer to the original?"""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch

from audio_gen.audio.clip import Clip
from audio_gen.audio.encode import save
from audio_gen.pipelines._blind_draw import FEWEST, MOST
from audio_gen.pipelines._generator_page import refuse_full, within
from audio_gen.pipelines.blind_test import Plan, make_test

_log = logging.getLogger(__name__)


class VocoderExhibits:
    """Keeps the first excerpt of each track: the original, and its renditions by two vocoders.

    Args:
        folder: where they go: `clips/original`, `clips/NAME` twice, the test `blind`, and `blind.truth.json`.
        names: of the two.
        sample_rate: in Hz.

    Raises:
        ParameterError: the folder holds something.
    """

    def __init__(self, folder: Path, names: tuple[str, str], sample_rate: int) -> None:
        refuse_full(folder)
        self.folder, self.names, self.sample_rate = folder, names, sample_rate
        self._tracks: set[int] = set()
        self._seconds = 0.0

    def add(self, track: int, original: torch.Tensor, made: Mapping[str, torch.Tensor]) -> None:
        """An excerpt `[T]` and what came of it, by name; only the first of a track, and of so many as a test holds."""
        if track in self._tracks or len(self._tracks) >= MOST:
            return
        self._tracks.add(track)
        self._seconds = len(original) / self.sample_rate
        for name, samples in {"original": original, **{name: made[name] for name in self.names}}.items():
            save(self.folder / "clips" / name / f"{track:03}.wav", within(Clip(samples[None], self.sample_rate)))

    def write(self) -> None:
        """The test; a warning where the tracks are too few for one."""
        count = len(self._tracks) // 2 * 2
        if count < FEWEST:
            _log.warning("%s: no blind test of %d tracks; %d are the fewest", self.folder, count, FEWEST)
            return
        original, *two = (self.folder / "clips" / name for name in ("original", *self.names))
        plan = Plan(kind="ab", real=original, generated=tuple(two), count=count, seconds=min(6.0, self._seconds))
        done = make_test(plan, self.folder / "blind")
        _log.info("%s: %d questions", self.folder / "blind" / "index.html", done.questions)
