"""Piano rolls of new music (right) beside real music (left), as docs/pictures/notes.png: a melody, a chorale, drums.

The first pieces of the valid splits that are long enough, and new ones in their key, style and tempo, seed 0.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from audio_gen.datasets import groove, jsb, openewld
from audio_gen.datasets._item import Item
from audio_gen.datasets._scores import score_of
from audio_gen.pipelines._note_part import part, seconds_at
from audio_gen.pipelines._roll_picture import roll
from audio_gen.pipelines.composer import Composer
from audio_gen.symbolic.score import TICKS, Score
from audio_gen.symbolic.theory import key_name

BARS, WIDE, HIGH, GAP = 8, 560, 150, 14
TARGET = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "notes.png"


def first(items: Sequence[Item]) -> tuple[Item, Score]:
    """The first in 4/4 that has so many bars."""
    for item in items:
        score = score_of(item)
        if score.meters[0][1:] == (4, 4) and len(score.bars()) >= BARS and not item.targets.get("fill"):
            return item, score
    raise SystemExit(f"no piece in 4/4 of {BARS} bars in this split")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("../shared/data/symbolic"), help="where the datasets lie")
    options = parser.parse_args()
    (song, tune), (_, chorale), (beat, drums) = (
        first(one.items(options.root, "valid")) for one in (openewld, jsb, groove)
    )
    new = [
        Composer.load("composer").compose(style=song.label, key=key_name(*tune.keys[0][1:]), bars=BARS),
        Composer.load("composer").compose(voices="satb", key=key_name(*chorale.keys[0][1:]), bars=BARS),
        Composer.load("drums-rnn").compose(style=beat.label, bpm=drums.tempi[0].bpm, bars=BARS),
    ]
    sheet = Image.new("RGB", (2 * WIDE + GAP, 3 * HIGH + 2 * GAP), "#f3f3f3")
    for row, pair in enumerate(zip((tune, chorale, drums), new, strict=True)):
        for column, score in enumerate(pair):
            end = BARS * 4 * TICKS
            picture = roll(part(score, 0, end), float(seconds_at(score, end)), size=(WIDE, HIGH))
            sheet.paste(picture, (column * (WIDE + GAP), row * (HIGH + GAP)))
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(32).save(TARGET, optimize=True)
    print(TARGET, np.asarray(sheet).shape)


if __name__ == "__main__":
    main()
