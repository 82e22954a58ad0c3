"""A score and a performance of it as one score: what is written, and beside it what was played, on the same beats.

The beats that both were annotated with (F. Foscarin et al., "ASAP: a dataset of aligned scores and performances for
piano transcription", ISMIR 2020) carry the player's seconds to the score's ticks; how fast they went by are the tempi.
What is left between a written note and the played one is its timing.
"""

import json
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audio_gen.datasets._item import Item
from audio_gen.errors import DatasetError, DecodeError
from audio_gen.symbolic.files import read_notes
from audio_gen.symbolic.score import LONGEST, TICKS, Notes, Score, Tempo, Track

ANNOTATIONS = "asap_annotations.json"
WRITTEN, PLAYED = 0, 1  # numbers of the tracks of a pair
PAIRED = "paired"  # the target that tells a pair from a performance alone
FEWEST = 4  # beats that make a tempo
_BEYOND = 64  # beats before the first and after the last that go on as they do
Floats = npt.NDArray[np.float64]


def annotations(path: Path) -> dict[str, dict[str, Any]]:
    """What `asap_annotations.json` tells of each performance.

    Raises:
        DatasetError: unreadable, or not such a file.
    """
    return _annotations(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _annotations(path: Path, changed: int) -> dict[str, dict[str, Any]]:
    """Read once for all the items, and again if it has changed."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"can't read {path} as JSON: {error}; get a whole copy of it") from error
    if not isinstance(told, dict) or not all(isinstance(one, dict) for one in told.values()):
        raise DatasetError(f"{path} holds no annotations by performance; get a whole copy of it")
    return told


def is_aligned(told: dict[str, Any]) -> bool:
    """Whether the beats of the score are those of the performance, one by one."""
    written, played = told.get("midi_score_beats", ()), told.get("performance_beats", ())
    return bool(told.get("score_and_performance_aligned")) and FEWEST <= len(written) == len(played)


def pair_of(item: Item) -> Score:
    """The pair that an item with the target `PAIRED` stands for; see `paired`."""
    if item.path is None:
        raise DatasetError(f"{item.id} is paired, but has no performance")
    home = item.path.parents[len(Path(item.id).parts) - 1]
    return paired(home / item.extra["midi_score"], item.path, annotations(home / ANNOTATIONS)[item.id])


def paired(written: Path, played: Path, told: dict[str, Any]) -> Score:
    """The score's notes, metres and keys, and the performance on its beats, in tracks `WRITTEN` and `PLAYED`.

    Args:
        written: MIDI of the score.
        played: MIDI of the performance.
        told: "midi_score_beats" and "performance_beats", in seconds of either file.

    Raises:
        DecodeError: a file that can't be read, or beats that don't go on.
    """
    score, performance = read_notes(written), read_notes(played)
    ticks = _ticks(score, np.array(told["midi_score_beats"], float)).round()
    seconds = np.array(told["performance_beats"], float)
    later = _rising(ticks) & _rising(seconds)  # two beats on one tick, or at one time, are one
    ticks, seconds = ticks[later], seconds[later]
    if len(ticks) < FEWEST:
        raise DecodeError(f"the beats of {str(played)!r} don't rise with those of {str(written)!r}; leave it out")
    tracks = Track(_together(score)), Track(_warped(performance, seconds, ticks))
    return Score(tracks, score.meters, _tempi(ticks, seconds), score.keys)


def _rising(values: Floats) -> npt.NDArray[np.bool_]:
    """Which are above all before them."""
    above: npt.NDArray[np.bool_] = np.concatenate([[True], np.diff(np.maximum.accumulate(values)) > 0])
    return above


def _together(score: Score) -> Notes:
    notes = [track.notes for track in score.tracks if not track.is_drum]
    if not notes:
        raise DecodeError("a score of a pair has no notes; leave it out")
    return np.concatenate(notes)


def _clock(score: Score) -> tuple[Floats, Floats]:
    """Ticks and seconds between which a score's time runs evenly."""
    ticks = np.array([*(tempo.onset for tempo in score.tempi), 2 * LONGEST], float)
    seconds = np.diff(ticks) * 60 / TICKS / np.array([tempo.bpm for tempo in score.tempi])
    return ticks, np.concatenate([[0.0], np.cumsum(seconds)])


def _ticks(score: Score, seconds: Floats) -> Floats:
    knots, times = _clock(score)
    return np.interp(seconds, times, knots)


def _warped(performance: Score, seconds: Floats, ticks: Floats) -> Notes:
    """The notes of a performance with ticks of the score; those before its beginning are left out."""
    times, knots = (_longer(values) for values in (seconds, ticks))
    notes = _together(performance).copy()
    edges = np.stack([notes["onset"], notes["onset"] + notes["duration"]])
    start, end = np.interp(np.interp(edges, *_clock(performance)), times, knots).round().astype(np.int64)
    notes["onset"], notes["duration"] = start, np.maximum(1, end - start)
    kept: Notes = notes[start >= 0]
    return kept


def _longer(values: Floats) -> Floats:
    first, last = values[1] - values[0], values[-1] - values[-2]
    return np.concatenate([[values[0] - _BEYOND * first], values, [values[-1] + _BEYOND * last]])


def _tempi(ticks: Floats, seconds: Floats) -> tuple[Tempo, ...]:
    """One for each beat; the first counts from the beginning on."""
    found: list[Tempo] = []
    for (start, end), (begin, stop) in zip(pairwise(ticks.tolist()), pairwise(seconds.tolist()), strict=True):
        bpm = 60 / TICKS * (end - start) / (stop - begin)
        found.append(Tempo(int(start) if found else 0, min(1000.0, max(1.0, bpm))))
    return tuple(found)
