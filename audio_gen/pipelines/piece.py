"""piece: what a piece of notes is asked to be, and what became of it, measured."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from audio_gen.errors import ParameterError
from audio_gen.metrics.composition import chord_agreement
from audio_gen.pipelines.accompaniment import NAME, diatonic
from audio_gen.pipelines.wish_words import parse_meter, parse_range, pitch_name, style_number
from audio_gen.symbolic.encoders.melody import chord_steps
from audio_gen.symbolic.score import SIXTEENTH, TICKS, Chord, Meter, Notes, Score
from audio_gen.symbolic.theory import (
    chord_code,
    chord_of_code,
    chord_tones,
    estimate_key,
    key_name,
    parse_chords,
    parse_key,
    place_chords,
    scale_mask,
)

DENSITIES = ("low", "mid", "high")
VOICES = ("satb", "chords")
MOST_BARS, MOST_TAKES = 512, 64
SLOWEST, FASTEST = 10.0, 400.0  # quarters a minute
REDRAWS = 7  # takes of 8 bars over one chord that the shipped melody model makes are thin one time in three


@dataclass(frozen=True)
class Wish:
    """What a piece is to be; all that it depends on beside the checkpoint (and the notes it is made for).

    Args:
        style: one of the checkpoint's labels; None is any.
        key: "D minor"; None leaves it to the model.
        meter: "3/4"; None is 4/4, or that of the given notes.
        bpm: quarters a minute, 10 to 400; None is 120, or that of the given notes.
        bars: how many, 1 to 512; None leaves it to the model.
        chords: "Dm7 G7 | Cmaj7", bar by bar (`theory.parse_chords`); None: nobody tells any.
        density: low, mid or high: the third of real music that the notes a quarter shall lie in.
        pitches: "C3-C6", the lowest and the highest.
        voices: "satb", or a melody with "chords"; None leaves it to the model.
        temperature: above 1 is bolder, below 1 tamer.
        top_p: only the likeliest choices that have this chance together, above 0 to 1.
        seed: with `index` and `take` it gives the random numbers.
        index: which piece of the seed.
        take: which try at that piece, the first of `best_of`.
        best_of: so many takes are made, and the one that fits best is kept.
        programs: General MIDI, 0 to 127, of the new tracks in turn, the last also of those after it; None: pianos.
        redraws: so many more takes, at most, while what is kept is thin, or off its chords (`thin`).

    Raises:
        ParameterError: a value that is none; the message says what is allowed.
    """

    style: str | None = None
    key: str | None = None
    meter: str | None = None
    bpm: float | None = None
    bars: int | None = None
    chords: str | None = None
    density: str | None = None
    pitches: str | None = None
    voices: str | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0
    index: int = 0
    take: int = 0
    best_of: int = 1
    programs: tuple[int, ...] | None = None
    redraws: int = 0

    def __post_init__(self) -> None:
        _ = self.tonality, self.metre, self.harmony, self.span  # each says what is wrong with it
        if self.bpm is not None and not SLOWEST <= self.bpm <= FASTEST:
            raise ParameterError(f"bpm is {SLOWEST:g} to {FASTEST:g} quarters a minute, not {self.bpm}")
        if self.bars is not None and not 1 <= self.bars <= MOST_BARS:
            raise ParameterError(f"bars are 1 to {MOST_BARS}, not {self.bars}")
        if self.density is not None and self.density not in DENSITIES:
            raise ParameterError(f"density is one of {', '.join(DENSITIES)}, not {self.density!r}")
        if self.voices is not None and self.voices not in VOICES:
            raise ParameterError(f"voices are one of {', '.join(VOICES)}, not {self.voices!r}")
        if not 0 < self.temperature <= 10:
            raise ParameterError(f"temperature is above 0 and at most 10, not {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ParameterError(f"top_p is above 0 and at most 1, not {self.top_p}")
        if not 1 <= self.best_of <= MOST_TAKES:
            raise ParameterError(f"best_of is 1 to {MOST_TAKES} takes, not {self.best_of}")
        if self.programs is not None and not (self.programs and all(0 <= one <= 127 for one in self.programs)):
            raise ParameterError(f"programs are numbers from 0 to 127, not {self.programs}")
        if not 0 <= self.redraws <= MOST_TAKES:
            raise ParameterError(f"redraws are 0 to {MOST_TAKES}, not {self.redraws}")

    @property
    def tonality(self) -> tuple[int, bool] | None:
        """Tonic and whether minor, where a key is asked for."""
        return None if self.key is None else parse_key(self.key)

    @property
    def metre(self) -> Meter | None:
        """The metre that is asked for, from 0 on."""
        return None if self.meter is None else parse_meter(self.meter)

    @property
    def harmony(self) -> list[list[tuple[int, str, int]]] | None:
        """The chords of each bar, where some are asked for."""
        return None if self.chords is None else parse_chords(self.chords)

    @property
    def span(self) -> tuple[int, int] | None:
        """Lowest and highest MIDI pitch, where a range is asked for."""
        return None if self.pitches is None else parse_range(self.pitches)

    def program(self, place: int, usual: int = 0) -> int:
        """That of the new track at this place (from 0), or the usual one."""
        return self.programs[min(place, len(self.programs) - 1)] if self.programs else usual

    def placed(self, bars: int, bar: int, start: int = 0) -> tuple[Chord, ...]:
        """The chords that are asked for over so many bars of `bar` ticks from `start` on; none where none are."""
        harmony = self.harmony
        return () if harmony is None else place_chords(harmony, [start + n * bar for n in range(bars + 1)])

    def label(self, styles: Sequence[str], model: str) -> int:
        """The number of the style for a network of these styles; one more is "any".

        A part of a label's name will do if no other label has it, and capitals don't count.

        Raises:
            ParameterError: no such style; the message lists those there are.
        """
        return len(styles) if self.style is None else style_number(self.style, styles, model)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Piece:
    """A new piece.

    Args:
        score: its notes.
        wish: what was asked for, as JSON has it.
        measured: what was asked for, and more, as it came out (`measured`).
        copies: what of it occurs in the music that the model learnt from; None where nobody could compare.
        more: what else there is to tell of it.
    """

    score: Score
    wish: dict[str, Any]
    measured: dict[str, Any]
    copies: dict[str, Any] | None = None
    more: dict[str, Any] = field(default_factory=dict)


def measured(score: Score, track: int | None = None, *, key: tuple[int, bool] | None = None) -> dict[str, Any]:
    """What of a score can be asked for, as it is.

    Args:
        score: what to measure.
        track: the one (from 0) whose notes are measured; None: all that are neither drums nor block chords, or all
            drums where nothing else is there.
        key: tonic and mode that the shares of notes and chords in key are told for; None: the one that is estimated.
    """
    chosen = score.tracks if track is None else (score.tracks[track],)
    tuned = [one for one in chosen if not one.is_drum and one.name != NAME]
    notes = np.concatenate([one.notes for one in tuned or chosen if len(one.notes)] or [np.zeros(0, "<i4")])
    bars = score.bars() if score.end else []
    meters = [f"{meter.beats}/{meter.unit}" for meter in score.meters]
    tempi = [round(tempo.bpm, 3) for tempo in score.tempi]  # MIDI holds 1e-6 s a quarter: 119.99988 is 120
    found: dict[str, Any] = {
        "bars": len(bars),
        "meter": meters[0] if len(meters) == 1 else meters,
        "bpm": tempi[0] if len(tempi) == 1 else tempi,
        "seconds": round(seconds_of(score), 3),
        "notes": len(notes),
        "notes_a_bar": round(len(notes) / len(bars), 3) if bars else 0.0,
    }
    if not len(notes) or not tuned:
        return found
    estimate = estimate_key(notes)
    tonic, minor = key or (estimate.tonic, estimate.minor)
    inside = scale_mask(tonic, minor)[notes["pitch"] % 12]
    found["key_estimated"] = key_name(estimate.tonic, estimate.minor)
    found["in_key_share"] = round(float(inside.mean()), 4)
    found["range"] = f"{pitch_name(int(notes['pitch'].min()))}-{pitch_name(int(notes['pitch'].max()))}"
    if score.chords:
        found["chords_in_key_share"] = chords_in_key_share(score.chords, tonic, minor)
        found["chord_tone_share"] = chord_tone_share(notes, score.chords)
    return found


def chords_in_key_share(chords: tuple[Chord, ...], tonic: int, minor: bool) -> float | None:
    """The share of chords that are wholly in a key (`accompaniment.diatonic`); None of no chords."""
    codes = [chord_code(chord.root, chord.quality) for chord in chords if chord.quality]
    return round(float(diatonic(tonic, minor)[codes].mean()), 4) if codes else None


def chord_tone_share(notes: Notes, chords: tuple[Chord, ...]) -> float | None:
    """The share of notes that belong to the chord at their onset; None where no note has a chord."""
    if not len(notes):
        return None
    steps = notes["onset"].astype(np.int64) // SIXTEENTH
    codes = chord_steps(chords, int(steps.max()) + 1)[steps]
    tones = np.array([chord_tones(*chord_of_code(int(code))) for code in codes])
    share = chord_agreement(notes["pitch"], steps, notes["duration"], tones).by_note
    return None if np.isnan(share) else round(share, 4)


def notes_a_quarter(score: Score, track: int) -> float:
    """Notes of a track over the quarters of the score's bars: a density that doesn't depend on the metre."""
    bars = score.bars()
    return len(score.tracks[track].notes) * TICKS / max(1, bars[-1].end if bars else 1)


def seconds_of(score: Score) -> float:
    """How long the score lasts."""
    ends = [*(tempo.onset for tempo in score.tempi[1:]), max(score.end, score.tempi[-1].onset)]
    return sum(
        max(0, min(end, score.end) - tempo.onset) / TICKS * 60 / tempo.bpm
        for tempo, end in zip(score.tempi, ends, strict=True)
    )


def refuse_fixed(wish: Wish) -> None:
    """What a given score has settled can't be asked for.

    Raises:
        ParameterError: a metre or a tempo.
    """
    if wish.meter is not None or wish.bpm is not None:
        raise ParameterError("metre and tempo are those of the given score; leave them out")


def up_to(score: Score, end: int) -> Score:
    """The score without metres, tempi, keys and chords that begin at its end or later, where new music shall be."""

    def before(parts: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(part for part in parts if part.onset < max(end, 1))

    return replace(
        score,
        meters=before(score.meters),
        tempi=before(score.tempi),
        keys=before(score.keys),
        chords=before(score.chords),
    )
