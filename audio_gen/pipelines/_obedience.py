"""Does what is asked for come out? Each control is asked for alone, in short new pieces, and judged by the notes.

Beside each stands how many pieces obey of which nothing was asked: bars and metres are exact, densities may come by
themselves. Where real pieces can be judged too, they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from audio_gen.models import composer, drum_vae, melody
from audio_gen.pipelines import drum_maker, line_maker, melody_maker
from audio_gen.pipelines._note_pieces import mean
from audio_gen.pipelines._samples import Asked, Made, Progress
from audio_gen.pipelines.accompaniment import NAME
from audio_gen.pipelines.maker import Maker, density_error
from audio_gen.pipelines.piece import DENSITIES, Piece, Wish, chord_tone_share, notes_a_quarter
from audio_gen.symbolic.encoders.voices import MELODY
from audio_gen.symbolic.score import NOTE, Meter, Notes, Score
from audio_gen.symbolic.theory import estimate_key, key_name, scale_mask

TRIALS, TAKES = 12, 8  # pieces for each thing asked; takes where it is soft, as commands have it
BARS = 8
METRES = ("3/4", "6/8", "2/4")
RANGES = ("C4-C6", "G3-G5")
CHORDS = ("Dm7 G7 | Cmaj7 | Fmaj7 | Em7 A7", "A | D E7 | F#m | Bm E7", "Gm | Cm | D7 | Gm")

Figure = Callable[[Piece, Wish], float]  # 1 where a piece obeys a wish, 0 where not, or the share of its notes that do


class Control(NamedTuple):
    """Something that can be asked for: what the trials ask, and the figures that tell whether it came out."""

    wishes: list[Wish]
    figures: dict[str, Figure]


def obedience(
    maker: Maker, parts: str, real: Sequence[Asked], count: int | None, seed: int, progress: Progress
) -> dict[str, dict[str, Any]]:
    """By figure: of pieces `asked` for it, of those `not_asked`, of `real` ones, and by `chance`, where these apply.

    Args:
        maker: of the pieces.
        parts: "drums", "melody" or "satb".
        real: pieces of the split.
        count: at most so many pieces for each control; None is 12.
        seed: of the pieces.
        progress: wraps the passage of pieces.
    """
    trials = TRIALS if count is None else min(TRIALS, count)
    four = parts == "satb"  # eight takes of four voices take their time, so these are half as long
    bars, voices = (BARS // 2, "satb") if four else (BARS, None)
    plain = Wish(bars=bars, voices=voices, top_p=0.95, seed=seed)
    blank = [replace(plain, index=index) for index in range(trials)]
    asked = _controls(maker, parts, blank)
    sets = [blank, *(one.wishes for one in asked)]
    made = list(progress((maker.make(wish) for wishes in sets for wish in wishes), "asked", trials * len(sets)))
    pieces = [made[start : start + trials] for start in range(0, len(made), trials)]
    found: dict[str, dict[str, Any]] = {}
    for control, new in zip(asked, pieces[1:], strict=True):
        for name, figure in control.figures.items():
            found[name] = {
                "asked": mean([figure(piece, wish) for piece, wish in zip(new, control.wishes, strict=True)]),
                "not_asked": mean([figure(piece, wish) for piece, wish in zip(pieces[0], control.wishes, strict=True)]),
            }
            if name.startswith("density"):
                thirds = _thirds(maker, parts)
                figures = [_within(name.split()[1], density_of(one.score), thirds) for one in real]
                found[name] |= {"real": mean(figures), "chance": 1 / len(DENSITIES)}
            if name == "chord_tones":
                found[name]["real"] = mean([_tones(one.score, one.score.chords) for one in real])
    return found


def obeyed(made: Sequence[Made]) -> dict[str, Any]:
    """Shares of pieces like real ones that came out as asked; of the key, as it is estimated, also of the real ones."""
    names = ("bars", "metre", "tempo", "key", "key_of_real", "notes_in_key")
    rows: dict[str, list[float]] = {name: [] for name in names}
    for (_, real, bars, wish), piece in made:
        rows["bars"].append(_bars(piece, wish))
        rows["metre"].append(_metre(piece, wish))
        rows["tempo"].append(_tempo(piece, wish))
        if wish.tonality is not None:
            rows["key"].append(_key(piece, wish))
            rows["key_of_real"].append(estimated(real, bars) == wish.tonality)
            rows["notes_in_key"].append(piece.measured.get("in_key_share", np.nan))
    return {name: mean(values) for name, values in rows.items() if values}


def estimated(score: Score, bars: int) -> tuple[int, bool] | None:
    """Tonic and mode of what the first bars' voices sing, by their notes; chords that a maker wrote out don't count."""
    end = bars * Meter(0, 4, 4).bar
    voices = [track.notes for track in score.tracks if not track.is_drum and not track.polyphonic]
    notes = np.concatenate([one[one["onset"] < end] for one in voices]) if voices else np.zeros(0, NOTE)
    if not len(notes):
        return None
    key = estimate_key(notes)
    return key.tonic, key.minor


def density_of(score: Score) -> float:
    """Notes a quarter of its first track that has any, as makers count them."""
    there = [number for number, track in enumerate(score.tracks) if len(track.notes)]
    return notes_a_quarter(score, there[0]) if there else 0.0


def _controls(maker: Maker, parts: str, blank: Sequence[Wish]) -> list[Control]:
    thirds, drums = _thirds(maker, parts), parts == "drums"
    found = [
        Control(
            [replace(wish, density=density, best_of=TAKES) for wish in blank],
            {f"density {density}": lambda piece, wish: _within(wish.density, _told_density(piece), thirds)},
        )
        for density in DENSITIES
    ]
    metres = ("4/4",) if maker.checkpoint.family == drum_vae.FAMILY else METRES
    frames = [
        replace(
            wish,
            meter=metres[number % len(metres)],
            bars=4 + number % 5,
            bpm=70.0 + 10 * number,
            pitches=None if drums else RANGES[number % len(RANGES)],
        )
        for number, wish in enumerate(blank)
    ]
    exact: dict[str, Figure] = {"bars": _bars, "metre": _metre, "tempo": _tempo}
    found.append(Control(frames, exact if drums else {**exact, "range": _range}))
    if not drums:
        keys = [key_name(7 * number % 12, number % 2 == 1) for number in range(len(blank))]
        wishes = [replace(wish, key=key) for wish, key in zip(blank, keys, strict=True)]
        found.append(Control(wishes, {"key": _key, "notes_in_key": _in_key}))
    if parts == "melody":
        wishes = [replace(wish, chords=CHORDS[number % len(CHORDS)]) for number, wish in enumerate(blank)]
        found.append(Control(wishes, {"chord_tones": lambda piece, wish: _tones(piece.score, _chords(wish))}))
    return found


def _thirds(maker: Maker, parts: str) -> Sequence[float]:
    """The notes a quarter that part real music into thirds, as the maker has them."""
    if maker.checkpoint.family == melody.FAMILY:
        return melody_maker.THIRDS
    if maker.checkpoint.family == composer.FAMILY:
        return line_maker.THIRDS[0 if parts == "satb" else MELODY]
    return drum_maker.THIRDS


def _within(density: str | None, figure: float, thirds: Sequence[float]) -> float:
    return float(density_error(density, figure, thirds) == 0)


def _told_density(piece: Piece) -> float:
    return float(piece.measured["notes_a_quarter"])


def _bars(piece: Piece, wish: Wish) -> float:
    return float(len(piece.score.bars()) == wish.bars)


def _metre(piece: Piece, wish: Wish) -> float:
    return float(piece.score.meters == (wish.metre,))


def _tempo(piece: Piece, wish: Wish) -> float:
    return float([tempo.bpm for tempo in piece.score.tempi] == [wish.bpm])


def _range(piece: Piece, wish: Wish) -> float:
    pitches, (low, high) = _sung(piece.score)["pitch"], wish.span or (0, 127)
    return float(((pitches >= low) & (pitches <= high)).all())


def _key(piece: Piece, wish: Wish) -> float:
    return float(estimated(piece.score, wish.bars or BARS) == wish.tonality)


def _in_key(piece: Piece, wish: Wish) -> float:
    pitches, key = _sung(piece.score)["pitch"], wish.tonality
    return float(scale_mask(*key)[pitches % 12].mean()) if key and len(pitches) else np.nan


def _chords(wish: Wish) -> Any:
    return wish.placed(BARS, Meter(0, 4, 4).bar)


def _tones(score: Score, chords: Any) -> float:
    notes = _sung(score)
    share = chord_tone_share(notes, chords) if len(notes) and chords else None
    return np.nan if share is None else share


def _sung(score: Score) -> Notes:
    """The notes of all voices."""
    return np.concatenate(
        [np.zeros(0, NOTE), *(one.notes for one in score.tracks if not one.is_drum and one.name != NAME)]
    )
