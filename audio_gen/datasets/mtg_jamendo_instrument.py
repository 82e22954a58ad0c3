"""MTG-Jamendo by instrument: the songs of `mtg_jamendo` that have such tags; splits share no artist."""

from pathlib import Path

from audio_gen.datasets import _jamendo
from audio_gen.datasets._item import Item

LABELS = (
    "accordion", "acousticbassguitar", "acousticguitar", "bass", "beat", "bell", "bongo", "brass", "cello", "clarinet",
    "classicalguitar", "computer", "doublebass", "drummachine", "drums", "electricguitar", "electricpiano", "flute",
    "guitar", "harmonica", "harp", "horn", "keyboard", "oboe", "orchestra", "organ", "pad", "percussion", "piano",
    "pipeorgan", "rhodes", "sampler", "saxophone", "strings", "synthesizer", "trombone", "trumpet", "viola", "violin",
    "voice",
)  # fmt: skip
SOURCE, CITATION, LICENSE, SPLITS = _jamendo.SOURCE, _jamendo.CITATION, _jamendo.LICENSE, _jamendo.SPLITS


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with an audio path and the first instrument as label; `extra["tags"]` holds all. The group is the artist.

    Raises:
        DatasetError: the dataset or the split isn't there, or not a single file of it.
    """
    return _jamendo.tagged_items(root, split, "instrument", "instrument", LABELS)
