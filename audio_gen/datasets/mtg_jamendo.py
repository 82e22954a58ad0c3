"""MTG-Jamendo by genre: full songs under Creative Commons with any number of genre tags; splits share no artist."""

from pathlib import Path

from audio_gen.datasets import _jamendo
from audio_gen.datasets._item import Item

LABELS = (
    "60s", "70s", "80s", "90s", "acidjazz", "alternative", "alternativerock", "ambient", "atmospheric", "blues",
    "bluesrock", "bossanova", "breakbeat", "celtic", "chanson", "chillout", "choir", "classical", "classicrock",
    "club", "contemporary", "country", "dance", "darkambient", "darkwave", "deephouse", "disco", "downtempo",
    "drumnbass", "dub", "dubstep", "easylistening", "edm", "electronic", "electronica", "electropop", "ethno",
    "eurodance", "experimental", "folk", "funk", "fusion", "groove", "grunge", "hard", "hardrock", "hiphop", "house",
    "idm", "improvisation", "indie", "industrial", "instrumentalpop", "instrumentalrock", "jazz", "jazzfusion",
    "latin", "lounge", "medieval", "metal", "minimal", "newage", "newwave", "orchestral", "pop", "popfolk", "poprock",
    "postrock", "progressive", "psychedelic", "punkrock", "rap", "reggae", "rnb", "rock", "rocknroll",
    "singersongwriter", "soul", "soundtrack", "swing", "symphonic", "synthpop", "techno", "trance", "triphop", "world",
    "worldfusion",
)  # fmt: skip
SOURCE, CITATION, LICENSE, SPLITS = _jamendo.SOURCE, _jamendo.CITATION, _jamendo.LICENSE, _jamendo.SPLITS


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with an audio path and the first genre as label; `extra["tags"]` holds all. The group is the artist.

    Raises:
        DatasetError: the dataset or the split isn't there, or not a single file of it.
    """
    return _jamendo.tagged_items(root, split, "genre", "genre", LABELS)
