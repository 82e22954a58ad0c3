"""MTG-Jamendo by mood and theme: the songs of `mtg_jamendo` that have such tags; splits share no artist."""

from pathlib import Path

from audio_gen.datasets import _jamendo
from audio_gen.datasets._item import Item

LABELS = (
    "action", "adventure", "advertising", "background", "ballad", "calm", "children", "christmas", "commercial", "cool",
    "corporate", "dark", "deep", "documentary", "drama", "dramatic", "dream", "emotional", "energetic", "epic", "fast",
    "film", "fun", "funny", "game", "groovy", "happy", "heavy", "holiday", "hopeful", "inspiring", "love", "meditative",
    "melancholic", "melodic", "motivational", "movie", "nature", "party", "positive", "powerful", "relaxing", "retro",
    "romantic", "sad", "sexy", "slow", "soft", "soundscape", "space", "sport", "summer", "trailer", "travel", "upbeat",
    "uplifting",
)  # fmt: skip
SOURCE, CITATION, LICENSE, SPLITS = _jamendo.SOURCE, _jamendo.CITATION, _jamendo.LICENSE, _jamendo.SPLITS


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with an audio path and the first mood or theme as label; `extra["tags"]` holds all. Group: the artist.

    Raises:
        DatasetError: the dataset or the split isn't there, or not a single file of it.
    """
    return _jamendo.tagged_items(root, split, "moodtheme", "mood/theme", LABELS)
