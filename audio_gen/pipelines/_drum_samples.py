"""New drums after the beats of a split, and what is measured of them."""

from typing import Any

import numpy as np

from audio_gen.models.drum_pieces import piece_of
from audio_gen.pipelines import _drum_battery, _patterns
from audio_gen.pipelines._gaps import gaps, hits
from audio_gen.pipelines._note_pieces import Split, Told, four_four
from audio_gen.pipelines._notes_heard import NoteEars
from audio_gen.pipelines._notes_sound import drum_sets
from audio_gen.pipelines._obedience import obedience, obeyed
from audio_gen.pipelines._patterns import BAR, WINDOW, Pattern
from audio_gen.pipelines._samples import Asked, Battery, Progress, like, made_of, make_all
from audio_gen.pipelines._tunes import bars_of
from audio_gen.pipelines.evaluate_drums import drum_pieces
from audio_gen.pipelines.maker import Maker
from audio_gen.symbolic.score import Score

MOST_BARS = 16  # of a piece; what comes after says little new and takes long


def drum_samples(
    maker: Maker, read: Split, count: int | None, seed: int, progress: Progress, ears: NoteEars | None = None
) -> Battery:
    """The battery of drums, after the beats (no fills) in 4/4 that are two bars or longer."""
    told = _beats(read.told)
    if not told:
        return None, {"samples": "none: the split has no beat in 4/4 of two bars"}
    asked = [
        like(number, one, maker.labels, min(MOST_BARS, bars_of(one.score)), parts="drums")
        for number, one in enumerate(told)
    ]
    made = make_all(maker, asked, count, seed, progress)
    train = [_pattern(one.score, bars_of(one.score), -1, one.item.label or "") for one in _beats(read.train)]
    stored = maker.index.windows if maker.index else {}
    real = [_as_asked(one.score, one) for one in asked]
    new = [_as_asked(one.piece.score, one.asked) for one in made]
    known, controls = _drum_battery.known_windows(train) or stored, _patterns.controls(train)
    accuracy, details = _drum_battery.battery(real, new, controls, train, known, seed=seed)
    heard = {"rendered": ears.heard(drum_sets(real, new, controls, seed))} if ears else {}
    filled, kept = gaps(maker, asked, count, seed, progress)
    controlled = {
        "obeyed": obeyed(made),
        "obedience": obedience(maker, "drums", asked, count, seed, progress),
        **kept,
        "gap_of_four_bars": hits(filled, _as_asked, controls, seed),
    }
    return accuracy, {**made_of(made, len(train), seed), **details, **controlled, **heard}


def _beats(told: list[Told]) -> list[Told]:
    if not told:
        return []
    kept = [one for one, piece in drum_pieces(told, ()) if four_four(one) and not piece.fill]
    return [one for one in kept if bars_of(one.score) >= WINDOW]


def _as_asked(score: Score, asked: Asked) -> Pattern:
    return _pattern(score, asked.bars, asked.group, asked.wish.style or "")


def _pattern(score: Score, bars: int, group: int, style: str = "") -> Pattern:
    """The drums of a score over so many bars, silent after the last hit."""
    grid: Any = piece_of(score, 0).grid[: bars * BAR]
    padded = np.pad(grid, ((0, bars * BAR - len(grid)), (0, 0), (0, 0)))
    return Pattern(padded, score.tempi[0].bpm, group, style)
