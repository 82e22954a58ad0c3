"""line_plan: of a score, what stays and what is to be told: the lines, their gaps, and what may go there."""

from dataclasses import dataclass

import numpy as np

from audio_gen.errors import ParameterError
from audio_gen.models.composer import UNKNOWN
from audio_gen.models.composer_pieces import FOUR, setting_of
from audio_gen.pipelines.accompaniment import NAME, diatonic
from audio_gen.pipelines.canvas import Mask
from audio_gen.pipelines.piece import Wish
from audio_gen.symbolic.encoders.voices import (
    CHORD,
    CHORDS,
    HIGHEST,
    LOWEST,
    MELODY,
    PITCH,
    SYMBOLS,
    Line,
    transposed,
)
from audio_gen.symbolic.files import one_voice
from audio_gen.symbolic.score import Chord, Notes, Score, Track, notes_of
from audio_gen.symbolic.theory import NO_CHORD, chord_of_code, chord_tones, estimate_key, scale_mask


@dataclass(frozen=True, eq=False)
class Plan:
    """A score and what of it is to be told.

    Args:
        score: all that stays, notes as they are; its tracks are those of the lines, and others.
        tracks: the track of each line, but for that of chords.
        roles: the role of each line.
        lines: as they are written, gaps with the symbol UNKNOWN.
        key: tonic and whether minor.
        bar: ticks a bar.
        sounds: whether the first line has to sound in the last bar.
        played: the tick from which on block chords play the chords; None leaves them as they are.
        program: of a track of block chords that is added.
    """

    score: Score
    tracks: tuple[int, ...]
    roles: tuple[int, ...]
    lines: tuple[Line, ...]
    key: tuple[int, bool]
    bar: int
    sounds: bool = False
    played: int | None = None
    program: int = 0

    @property
    def units(self) -> int:
        """How long it is."""
        return int(self.lines[0][-1, :2].sum())


def lines_of(score: Score, track: int | None, *, melody: bool = False) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which tracks are the lines, and the roles of all: four voices by their pitch, or a melody and chords.

    The track of block chords doesn't count. With a `track` (from 1) that isn't one of four voices, it is the melody;
    with `melody` it is a melody anyway, whose role is told alone.

    Raises:
        ParameterError: neither; the message tells what there is.
    """
    number_of = [n for n, one in enumerate(score.tracks) if one.name == NAME]
    bare = score
    for number in number_of:
        bare = bare.with_track(number, Track(notes_of([]), NAME))
    if melody or (track is not None and not _four(bare)):
        return (one_voice(bare, track),), (MELODY, CHORDS)
    tracks, roles = setting_of(bare)
    if roles != FOUR:
        return tracks, (MELODY, CHORDS)
    height = {number: float(np.median(score.tracks[number].notes["pitch"])) for number in tracks}
    return tuple(sorted(tracks, key=lambda number: -height[number])), FOUR


def _four(score: Score) -> bool:
    voices = [one for one in score.tracks if len(one.notes) and not one.is_drum]
    return len(voices) == len(FOUR) and not any(one.polyphonic for one in voices)


def key_of_lines(score: Score, tracks: tuple[int, ...]) -> tuple[int, bool]:
    """Tonic and whether minor: the last key that the score tells, or the one estimated from these tracks."""
    if score.keys:
        return score.keys[-1].tonic, score.keys[-1].minor
    key = estimate_key(np.concatenate([score.tracks[number].notes for number in tracks]))
    return key.tonic, key.minor


def end_of(notes: Notes) -> int:
    """Tick at which the last note ends."""
    return int((notes["onset"] + notes["duration"]).max())


def moved(line: Line, semitones: int) -> Line:
    """The line so many semitones higher, its gaps as they are."""
    higher = transposed(line, semitones)
    higher[line[:, 2] == UNKNOWN, 2] = UNKNOWN
    return higher


def within_gaps(told: Line, gaps: Line) -> Line:
    """The rows of a line that stand where it had gaps."""
    inside = np.zeros(len(told), bool)
    for onset, duration, _ in gaps[gaps[:, 2] == UNKNOWN].tolist():
        inside |= (told[:, 0] >= onset) & (told[:, 0] < onset + duration)
    return told[inside]


def chords_joined(chords: tuple[Chord, ...], more: tuple[Chord, ...]) -> tuple[Chord, ...]:
    """Chords and those after them; one that goes on isn't said again."""
    again = bool(chords and more) and chords[-1][1:3] == more[0][1:3]
    return (*chords, *more[1 if again else 0 :])


def allowed_symbols(plan: Plan, shift: int, wish: Wish) -> Mask:
    """`[units, SYMBOLS]`: pitches in the range, and, where a key is asked for, in the key or an asked chord.

    Chords are then the key's (`accompaniment.diatonic`); this holds for new ones alone, and those told stay.

    Raises:
        ParameterError: no pitch is left.
    """
    pitches = LOWEST + np.arange(CHORD - PITCH)  # from the tonic
    low, high = wish.span or (LOWEST, HIGHEST)
    within = (pitches - shift >= max(low, LOWEST)) & (pitches - shift <= min(high, HIGHEST))
    if not within.any():
        raise ParameterError(f"range {wish.pitches!r} leaves no pitch; there are C1 to B7")
    allowed = np.ones((plan.units, SYMBOLS), bool)
    allowed[:, PITCH:CHORD] = within
    if wish.tonality is not None:
        allowed[:, PITCH:CHORD] &= (
            scale_mask(0, plan.key[1])[pitches % 12] | _asked_tones(plan, shift, wish)[:, pitches % 12]
        )
        allowed[:, CHORD : CHORD + NO_CHORD] = diatonic(0, plan.key[1])
    return allowed


def _asked_tones(plan: Plan, shift: int, wish: Wish) -> Mask:
    """`[units, 12]`: pitch classes, from the tonic, of the chord that is asked for."""
    tones = np.zeros((plan.units, 12), bool)
    if wish.chords is None:
        return tones
    for onset, duration, symbol in moved(plan.lines[-1], shift).tolist():
        if symbol >= CHORD and symbol != CHORD + NO_CHORD:
            tones[onset : onset + duration] = chord_tones(*chord_of_code(symbol - CHORD))
    return tones
