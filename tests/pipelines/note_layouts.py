"""Small datasets of notes, with music in them that repeats itself as music does, and tiny networks for them."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from audio_gen.pipelines import _distances, _gaps, _obedience, _real_or_not
from audio_gen.symbolic.encoders.drums import Grid, decode
from audio_gen.symbolic.files import write_notes
from audio_gen.symbolic.score import Meter, Score, Tempo

QUICK = (
    (_real_or_not, "STEPS", 2),
    (_distances, "DRAWS", 5),
    (_gaps, "TRIALS", 1),
    (_obedience, "TRIALS", 1),
    (_obedience, "TAKES", 2),
    (_obedience, "BARS", 2),
)
SCALE = (60, 62, 64, 65, 67, 69, 71, 72)


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole evaluations shall take less than a second or two: few steps, draws and trials."""
    for module, name, few in QUICK:
        monkeypatch.setattr(module, name, few)


def groove(home: Path, splits: Iterable[str], pieces: int = 6, *, fill: bool = True, meter: str = "4-4") -> list[Grid]:
    """Beats of eight bars: kick, snare and hi-hat, each piece with accents of its own; the last piece is a fill."""
    lines, grids = [["path", "split", "drummer", "style", "bpm", "beat_type", "time_signature"]], []
    for split in splits:
        for number in range(pieces):
            grid = beat(np.random.default_rng(number))
            grids.append(grid)
            kind = "fill" if fill and number == pieces - 1 else "beat"
            path = home / "midi" / f"{split}_{number}.mid"
            path.parent.mkdir(parents=True, exist_ok=True)
            beats, unit = map(int, meter.split("-"))
            write_notes(path, Score((decode(grid),), (Meter(0, beats, unit),), (Tempo(0, 100.0 + number),)))
            style = ("funk", "rock")[number % 2]
            lines.append([f"midi/{path.name}", split, "drummer1", style, str(100 + number), kind, meter])
    with (home / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return grids


def beat(random: np.random.Generator, bars: int = 8) -> Grid:
    """Eight bars of one beat: loud on the beat, soft and late between."""
    bar = np.zeros((16, 9, 3), np.float32)
    bar[[0, 8], 0, 0] = 1
    bar[[4, 12], 1, 0] = 1
    bar[::2, 2, 0] = 1
    bar[random.integers(0, 16, 2), 0, 0] = 1
    grid = np.tile(bar, (bars, 1, 1))
    step = np.arange(len(grid))[:, None]
    grid[..., 1] = grid[..., 0] * np.where(step % 4 == 0, 0.9, 0.5)
    late = np.where(step % 4 == 0, 0.0, 0.2) + 0.05 * random.normal(size=grid.shape[:2])
    grid[..., 2] = grid[..., 0] * late.clip(-0.4, 0.4)
    grid[0, :, 2] = 0
    return grid


def openewld(home: Path, splits: Iterable[str], pieces: int = 5, bars: int = 16) -> None:
    """Sheets of two phrases each, which are sung again and again, in steps of a scale."""
    songs = []
    for split in splits:
        for number in range(pieces):
            random = np.random.default_rng(number + 100 * len(split))
            phrase = SCALE[random.integers(3)] + np.cumsum(random.choice([-2, -1, 0, 1, 2], 8))
            notes = [[float(n), 1.0, int(phrase[n % 8])] for n in range(4 * bars)]
            chords = [[4.0 * bar, ("C", "F", "G7", "Am")[bar % 4]] for bar in range(bars)]
            songs.append(
                {"file": f"{split}/{number}.mxl", "split": split, "title": "A", "time_signature": "4/4"}
                | {"genres": [["Jazz", 1]], "styles": [], "notes": notes, "chords": chords}
            )
    home.mkdir(parents=True, exist_ok=True)
    (home / "openewld.jsonl").write_text("".join(json.dumps(song) + "\n" for song in songs))


def jsb(home: Path, splits: Iterable[str], pieces: int = 4, bars: int = 9) -> None:
    """Chorales of quarters in parallel."""
    found = {}
    for split in splits:
        random = np.random.default_rng(len(split))
        found[split] = [
            [
                [72 + step, 67 + step, 60 + step, 48 + step]
                for step in random.choice([0, 2, 4, 5], 4 * bars)
                for _ in "1234"
            ]
            for _ in range(pieces)
        ]
    home.mkdir(parents=True, exist_ok=True)
    (home / "jsb-chorales-16th.json").write_text(json.dumps(found, default=int))


def seeded(make: Any, config: dict[str, Any], seed: int = 0) -> Any:
    """A network with random weights, the same each time."""
    torch.manual_seed(seed)
    return make(**config).eval()
