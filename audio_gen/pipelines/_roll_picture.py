"""Piano rolls: a score as a picture, time to the right, pitch upwards; drums in a row each, below all else."""

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from audio_gen.pipelines._note_part import seconds_at
from audio_gen.symbolic.encoders.drums import DRUMS, NUMBER
from audio_gen.symbolic.score import Score

WIDTH, HEIGHT = 1120, 320  # pixels
COLOURS = ("#1f4e79", "#b3541e", "#3d7a3d", "#7a3d73", "#666666")  # of tracks; the last of all further ones
PAPER, BLACK_KEYS, BEAT, BAR = "#ffffff", "#f4f4f4", "#ececec", "#c4c4c4"
FAINTEST = 0.3  # strength of a note's colour at velocity 0; that of the loudest note is 1
THINNEST = 400  # the least that a note takes of the width, as its denominator
NARROWEST = 13  # rows for pitches: an octave with both ends
DENSEST = 24  # rows that can be named one by one
OTHER = "other"  # drums that are none of ours
_BLACK = (1, 3, 6, 8, 10)


class Rows(NamedTuple):
    """The rows of a roll from the bottom: drums by name, then pitches from `low` on."""

    drums: tuple[str, ...]
    low: int
    pitches: int

    @property
    def total(self) -> int:
        """How many."""
        return len(self.drums) + self.pitches

    def ticks(self) -> list[tuple[float, str]]:
        """Place (0 is the bottom, 1 the top) and name of the rows that have one: drums, and each C."""
        named = list(enumerate(self.drums)) if self.total <= DENSEST else [(0, "drums")] if self.drums else []
        pitches = range(self.low, self.low + self.pitches)
        named += [(len(self.drums) + pitch - self.low, f"C{pitch // 12 - 1}") for pitch in pitches if pitch % 12 == 0]
        return [((row + 0.5) / self.total, name) for row, name in named]


def rows_of(scores: Sequence[Score]) -> Rows:
    """Rows in which all notes of these scores have a place: where there is no tune, all nine drums."""
    tracks = [track for score in scores for track in score.tracks if len(track.notes)]
    tuned = [track.notes["pitch"] for track in tracks if not track.is_drum]
    struck = {_drum(int(pitch)) for track in tracks if track.is_drum for pitch in track.notes["pitch"]}
    drums = tuple(name for name in (*DRUMS, OTHER) if name in struck or (not tuned and name != OTHER))
    if not tuned:
        return Rows(drums, 0, 0)
    low, high = int(min(map(np.min, tuned))) - 1, int(max(map(np.max, tuned))) + 1
    return Rows(drums, max(0, low - max(0, NARROWEST - 1 - high + low) // 2), max(NARROWEST, high - low + 1))


def roll_png(score: Score, seconds: float, rows: Rows | None = None) -> bytes:
    """The first `seconds` as a PNG; see `roll`."""
    file = io.BytesIO()
    roll(score, seconds, rows).quantize(64).save(file, "PNG", optimize=True)
    return file.getvalue()


def roll(score: Score, seconds: float, rows: Rows | None = None, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Any:
    """The first `seconds` as a PIL image: a colour for each track, darker where louder; lines at bars and beats.

    Args:
        score: what to draw.
        seconds: from its beginning; time is even, so a bar is wider where the tempo is slower.
        rows: None is `rows_of` this score alone.
        size: width and height in pixels.
    """
    from PIL import Image, ImageDraw

    rows = rows or rows_of([score])
    picture = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(picture)
    wide, high = size[0] / seconds, size[1] / rows.total
    for row in range(rows.pitches):
        if (rows.low + row) % 12 in _BLACK:
            top = size[1] - (len(rows.drums) + row + 1) * high
            draw.rectangle((0, top, size[0], top + high), BLACK_KEYS)
    _lines(draw, score, seconds, size)
    tracks = [track for track in score.tracks if len(track.notes)]
    loudest = max((int(track.notes["velocity"].max()) for track in tracks), default=1)
    for number, track in enumerate(tracks):
        begins = seconds_at(score, track.notes["onset"]) * wide
        ends = seconds_at(score, track.notes["onset"] + track.notes["duration"]) * wide
        for x, until, pitch, velocity in zip(
            begins.tolist(), ends.tolist(), *(track.notes[name].tolist() for name in ("pitch", "velocity")), strict=True
        ):
            if x >= size[0]:
                continue
            row = rows.drums.index(_drum(pitch)) if track.is_drum else len(rows.drums) + pitch - rows.low
            bottom = size[1] - row * high
            shape = (x, bottom - max(2.0, high - 1), max(x + size[0] / THINNEST, until - 1), bottom - 1)
            draw.rectangle(shape, _tint(COLOURS[min(number, len(COLOURS) - 1)], velocity / loudest))
    return picture


def _lines(draw: Any, score: Score, seconds: float, size: tuple[int, int]) -> None:
    for bar in score.bars():
        beats = np.arange(bar.start, bar.end, bar.meter.bar / bar.meter.beats)
        for beat, x in enumerate(seconds_at(score, beats) * size[0] / seconds):
            draw.line((x, 0, x, size[1]), BEAT if beat else BAR, 1 if beat else 2)


def _tint(colour: str, level: float) -> tuple[int, ...]:
    strength = FAINTEST + (1 - FAINTEST) * level
    return tuple(round(255 - strength * (255 - int(colour[at : at + 2], 16))) for at in (1, 3, 5))


def _drum(pitch: int) -> str:
    number = NUMBER.get(pitch)
    return OTHER if number is None else tuple(DRUMS)[number]
