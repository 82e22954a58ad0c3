"""A part of a score as a score of its own, in which nothing but the music tells who made it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from audio_gen.symbolic.encoders.drums import DRUMS, LENGTH, NUMBER
from audio_gen.symbolic.score import NOTE, TICKS, Chord, Key, Meter, Notes, Score, Tempo, Track

AT_ONCE = LENGTH  # ticks (a 32nd): a hit that comes so early before the part, or a note with so much left, is in it
LOUDEST = 100  # velocity of the loudest note where no track varies
_GENERAL = np.array([tuple(DRUMS.values())[NUMBER[pitch]][0] if pitch in NUMBER else pitch for pitch in range(128)])
Sign = TypeVar("Sign", Meter, Tempo, Key, Chord)


def seconds_at(score: Score, ticks: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """When these ticks are played, by the score's tempi."""
    onsets, begins, bpm = _tempi(score)
    places = np.asarray(ticks, np.float64)
    at = np.searchsorted(onsets, places, "right") - 1
    found: npt.NDArray[np.float64] = begins[at] + (places - onsets[at]) * 60 / (bpm[at] * TICKS)
    return found


def tick_at(score: Score, seconds: float) -> int:
    """The tick that is played then, to the nearest."""
    onsets, begins, bpm = _tempi(score)
    at = int(np.searchsorted(begins, seconds, "right")) - 1
    return round(float(onsets[at] + (seconds - begins[at]) * bpm[at] * TICKS / 60))


def part(score: Score, start: int, stop: int) -> Score:
    """The music from tick `start`, where a bar begins, to `stop`, brought into one form.

    Left out are names, keys, chord symbols and silent tracks: files of different origin have some and lack others.
    Drums are those nine that our models know, as General MIDI has them (a kit's own rims and bells would tell it), and
    last a 32nd, since they ring on by themselves; others stay. Velocities stay; where no track varies, nobody meant
    anything by them, and the loudest is made `LOUDEST`. What sounds at the start, or is struck a
    little early for it, begins there.
    """
    tracks = [_cut(track, start, stop) for track in score.tracks]
    tracks = [track for track in tracks if len(track.notes)]
    flat = all(np.ptp(track.notes["velocity"]) == 0 for track in tracks)
    if tracks and flat:
        loudest = max(int(track.notes["velocity"][0]) for track in tracks)
        tracks = [_scaled(track, LOUDEST / loudest) for track in tracks]
    return Score(tuple(tracks), held(score.meters, start, stop), held(score.tempi, start, stop))


def held(signs: Sequence[Sign], start: int, stop: int | None = None) -> tuple[Sign, ...]:
    """Those that hold from tick `start` on (up to `stop`), counted from there; what holds at `start` comes first."""
    first = max((number for number, one in enumerate(signs) if one.onset <= start), default=0)
    inside = (one for one in signs[first:] if stop is None or one.onset < max(stop, 1))
    return tuple(one._replace(onset=max(0, one.onset - start)) for one in inside)


def _tempi(score: Score) -> tuple[Any, Any, Any]:
    """Of each tempo its tick, its second, and quarters a minute."""
    onsets, bpm = np.array(score.tempi, np.float64).T
    begins = np.concatenate([[0.0], np.cumsum(np.diff(onsets) * 60 / (bpm[:-1] * TICKS))])
    return onsets, begins, bpm


def _cut(track: Track, start: int, stop: int) -> Track:
    onset = track.notes["onset"].astype(np.int64)
    end = onset + track.notes["duration"]
    before = onset > start - AT_ONCE if track.is_drum else end >= start + AT_ONCE
    inside = (onset < stop) & ((onset >= start) | before)
    notes: Notes = track.notes[inside].copy()
    notes["onset"] = np.maximum(onset[inside] - start, 0)
    notes["duration"] = np.minimum(end[inside], stop) - start - notes["onset"]
    if track.is_drum:
        notes["pitch"] = _GENERAL[notes["pitch"]]
        notes["duration"] = np.minimum(LENGTH, stop - start - notes["onset"])
    return Track(notes.astype(NOTE), program=track.program, is_drum=track.is_drum)


def _scaled(track: Track, factor: float) -> Track:
    notes = track.notes.copy()
    notes["velocity"] = np.clip(np.rint(notes["velocity"] * factor), 1, 127)
    return replace(track, notes=notes)
