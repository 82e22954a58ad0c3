"""GTZAN as audio: 30 s a clip, ten genres, in the fault-filtered split.

Lies as its archive unpacks: genres/GENRE/GENRE.000NN.wav (.au or .mp3 do too). The split leaves out the repeats and
most of the wrong labels that Sturm lists and keeps artists apart; the other 70 clips are passed over. The artists are
not told, so each clip is its own group.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from audio_gen.datasets._csv import Row, check_files, find_home
from audio_gen.datasets._item import Item
from audio_gen.datasets._layout import of_split
from audio_gen.errors import DatasetError

LABELS = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
SOURCE = (
    "data/genres.tar.gz of https://huggingface.co/datasets/marsyas/gtzan or another mirror of "
    "http://marsyas.info/downloads/datasets.html (which serves it no more), unpacked in the folder gtzan"
)
CITATION = (
    "G. Tzanetakis, P. Cook: Musical genre classification of audio signals, IEEE Trans. Speech and Audio Processing "
    "10(5), 2002; split: B. L. Sturm: The GTZAN dataset, its contents, its faults, arXiv:1306.1461, 2013; "
    "C. Kereliuk, B. L. Sturm, J. Larsen: Deep learning and music adversaries, IEEE Trans. Multimedia 17(11), 2015"
)
LICENSE = "none stated; research use by custom"
SPLITS = ("train", "valid", "test")

BROKEN = ("jazz.00054",)  # no decoder reads it in most copies; by name, so that any other failure stays loud
SUFFIXES = (".wav", ".au", ".mp3")  # the first that is there counts

_FILES = "genres*/*/*.*"
_NAME = re.compile(r"([a-z]+)\.\d{5}")
_log = logging.getLogger(__name__)


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with an audio path and the genre as label; the ids are those of `gtzan_mel`.

    Raises:
        DatasetError: the dataset or the split isn't there, or a part of a split that is there.
    """
    home = find_home(root, "gtzan", SOURCE, pattern=_FILES)
    clips = _clips(home)
    rows = [row for name, ids in _parts().items() for row in _rows(home, clips, name, ids)]
    picked = of_split(home, rows, split)
    left_out = [name for name in BROKEN if any(row.id == name for row in picked)]
    if left_out:
        _log.info("left out: %s, damaged in most copies of GTZAN", ", ".join(left_out))
    picked = [row for row in picked if row.id not in BROKEN]
    check_files("the fault-filtered split", picked, SOURCE)
    return [Item(id=row.id, split=row.split, group=row.id, path=row.path, label=row.id.split(".")[0]) for row in picked]


def _clips(home: Path) -> dict[str, Path]:
    """The clips there are, by name; dotfiles such as ._blues.00000.wav are none."""
    found = [path for path in home.glob(_FILES) if path.suffix.lower() in SUFFIXES and _NAME.fullmatch(path.stem)]
    found.sort(key=lambda path: (SUFFIXES.index(path.suffix.lower()), path), reverse=True)  # in a dict the last wins
    if not found:
        raise DatasetError(f"{home} has no clip called like genres/blues/blues.00000.wav; get the data: {SOURCE}")
    return {path.stem: path for path in found}


def _parts() -> dict[str, list[str]]:
    """Names of the clips of each split."""
    from torchaudio.datasets import gtzan

    return {"train": gtzan.filtered_train, "valid": gtzan.filtered_valid, "test": gtzan.filtered_test}


def _rows(home: Path, clips: dict[str, Path], split: str, ids: Sequence[str]) -> list[Row]:
    """Rows of a whole split, none where not a single clip of it is there."""
    if not any(name in clips for name in ids):
        return []
    return [Row(name, clips.get(name, home / f"{name}.wav"), split, {}) for name in ids]
