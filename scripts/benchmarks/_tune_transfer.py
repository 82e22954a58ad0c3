"""Tunes between two controls: with their own chords, and a real tune of the other style with its own.

A linear classifier that learnt styles from the chords of other lead sheets says how much of the wanted style is in the
new ones; it sees nothing of the tune, and nothing is chosen by it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _style_judge import LinearJudge, Numbers, in_words

from audio_gen.datasets import openewld
from audio_gen.metrics.composition import edit_distance
from audio_gen.models import checkpoint
from audio_gen.models.composer import ComposerNet
from audio_gen.models.composer_pieces import piece_of as lines_of
from audio_gen.models.composer_pieces import setting_of
from audio_gen.models.melody import MelodyNet
from audio_gen.models.melody_pieces import piece_of
from audio_gen.pipelines.accompaniment import repeated
from audio_gen.pipelines.composer import load_maker
from audio_gen.pipelines.evaluate_composer import foretold as told_rows
from audio_gen.pipelines.evaluate_composer import only
from audio_gen.pipelines.evaluate_melody import foretold, transposed
from audio_gen.pipelines.maker import Maker
from audio_gen.pipelines.piece import Wish
from audio_gen.pipelines.tune_transfer import GUIDANCE, retuned
from audio_gen.symbolic.encoders.melody import chord_steps, encode, shift_to_c
from audio_gen.symbolic.encoders.voices import CHORDS
from audio_gen.symbolic.score import SIXTEENTH, Score
from audio_gen.symbolic.theory import QUALITIES

STYLES = ("Folk, World, & Country", "Jazz")  # those that chords tell apart; see `accuracy`
ALL = ("Pop", "Jazz", "Rock", "Folk, World, & Country")
GUIDANCES = (1.0, GUIDANCE, 2 * GUIDANCE)
HEADS = "style wanted", "intervals kept", "onsets kept, F1", "chords kept", "nats of the melody"
FOLDS, SPANS = 10, (0, 0.3, 0.6, 1.1, 2.1, 4.1, 1e9)  # bars that a chord lasts


class Tune(NamedTuple):
    """A lead sheet. `fold` is that of the judges that haven't seen it."""

    score: Score
    style: str | None
    train: bool
    fold: int


def tunes(root: Path) -> list[Tune]:
    """Lead sheets with chords, of train and valid; each style's are dealt out to the folds in turn."""
    found: list[Tune] = []
    turn: Counter[str | None] = Counter()
    for split in ("train", "valid"):
        for item in openewld.items(root, split):
            if len(item.score.chords) > 2 and item.score.keys:
                found.append(Tune(item.score, item.label, split == "train", turn[item.label] % FOLDS))
                turn[item.label] += 1
    return found


