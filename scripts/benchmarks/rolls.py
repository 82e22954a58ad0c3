"""Piano rolls of new music (right) beside real music (left), as docs/pictures/notes.png: a melody, a chorale, drums.

The first pieces of the valid splits that are long enough, and new ones in their key, style and tempo, seed 0.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from audio_gen.datasets import groove, jsb, openewld
from audio_gen.datasets._item import Item
from audio_gen.datasets._scores import score_of
from audio_gen.pipelines.composer import Composer
from audio_gen.symbolic.encoders.drums import NUMBER
from audio_gen.symbolic.score import TICKS, Score
from audio_gen.symbolic.theory import key_name

BARS, WIDE, HIGH, GAP = 8, 560, 150, 14
COLOURS = ("#1f4e79", "#b3541e", "#3d7a3d", "#7a3d73", "#888888")
TARGET = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "notes.png"


def first(items: Sequence[Item]) -> tuple[Item, Score]:
    """The first in 4/4 that has so many bars."""
    for item in items:
        score = score_of(item)
        if score.meters[0][1:] == (4, 4) and len(score.bars()) >= BARS and not item.targets.get("fill"):
            return item, score
    raise SystemExit(f"no piece in 4/4 of {BARS} bars in this split")


def roll(score: Score) -> Image.Image:
    """The first bars: time to the right, pitch (or drum) upwards, a colour for each track."""
    picture = Image.new("RGB", (WIDE, HIGH), "white")
    draw = ImageDraw.Draw(picture)
    end = BARS * 4 * TICKS
    for bar in range(1, BARS):
        draw.line([(WIDE * bar // BARS, 0), (WIDE * bar // BARS, HIGH)], "#dddddd")
    drums = score.tracks[0].is_drum
    rows = [
        (number, int(n["onset"]), int(n["duration"]), NUMBER.get(int(n["pitch"]), 8) if drums else int(n["pitch"]))
        for number, track in enumerate(score.tracks)
        for n in track.notes
        if n["onset"] < end
    ]
    low, high = (0, 8) if drums else (min(row[3] for row in rows) - 1, max(row[3] for row in rows) + 1)
    step = HIGH / (high - low + 1)
    for number, onset, duration, place in rows:
        y = HIGH - (place - low + 1) * step
        x, until = onset * WIDE / end, min(end, onset + max(duration, 60)) * WIDE / end
        draw.rectangle([x, y + 1, max(x + 2, until - 1), y + max(2.0, step - 1)], COLOURS[min(number, 4)])
    return picture


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
            sheet.paste(roll(score), (column * (WIDE + GAP), row * (HIGH + GAP)))
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(32).save(TARGET, optimize=True)
    print(TARGET, np.asarray(sheet).shape)


if __name__ == "__main__":
    main()
