"""tune_transfer: a tune in another style: its notes as they are, with new chords and accompaniment."""

import copy
from dataclasses import replace

from audio_gen.errors import ParameterError
from audio_gen.pipelines.leaning import leaning
from audio_gen.pipelines.line_maker import LineMaker
from audio_gen.pipelines.maker import Maker
from audio_gen.pipelines.piece import Piece, Wish
from audio_gen.symbolic.files import one_voice
from audio_gen.symbolic.score import Score

# towards folk 1 brings a third of what 3 does (.08 and .27 of a listener's belief); 6 is a caricature: it has more jazz
# in it than real jazz has, and a tune fits it no better than a strange song's chords (scripts/bench transfer)
GUIDANCE = 3.0


def retuned(maker: Maker, score: Score, wish: Wish, *, track: int | None = None, guidance: float = GUIDANCE) -> Piece:
    """A tune, its notes as they are, with new chords and accompaniment in the style of `wish`; drums stay too.

    Args:
        maker: one that harmonises.
        score: with a track of one voice.
        wish: its style, seed and manner.
        track: the tune, counted from 1.
        guidance: how many times as far as it learnt the style leads away from any style (`leaning`).

    Raises:
        ParameterError: no style is asked for, no track of one voice, a guidance that is none, or a model that
            can't harmonise.
    """
    if wish.style is None:
        raise ParameterError(f"name a style: {', '.join(maker.labels)}")
    tune = score.tracks[one_voice(score, track)]
    drums = [one for one in score.tracks if one.is_drum and len(one.notes)]
    piece = _leaning(maker, wish, guidance).harmonised(
        replace(score, tracks=(tune,), chords=()), replace(wish, voices="chords")
    )
    whole = replace(piece.score, tracks=(*piece.score.tracks, *drums))
    return replace(piece, score=whole, wish={**piece.wish, "guidance": guidance})


def _leaning(maker: Maker, wish: Wish, guidance: float) -> Maker:
    """The same maker, which hears the wish's style so many times as strongly; only one that harmonises needs it."""
    if not isinstance(maker, LineMaker):
        return maker
    found = copy.copy(maker)
    found.net = leaning(maker.net, wish.label(maker.labels, maker.checkpoint.name), guidance)
    return found
