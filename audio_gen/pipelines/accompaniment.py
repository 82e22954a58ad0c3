"""accompaniment: what chords alone tell: block chords to hear them by, a key, and a progression once more."""

from dataclasses import replace

import numpy as np

from audio_gen.symbolic.score import Chord, Score, Track, notes_of
from audio_gen.symbolic.theory import QUALITIES, TONES, estimate_key

NAME = "block chords"  # the track that plays a score's chords
LOWEST = 48  # C3: the chords' tones lie in the octave from there on, the bass an octave or more below
VELOCITY = 60  # below a melody's


def block_chords(chords: tuple[Chord, ...], end: int) -> Track:
    """A track that plays each chord until the next one, the last until tick `end`, over its bass."""
    ends = [*(chord.onset for chord in chords[1:]), end]
    rows = [
        (chord.onset, min(until, end) - chord.onset, pitch, VELOCITY)
        for chord, until in zip(chords, ends, strict=True)
        if chord.quality and chord.onset < end
        for pitch in pitches_of(chord)
    ]
    return Track(notes_of(rows), NAME)


def pitches_of(chord: Chord) -> list[int]:
    """Bass and tones of a chord, as MIDI pitches."""
    tones = {LOWEST + (chord.root + tone) % 12 for tone in TONES[QUALITIES.index(chord.quality)]}
    return [LOWEST - 12 + chord.bass, *sorted(tones)]


def key_of_chords(chords: tuple[Chord, ...]) -> tuple[int, bool]:
    """Tonic and whether minor, estimated from the chords' tones, each chord as long as the others; C major of none."""
    rows = [(n, 1, pitch, 1) for n, chord in enumerate(chords) if chord.quality for pitch in pitches_of(chord)]
    if not rows:
        return 0, False
    key = estimate_key(notes_of(rows))
    return key.tonic, key.minor


def repeated(chords: tuple[Chord, ...], start: int, end: int) -> tuple[Chord, ...]:
    """Chords of the music up to tick `start` once more from there on, again and again up to `end`."""
    kept = [chord for chord in chords if chord.onset < start]
    if not kept or not start:
        return ()
    found = [chord._replace(onset=chord.onset + turn) for turn in range(start, end, start) for chord in kept]
    if kept[0].onset:
        found = [Chord(start, 0, "", 0), *found]
    return tuple(chord for chord in found if chord.onset < end)


def accompanied(score: Score, since: int, end: int, *, add: bool) -> Score:
    """The score with its chords played from tick `since` to `end`, in the track of block chords after what it plays.

    Where there is no such track, one is added if that is asked for.
    """
    number = next((n for n, one in enumerate(score.tracks) if one.name == NAME), None)
    if not any(chord.quality for chord in score.chords) or (number is None and not add):
        return score
    notes = block_chords(score.chords, end).notes
    notes = notes[notes["onset"] + notes["duration"] > since].copy()
    late = np.maximum(since - notes["onset"], 0)
    notes["onset"] += late
    notes["duration"] -= late
    if number is None:
        return replace(score, tracks=(*score.tracks, Track(notes, NAME)))
    track = score.tracks[number]
    return score.with_track(number, replace(track, notes=np.concatenate([track.notes, notes])))
