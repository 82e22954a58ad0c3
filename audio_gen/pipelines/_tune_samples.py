"""New tunes and chorales after the pieces of a split, and what is measured of them."""

from collections.abc import Sequence

from audio_gen.metrics.note_copies import CopyIndex, melody_tokens
from audio_gen.models import composer
from audio_gen.models.composer_pieces import FOUR
from audio_gen.pipelines import _tune_battery, _tunes
from audio_gen.pipelines._gaps import cells, gaps
from audio_gen.pipelines._note_pieces import Split, Told, four_four
from audio_gen.pipelines._notes_heard import NoteEars
from audio_gen.pipelines._notes_sound import tune_sets
from audio_gen.pipelines._obedience import obedience, obeyed
from audio_gen.pipelines._samples import Asked, Battery, Progress, like, made_of, make_all
from audio_gen.pipelines._tunes import WINDOW, Tune, bars_of, sung, tune_of, voices, without_upbeat
from audio_gen.pipelines.maker import Maker
from audio_gen.pipelines.note_copies import NoteIndex
from audio_gen.symbolic.score import Key, Score

MOST_BARS = 32  # of a piece; what comes after says little new and takes long
OUTER = (0, 3, 1, 2)  # soprano and bass first: those are the voices that figures are told of


def tune_samples(
    maker: Maker, read: Split, count: int | None, seed: int, progress: Progress, ears: NoteEars | None = None
) -> Battery:
    """The battery of tunes, after the pieces in 4/4 of eight bars or more.

    Of four voices, if there are such pieces and the model can write them; otherwise of the first voice.
    """
    choral = maker.checkpoint.family == composer.FAMILY and any(
        len(voices(one.score)) == len(FOUR) for one in read.told
    )
    size = len(FOUR) if choral else 1
    told, known = ([one._replace(score=without_upbeat(one.score)) for one in part] for part in (read.told, read.train))
    told = [one for one in told if _fits(one, size)]
    if not told:
        return None, {"samples": f"none: the split has no piece in 4/4 of {WINDOW} bars"}
    parts = "satb" if choral else "melody"
    asked = [
        like(number, one, maker.labels, min(MOST_BARS, bars_of(one.score)), parts=parts)
        for number, one in enumerate(told)
    ]
    made = make_all(maker, asked, count, seed, progress)

    def as_asked(score: Score, one: Asked) -> Tune:
        return _tune(score, one.score.keys[0], size, one.bars, one.group)

    real = [as_asked(one.score, one) for one in asked]
    new = [as_asked(one.piece.score, one.asked) for one in made if len(voices(one.piece.score)) >= size]
    train = [_tune(one.score, one.score.keys[0], size, bars_of(one.score), -1) for one in known if _fits(one, size)]
    names = ("soprano", "bass") if choral else ("melody",)
    index, controls = _index(read.train, maker.index), _tunes.controls(train)
    accuracy, details = _tune_battery.battery(real, new, controls, index, names, seed=seed)
    heard = {"rendered": ears.heard(tune_sets(real, new, controls, asked, seed))} if ears else {}
    filled, kept = gaps(maker, asked, count, seed, progress)
    controlled = {
        "obeyed": obeyed(made),
        "obedience": obedience(maker, parts, asked, count, seed, progress),
        **kept,
        "gap_of_four_bars": cells(filled, as_asked, controls, seed),
    }
    return accuracy, {**made_of(made, len(train), seed), **details, **controlled, **heard}


def _fits(one: Told, size: int) -> bool:
    there = len(voices(one.score))
    enough = there == size if size > 1 else there > 0
    return enough and four_four(one) and bool(one.score.keys) and bars_of(one.score) >= WINDOW


def _tune(score: Score, key: Key, size: int, bars: int, group: int) -> Tune:
    tune = tune_of(score, voices(score)[:size], key, bars, group)
    return tune._replace(tokens=tune.tokens[list(OUTER)]) if size == len(OUTER) else tune


def _index(train: Sequence[Told], stored: NoteIndex | None) -> CopyIndex | None:
    """Of all voices of the training split where it is there; otherwise what lies beside the checkpoint, or nothing."""
    if not train:
        return stored.known if stored and "tokens" in stored.tensors else None
    lines = [
        sung(line)
        for one in train
        if voices(one.score)
        for line in tune_of(one.score, voices(one.score), Key(0, 0, False), bars_of(one.score), -1).tokens
    ]
    return CopyIndex.of(melody_tokens(one.pitches, one.onsets) for one in lines if len(one.pitches))
