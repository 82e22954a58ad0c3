"""Are drums told as the style that they were asked for?"""

import numpy as np

from audio_gen.pipelines import _patterns
from audio_gen.pipelines._drum_styles import styles_told
from audio_gen.pipelines._patterns import Pattern
from tests.pipelines import note_layouts


def patterns(pieces: int, seed: int, *, swapped: bool = False) -> list[Pattern]:
    """Funk is a beat, jazz the same two sixteenths later, and softer."""
    found = []
    for number in range(pieces):
        style = ("funk", "jazz")[number % 2]
        grid = note_layouts.beat(np.random.default_rng(seed + number), 4)
        if (style == "jazz") != swapped:
            grid = np.roll(grid, 2, axis=0)
        found.append(Pattern(grid, 100.0, number, style))
    return found


def test_styles_are_told_by_what_train_has() -> None:
    real, train = patterns(8, 0), patterns(24, 100)
    cut = [window for one in real for window in _patterns.windows(one)]
    wrong = [window for one in patterns(8, 50, swapped=True) for window in _patterns.windows(one)]
    found = styles_told(cut, {"generated": cut, "swapped": wrong}, train)
    assert isinstance(found, dict)
    assert (found["styles"], found["chance"]) == ("funk, jazz", 0.5)
    assert found["real"]["value"] == found["generated"]["value"] > 0.9
    assert found["swapped"]["value"] < 0.1


def test_too_few_pieces_are_not_judged() -> None:
    assert str(styles_told(patterns(4, 0), {}, patterns(24, 100))).startswith("not measured")
    assert str(styles_told(patterns(8, 0), {}, [])).startswith("not measured")
