"""New pieces made after the pattern of real ones, with what was asked for and what came out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from audio_gen.pipelines._note_pieces import Told
from audio_gen.pipelines.maker import Maker
from audio_gen.pipelines.piece import Piece, Wish
from audio_gen.symbolic.encoders.melody import chord_steps
from audio_gen.symbolic.score import Score
from audio_gen.symbolic.theory import chord_name, chord_of_code, key_name

Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]  # of what, called so, so many
Battery = tuple[dict[str, float | None] | None, dict[str, Any]]  # what is measured: real-or-not accuracy, and tables
BAR, BEAT = 16, 4  # sixteenths


class Asked(NamedTuple):
    """A real piece: its number, its notes, so many bars of it, and what is asked for to make others like them."""

    group: int
    score: Score
    bars: int
    wish: Wish


class Made(NamedTuple):
    """What was asked for, and the piece."""

    asked: Asked
    piece: Piece


def like(group: int, one: Told, labels: Sequence[str], bars: int, *, parts: str) -> Asked:
    """Ask for a piece like a real one in 4/4: style, tempo, length; of tunes also the key.

    Args:
        group: number of the piece.
        one: the piece.
        labels: styles that can be asked for.
        bars: how many.
        parts: "drums", "melody" (over the real chords, beat by beat) or "satb".
    """
    score = one.score
    key = score.keys[0] if parts != "drums" and score.keys else None
    wish = Wish(
        style=one.item.label if one.item.label in labels else None,
        key=key_name(key.tonic, key.minor) if key else None,
        meter="4/4",
        bpm=score.tempi[0].bpm,
        bars=bars,
        chords=chord_text(score, bars) if parts == "melody" else None,
        voices="satb" if parts == "satb" else None,
    )
    return Asked(group, score, bars, wish)


def chord_text(score: Score, bars: int) -> str | None:
    """The chords of a score in 4/4 as `Wish` takes them, at each beat; None where it tells none."""
    if not score.chords:
        return None
    codes = chord_steps(score.chords, bars * BAR)[::BEAT].reshape(bars, BAR // BEAT)
    names = [[chord_name(*chord_of_code(int(code))) for code in bar] for bar in codes]
    return " | ".join(bar[0] if len(set(bar)) == 1 else " ".join(bar) for bar in names)


def make_all(maker: Maker, asked: Sequence[Asked], count: int | None, seed: int, progress: Progress) -> list[Made]:
    """`count` pieces, or one after each real one; where there are fewer patterns they take turns."""
    wanted = len(asked) if count is None else count
    numbers = [n * len(asked) // wanted for n in range(wanted)] if wanted < len(asked) else range(wanted)

    def made() -> Iterator[Made]:
        for index, number in enumerate(numbers):
            one = asked[number % len(asked)]
            yield Made(one, maker.make(replace(one.wish, seed=seed, index=index)))

    return list(progress(made(), "pieces", wanted))


def made_of(made: Sequence[Made], train: int, seed: int) -> dict[str, Any]:
    """How the pieces were made, and what the n-gram control is of."""
    wish = made[0].asked.wish
    return {
        "generated_pieces": len(made),
        "temperature": wish.temperature,
        "top_p": wish.top_p,
        "seed": seed,
        "ngram_control": f"of {train} pieces of train" if train else "none: the split train is not there",
    }
