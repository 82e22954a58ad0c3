"""What a melody is like: statistics of pitch, rhythm and harmony, each a pure function of plain arrays.

Notes come in order of onset: `pitches` (MIDI) `[N]`, `onsets` and `durations` `[N]` in whole steps (16ths unless told).
A bar has `bar` steps and begins at its multiples. A statistic of too few notes is NaN. Of pitches alone, entropy and
scale consistency see no order: shuffled notes have the same figures, so never report them without the intervals.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

BAR = 16  # steps: 16ths of 4/4
BEAT = 4
LEAP = 7  # semitones; more than a fifth
LAGS = (1, 2, 4, 8)  # bars
DIATONIC = (0, 2, 4, 5, 7, 9, 11)

Numbers = npt.NDArray[np.int64]
Figures = npt.NDArray[np.float64]


def pitch_class_entropy(pitches: npt.ArrayLike) -> float:
    """-Σ p log2 p over the 12 pitch classes, by note count: 0 to log2 12 = 3.585 bits."""
    counts = np.bincount(_integers(pitches) % 12)
    shares = counts[counts > 0] / counts.sum() if counts.size else np.full(1, np.nan)
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def scale_consistency(pitches: npt.ArrayLike) -> float:
    """The largest share of notes within one of the 12 diatonic scales (a minor scale is its relative major's)."""
    counts = np.bincount(_integers(pitches) % 12, minlength=12)
    scales = np.add.outer(np.arange(12), DIATONIC) % 12
    return _over(int(counts[scales].sum(1).max()), int(counts.sum()))


def pitch_change_rate(pitches: npt.ArrayLike) -> float:
    """The share of successive notes that differ in pitch."""
    return _mean(np.diff(_integers(pitches)) != 0)


def mean_absolute_interval(pitches: npt.ArrayLike) -> float:
    """The mean |interval| of successive notes, in semitones."""
    return _mean(np.abs(np.diff(_integers(pitches))))


def leaps(pitches: npt.ArrayLike, over: int = LEAP) -> float:
    """The share of intervals larger than `over` semitones."""
    return _mean(np.abs(np.diff(_integers(pitches))) > over)


def pitch_range(pitches: npt.ArrayLike) -> float:
    """Highest minus lowest pitch, in semitones."""
    notes = _integers(pitches)
    return float(np.ptp(notes)) if notes.size else np.nan


def notes_a_bar(onsets: npt.ArrayLike, *, bar: int = BAR) -> float:
    """Notes over the bars from the first note's to the last's."""
    rows = onset_rows(onsets, bar=bar)
    return _over(_integers(onsets).size, len(rows))


def onset_rows(onsets: npt.ArrayLike, *, bar: int = BAR) -> npt.NDArray[np.bool_]:
    """`[bars, bar]`: the steps at which notes begin, from the first note's bar to the last's; `[0, bar]` of none."""
    steps = _integers(onsets)
    if not steps.size:
        return np.zeros((0, bar), bool)
    steps = steps - steps.min() // bar * bar
    rows = np.zeros((int(steps.max()) // bar + 1, bar), bool)
    rows[steps // bar, steps % bar] = True
    return rows


def groove_consistency(onsets: npt.ArrayLike, *, bar: int = BAR) -> float:
    """1 - mean Hamming distance of neighbouring bars' onsets / `bar`; 1 where all bars are alike.

    Bars before the first note and after the last don't count: an empty one appended would lower the figure.
    """
    rows = onset_rows(onsets, bar=bar)
    return 1 - _mean(rows[1:] != rows[:-1])


def rhythm_similarity(onsets: npt.ArrayLike, *, bar: int = BAR) -> float:
    """The mean cosine of neighbouring bars' onsets, where both have notes: 0 to 1.

    It tells rhythm from chance where the Hamming distance hardly does, since most steps are empty in both bars.
    """
    rows = onset_rows(onsets, bar=bar).astype(np.float64)
    size = np.sqrt(rows.sum(1))
    both = (size[1:] > 0) & (size[:-1] > 0)
    return _mean((rows[1:] * rows[:-1]).sum(1)[both] / (size[1:] * size[:-1])[both])


class ChordAgreement(NamedTuple):
    """Shares of a melody that are tones of the chord beneath: of notes, of notes on a beat, of sounding time."""

    by_note: float
    on_beats: float
    by_duration: float


def chord_agreement(
    pitches: npt.ArrayLike,
    onsets: npt.ArrayLike,
    durations: npt.ArrayLike,
    tones: npt.ArrayLike,
    *,
    beat: int = BEAT,
) -> ChordAgreement:
    """How much of a melody belongs to its chords; each note counts with the chord at its onset.

    Args:
        tones: `[N, 12]`, for each note the pitch classes of its chord; a row of none (no chord) leaves the note out.
        beat: steps.
    """
    chords, lengths = np.asarray(tones, bool).reshape(-1, 12), np.asarray(durations, np.float64)
    there = chords.any(1)
    inside = chords[np.arange(len(chords)), _integers(pitches) % 12][there]
    on_beat = (_integers(onsets) % beat == 0)[there]
    by_duration = _over(float(lengths[there][inside].sum()), float(lengths[there].sum()))
    return ChordAgreement(_mean(inside), _mean(inside[on_beat]), by_duration)


def self_similarity(
    pitches: npt.ArrayLike, onsets: npt.ArrayLike, *, lags: tuple[int, ...] = LAGS, bar: int = BAR
) -> Figures:
    """`[lags]`: how alike bars are that lie so many bars apart: the mean of 1 - edit distance / longer bar's notes.

    A bar is its notes, each as (onset in the bar, interval from the note before), so that a transposition changes
    none but the first. Pairs of which neither bar has notes are left out; 0 to 1, NaN where no pair is left.
    """
    notes, steps = _integers(pitches), _integers(onsets)
    rows: list[list[tuple[int, int]]] = [[] for _ in onset_rows(steps, bar=bar)]
    first = int(steps.min()) // bar if steps.size else 0
    for step, interval in zip(steps.tolist(), np.diff(notes, prepend=notes[:1]).tolist(), strict=True):
        rows[step // bar - first].append((step % bar, interval))
    return np.array([_mean(np.array(_alike(rows, lag))) for lag in lags])


def edit_distance(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> int:
    """The fewest insertions, deletions and substitutions between two sequences (V. Levenshtein, 1966)."""
    above = list(range(len(other) + 1))
    for row, left in enumerate(one, 1):
        here = [row]
        for column, right in enumerate(other, 1):
            here.append(min(above[column] + 1, here[-1] + 1, above[column - 1] + (left != right)))
        above = here
    return above[-1]


def distinct_share(tokens: npt.ArrayLike, n: int = 4) -> float:
    """The share of n-grams of one sequence (or of any rows `[T, D]`) that differ: low where a piece repeats itself."""
    rows = np.asarray(tokens)
    grams = {rows[i : i + n].tobytes() for i in range(len(rows) - n + 1)}
    return _over(len(grams), len(rows) - n + 1)


def statistics(pitches: npt.ArrayLike, onsets: npt.ArrayLike, *, bar: int = BAR) -> dict[str, float]:
    """Every statistic that needs neither chords nor a corpus, by name."""
    curve = self_similarity(pitches, onsets, bar=bar)
    return {
        "pitch_class_entropy": pitch_class_entropy(pitches),
        "scale_consistency": scale_consistency(pitches),
        "pitch_change_rate": pitch_change_rate(pitches),
        "mean_absolute_interval": mean_absolute_interval(pitches),
        "leaps": leaps(pitches),
        "pitch_range": pitch_range(pitches),
        "notes_a_bar": notes_a_bar(onsets, bar=bar),
        "groove_consistency": groove_consistency(onsets, bar=bar),
        "rhythm_similarity": rhythm_similarity(onsets, bar=bar),
        **{f"self_similarity_{lag}": float(alike) for lag, alike in zip(LAGS, curve, strict=True)},
    }


def _alike(rows: list[list[tuple[int, int]]], lag: int) -> list[float]:
    pairs = [(one, other) for one, other in zip(rows, rows[lag:], strict=False) if one or other]
    return [1 - edit_distance(one, other) / max(len(one), len(other)) for one, other in pairs]


def _integers(numbers: npt.ArrayLike) -> Numbers:
    return np.asarray(numbers).astype(np.int64)  # MIDI pitches of one byte would wrap around in a difference


def _mean(values: npt.NDArray[Any]) -> float:
    return float(np.mean(values, dtype=np.float64)) if values.size else np.nan


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else np.nan
