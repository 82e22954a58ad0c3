"""thin: whether new notes of a voice are fewer, of fewer pitches, or more off the chords than real ones as long."""

from audio_gen.symbolic.score import TICKS, Notes

# Quarters of a passage → its fewest notes and pitches: the 1st percentiles of all such passages, from bar to bar, of
# OpenEWLD's 398 training melodies. Fewer of either have .3 to 1.2 % of these passages, and 0 to 1.2 % of JSB's voices
# (8.3 % of their 12 passages of 128 quarters).
LEAST = {4: (1, 1), 8: (2, 1), 16: (5, 2), 32: (13, 4), 64: (27, 6), 128: (54, 7)}

# Quarters of a passage → the least share of its notes that are tones of their chords: the 1st percentiles of the same
# passages, rounded down; of a bar it is 0.
LEAST_TONES = {8: 0.16, 16: 0.27, 32: 0.34, 64: 0.37, 128: 0.4}


def is_thin(notes: Notes, ticks: int) -> bool:
    """Whether `notes`, which begin in a passage of so many ticks, are fewer than in 99 of 100 real ones, or drone.

    Between two lengths it is the shorter one's notes a quarter that count; of less than four quarters nothing is said.
    """
    quarters = ticks / TICKS
    known = [length for length in LEAST if length <= quarters]
    if not known:
        return False
    fewest, pitches = LEAST[known[-1]]
    return len(notes) < fewest * quarters / known[-1] or len(set(notes["pitch"].tolist())) < pitches


def is_off(share: float | None, ticks: int) -> bool:
    """Whether this share of chord tones (`piece.chord_tone_share`) is less than in 99 of 100 real passages as long.

    None, of notes without chords, is not, and of less than eight quarters nothing is said.
    """
    known = [length for length in LEAST_TONES if length <= ticks / TICKS]
    return share is not None and bool(known) and share < LEAST_TONES[known[-1]]
