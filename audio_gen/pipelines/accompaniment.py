"""accompaniment: what chords alone tell: block chords to hear them by, a key or none, a progression once more."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from audio_gen.symbolic.score import Chord, Notes, Score, Track, notes_of
from audio_gen.symbolic.theory import (
    NO_CHORD,
    QUALITIES,
    TONES,
    chord_code,
    chord_of_code,
    chord_tones,
    estimate_key,
    scale_mask,
)

NAME = "block chords"  # the track that plays a score's chords
LOWEST = 48  # C3: the chords' tones lie in the octave from there on, the bass below; lower where a tune is low
DEEPEST = 36  # C2: chords whose tones lie lower are mud
MIDDLE = 60  # C4: a tune below is a bass, with room for chords above
VELOCITY = 60  # below a melody's
HARMONIC = ((7, "maj"), (7, "7"), (11, "dim"))  # above the tonic: with the leading note that natural minor hasn't


def block_chords(chords: tuple[Chord, ...], end: int, lowest: int = LOWEST) -> Track:
    """A track that plays each chord until the next one, the last until tick `end`, over its bass (`pitches_of`)."""
    ends = [*(chord.onset for chord in chords[1:]), end]
    rows = [
        (chord.onset, min(until, end) - chord.onset, pitch, VELOCITY)
        for chord, until in zip(chords, ends, strict=True)
        if chord.quality and chord.onset < end
        for pitch in pitches_of(chord, lowest)
    ]
    return Track(notes_of(rows), NAME)


def pitches_of(chord: Chord, lowest: int = LOWEST) -> list[int]:
    """The bass of a chord, in the octave below `lowest`, and its tones, in the octave from there on: MIDI pitches."""
    tones = {lowest + (chord.root + tone - lowest) % 12 for tone in TONES[QUALITIES.index(chord.quality)]}
    return [lowest - 12 + (chord.bass - lowest) % 12, *sorted(tones)]


def room_for_chords(tune: Notes) -> int:
    """From which pitch on the chords' octave doesn't cover a tune: below it or, of a bass, above it.

    The tune's lowest and highest tenth of notes don't count, so that one of them doesn't move all chords.
    """
    if not len(tune):
        return LOWEST
    pitches = np.sort(tune["pitch"])
    few = (len(pitches) - 1) // 10
    low, high = int(pitches[few]), int(pitches[-1 - few])
    below = min(LOWEST, low - 12)
    if below < DEEPEST and high < MIDDLE:
        return max(LOWEST, high + 1)
    return max(DEEPEST, below)


def key_of_chords(chords: tuple[Chord, ...], end: int) -> tuple[int, bool]:
    """Tonic and whether minor, estimated from what the chords play up to tick `end`; C major of none.

    Of 1,317 songs of OpenEWLD and Nottingham it is the key that comes with them for 1,127, and for 1,120 with all
    chords equally long.
    """
    if not any(chord.quality and chord.onset < end for chord in chords):
        return 0, False
    key = estimate_key(block_chords(chords, end).notes)
    return key.tonic, key.minor


def diatonic(tonic: int, minor: bool) -> npt.NDArray[np.bool_]:
    """`[NO_CHORD]`, by code: chords whose tones are all in the key; in minor natural minor's, and V, V7 and vii."""
    scale = scale_mask((tonic + 3) % 12 if minor else tonic, False)  # the relative major's tones
    tones = np.array([chord_tones(*chord_of_code(code)) for code in range(NO_CHORD)])
    inside: npt.NDArray[np.bool_] = np.logical_not((tones & ~scale).any(1))
    for root, quality in HARMONIC if minor else ():
        inside[chord_code((tonic + root) % 12, quality)] = True
    return inside


def repeated(chords: tuple[Chord, ...], start: int, end: int) -> tuple[Chord, ...]:
    """Chords of the music up to tick `start` once more from there on, again and again up to `end`."""
    kept = [chord for chord in chords if chord.onset < start]
    if not kept or not start:
        return ()
    found = [chord._replace(onset=chord.onset + turn) for turn in range(start, end, start) for chord in kept]
    if kept[0].onset:
        found = [Chord(start, 0, "", 0), *found]
    return tuple(chord for chord in found if chord.onset < end)


def accompanied(score: Score, tune: int, since: int, end: int, *, program: int | None) -> Score:
    """The score with its chords played from tick `since` to `end`, in the track of block chords after what it plays.

    Where there is no such track, one of this program is added, but for None. Track `tune` (from 0) isn't covered, as
    far as it is known at `since`: so chords go on where they lay.
    """
    number = next((n for n, one in enumerate(score.tracks) if one.name == NAME), None)
    if not any(chord.quality for chord in score.chords) or (number is None and program is None):
        return score
    sung = score.tracks[tune].notes
    before = sung[sung["onset"] < since]
    notes = block_chords(score.chords, end, room_for_chords(before if len(before) else sung)).notes
    notes = notes[notes["onset"] + notes["duration"] > since].copy()
    late = np.maximum(since - notes["onset"], 0)
    notes["onset"] += late
    notes["duration"] -= late
    if number is None:
        return replace(score, tracks=(*score.tracks, Track(notes, NAME, program or 0)))
    track = score.tracks[number]
    return score.with_track(number, replace(track, notes=np.concatenate([track.notes, notes])))
