"""Which of several takes a maker keeps."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from audio_gen.pipelines.maker import Maker
from audio_gen.pipelines.piece import Piece, Wish
from audio_gen.symbolic.score import Score


class Scripted(Maker):
    """Makes pieces with something wrong: "t" thin, "o" off its chords, "b" both, "c" a copy, "." nothing."""

    def __init__(self, script: str) -> None:
        model: Any = SimpleNamespace(labels=("Funk / Soul", "Jazz"), name="scripted")
        super().__init__(model)
        self.script, self.made = script, []

    def make(self, wish: Wish) -> Piece:
        self.made: list[int] = []

        def takes(wishes: list[Wish]) -> list[Piece]:
            self.made += [one.take for one in wishes]
            return [self._piece(one) for one in wishes]

        return self.best(wish, takes, lambda piece: 0.0)

    def _piece(self, wish: Wish) -> Piece:
        kind = self.script[wish.take]
        return Piece(
            Score(()), wish.to_dict(), {"thin": kind in "tb", "off_chords": kind in "ob"}, {"suspicious": kind == "c"}
        )


@pytest.mark.parametrize(
    ("script", "best_of", "redraws", "kept", "made"),
    [
        (".t", 1, 7, 0, 1),
        ("tt.t", 1, 7, 2, 3),
        ("ttttttttt", 1, 7, 0, 8),
        ("tt.", 1, 1, 0, 2),
        ("t.", 1, 0, 0, 1),
        ("ct.", 2, 7, 2, 3),
        ("tct", 1, 2, 0, 3),
        ("t..", 3, 7, 1, 3),
        ("o.t", 1, 7, 1, 2),
        ("bto", 1, 2, 1, 3),
        ("bc", 1, 1, 0, 2),
    ],
)
def test_spoilt_takes_are_made_again_one_by_one(script: str, best_of: int, redraws: int, kept: int, made: int) -> None:
    maker = Scripted(script)
    piece = maker.make(Wish(best_of=best_of, redraws=redraws, seed=3))
    assert (piece.wish["take"], maker.made) == (kept, list(range(made)))
    assert piece.wish == {**Wish(best_of=best_of, redraws=redraws, seed=3).to_dict(), "take": kept}


def test_a_piece_tells_the_whole_label_of_its_style() -> None:
    wish = Wish(style="funk")
    assert Scripted(".").make(wish).more == {"style": "Funk / Soul"}
    assert Scripted(".").make(wish).wish["style"] == "funk"
    assert Scripted(".").make(replace(wish, style=None)).more == {"style": None}