def features(score: Score) -> Numbers:
    """`[59]`: what of a lead sheet its chords alone tell, seen from the tonic, the notes of its tune unseen."""
    shift, meter = shift_to_c(score.keys[0]), score.meters[0]
    bars = score.bars()
    starts = np.array([chord.onset for chord in score.chords])
    lasts = np.diff(np.append(starts, max(bars[-1].end, starts[-1] + 1)))
    kinds = np.array([QUALITIES.index(one.quality) if one.quality else len(QUALITIES) for one in score.chords])
    roots = np.array([(one.root + shift) % 12 for one in score.chords])
    played = kinds < len(QUALITIES)
    moves = np.diff(roots)[played[1:] & played[:-1]] % 12
    parts = [
        np.bincount(roots, lasts, 12),
        np.bincount(kinds, lasts, len(QUALITIES) + 1),
        np.bincount(kinds, minlength=len(QUALITIES) + 1),
        np.bincount(moves, minlength=12),
        np.bincount((starts % meter.bar) * 8 // meter.bar, minlength=8),
    ]
    lengths = np.histogram(lasts / meter.bar, SPANS)[0] / len(starts)
    kinds_used = len({one[1:3] for one in score.chords})
    rest = [np.log(len(starts) / len(bars)), kinds_used / 10, kinds_used / len(starts)]
    return np.concatenate([*(np.sqrt(part / max(1, part.sum())) for part in parts), lengths, rest])


def judges(known: Sequence[Tune], styles: Sequence[str]) -> list[LinearJudge]:
    """One for each fold, which learnt from train but for the fold."""
    found = []
    for fold in range(FOLDS):
        seen = [one for one in known if one.train and one.fold != fold and one.style in styles]
        rows = np.stack([features(one.score) for one in seen])
        found.append(LinearJudge(rows, np.array([styles.index(one.style) for one in seen]), len(styles)))
    return found


def accuracy(known: Sequence[Tune], styles: Sequence[str], by: Sequence[LinearJudge]) -> float:
    """The mean over styles of how many real tunes, none seen by its judge, are told right; chance is 1 / styles."""
    right: dict[str, list[bool]] = {style: [] for style in styles}
    for one in known:
        if one.style in styles:
            right[one.style].append(
                styles[int(by[one.fold].shares(features(one.score)[None])[0].argmax())] == one.style
            )
    return float(np.mean([np.mean(found) for found in right.values()]))


def harmonised_by(score: Score, other: Score) -> Score:
    """A tune under the chords of another, moved to its key and repeated as long as it lasts."""
    apart = shift_to_c(other.keys[0]) - shift_to_c(score.keys[0])
    moved, end = transposed(other, apart), score.bars()[-1].end
    length = other.bars()[-1].end
    first = tuple(chord for chord in moved.chords if chord.onset < min(length, end))
    return replace(score, chords=(*first, *(repeated(moved.chords, length, end) if length < end else ())))


def melody_kept(score: Score, other: Score) -> tuple[float, float]:
    """Similarity of their intervals (1 - edit distance / the longer one), and F1 of onsets on a grid of sixteenths."""
    one, two = (piece.tracks[0].notes for piece in (score, other))
    a, b = ([(step, 0) for step in np.diff(notes["pitch"].astype(int)).tolist()] for notes in (one, two))
    near, far = (np.unique(np.rint(notes["onset"] / SIXTEENTH)) for notes in (one, two))
    f1 = 2 * len(np.intersect1d(near, far)) / max(1, len(near) + len(far))
    return 1 - edit_distance(a, b) / max(1, len(a), len(b)), f1


def chords_kept(score: Score, other: Score) -> float:
    """The share of sixteenths with the same root and quality, seen from the tonic, over the shorter one."""
    steps = min(piece.bars()[-1].end for piece in (score, other)) // SIXTEENTH
    codes = [chord_steps(transposed(one, shift_to_c(one.keys[0])).chords, steps) for one in (score, other)]
    return float((codes[0] == codes[1]).mean())


class Listener:
    """What the network `melody`, which made none of this, thinks of a tune over its chords: nats a sixteenth."""

    def __init__(self) -> None:
        model = checkpoint.load("melody")
        self.net: MelodyNet = checkpoint.build(MelodyNet, model)
        self.any = len(model.labels)

    def nats(self, score: Score) -> float:
        """Mean over the sixteenths."""
        return float(foretold(self.net, piece_of(encode(score, 0), self.any)).nats.mean())


def obedience(known: Sequence[Tune]) -> dict[str, dict[str, float]]:
    """Nats a chord that `composer` needs for real ones over their tune: of each style, by the style it is told."""
    model = checkpoint.load("composer")
    net: ComposerNet = checkpoint.build(ComposerNet, model)
    told: dict[str, dict[str, float]] = {}
    for real in STYLES:
        pieces = [one.score for one in known if one.style == real and not one.train]
        for style in (*STYLES, "any"):
            number = model.labels.index(style) if style in model.labels else len(model.labels)
            made = [lines_of(score, number, *setting_of(score)) for score in pieces]
            found = [told_rows(net, one, only(one, lambda role, _: np.bool_(role == CHORDS))) for one in made]
            told.setdefault(real, {})[style] = round(sum(one.nats for one in found) / sum(one.rows for one in found), 3)
    return told


def given(known: Sequence[Tune], style: str) -> list[Tune]:
    """The tunes that are to become of a style.

    Folk songs to jazz, of train too, since valid has four; the composer knows those, but not in the style that is asked
    for. All others of valid to folk: whatever they are called, their chords are near to those of jazz.
    """
    wanted = [one for one in known if (one.style == STYLES[0] if style == STYLES[1] else not one.train)]
    return [one for one in wanted if one.style != style]


def ways(tune: Tune, style: str, known: Sequence[Tune], maker: Maker, number: int) -> dict[str, Score]:
    """A tune as it is, in the style, and under the chords of a real one that its judge doesn't know; and that one."""
    real = [one.score for one in known if one.style == style and one.fold == tune.fold]
    real = [one for one in real if one.meters[0].bar == tune.score.meters[0].bar] or real
    other = real[number % len(real)]
    wish = Wish(style=style, seed=number, top_p=0.95)
    return {
        "as it is (control)": tune.score,
        **{f"transfer, guidance {one:g}": retuned(maker, tune.score, wish, guidance=one).score for one in GUIDANCES},
        "unfitted chords of a real one of the style (control)": harmonised_by(tune.score, other),
        "a real one of the style (control)": other,
    }


def compared(root: Path, most: int | None = None) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Rows of the table, and what they were measured with."""
    known = tunes(root)
    by, of_all = judges(known, STYLES), judges(known, ALL)
    maker, listener = load_maker("composer"), Listener()
    rows = []
    for style in STYLES:
        found: dict[str, list[tuple[float, ...]]] = {}
        for number, tune in enumerate(given(known, style)[:most]):
            for way, new in ways(tune, style, known, maker, number).items():
                share = by[tune.fold].shares(features(new)[None])[0, STYLES.index(style)]
                kept = *melody_kept(tune.score, new), chords_kept(tune.score, new)
                found.setdefault(way, []).append((share, *kept, listener.nats(new)))
        rows += [{"of": f"to {style}", "way": way, **in_words(HEADS, np.array(all_))} for way, all_ in found.items()]
    counts = Counter(one.style for one in known)
    return rows, {
        "tunes_valid": sum(not one.train for one in known),
        "real_of_style": {style: counts[style] for style in STYLES},
        "accuracy_on_real": round(accuracy(known, STYLES, by), 3),
        "chance": 1 / len(STYLES),
        "accuracy_on_four_styles": round(accuracy(known, ALL, of_all), 3),
        "chance_of_four": 1 / len(ALL),
        "composer_nats_a_chord_by_style_told": obedience(known),
    }
