"""GTZAN as log-mel images: 30 s a clip, ten genres, the fault-filtered split. No waveforms.

`SPLIT.npz` holds `mel` uint8 `[N, 128, 387]` (row 0 the lowest mel, dB = -80 + 80 * mel / 255 relative to the clip's
own maximum), `label` (index into `genres`), `name`, `genres`. The artists are not told, so each clip is its own group.
"""

import zipfile
from pathlib import Path

import numpy as np

from audio_gen.datasets._csv import find_home
from audio_gen.datasets._item import Item
from audio_gen.errors import DatasetError

LABELS = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
SOURCE = (
    "GTZAN's audio from a mirror of http://marsyas.info/downloads/datasets.html, clips as listed in "
    "torchaudio.datasets.gtzan.filtered_train/valid/test, turned into SPLIT.npz (mel, label, name, genres)"
)
CITATION = (
    "G. Tzanetakis, P. Cook: Musical genre classification of audio signals, IEEE Trans. Speech and Audio Processing "
    "10(5), 2002; split: B. L. Sturm: The GTZAN dataset, its contents, its faults, arXiv:1306.1461, 2013"
)
LICENSE = "none stated; research use by custom"
SPLITS = ("train", "valid", "test")


def items(root: Path, split: str | None = None) -> list[Item]:
    """Items with `image` uint8 `[128, W]` and the genre as label.

    Raises:
        DatasetError: no such split there, or a file that isn't what the layout says.
    """
    home = find_home(root, "gtzan_mel", SOURCE, pattern="*.npz")
    there = {path.stem: path for path in sorted(home.glob("*.npz")) if not path.name.startswith(".")}
    if split is not None and split not in there:
        raise DatasetError(f"{home} has no {split}.npz; there are: {', '.join(there)}")
    chosen = there if split is None else {split: there[split]}
    return [item for name, path in chosen.items() for item in _read(path, name)]


def _read(path: Path, split: str) -> list[Item]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"can't read {path} as arrays: {error}; get it again: {SOURCE}") from error
    mel, labels = arrays.get("mel"), arrays.get("label")
    if mel is None or labels is None or mel.dtype != np.uint8 or mel.ndim != 3 or len(labels) != len(mel):
        shapes = ", ".join(f"{key} {value.dtype} {list(value.shape)}" for key, value in arrays.items())
        raise DatasetError(f"{path} needs mel uint8 [N, 128, W] and label [N]; it holds: {shapes}")
    names = arrays.get("name")
    ids = [f"{split}.{i:05d}" for i in range(len(mel))] if names is None else [str(name) for name in names]
    genres = [str(genre) for genre in arrays.get("genres", LABELS)]
    texts = [_genre(path, label, genres) for label in labels]
    return [Item(id=i, split=split, group=i, image=x, label=y) for i, x, y in zip(ids, mel, texts, strict=True)]


def _genre(path: Path, label: np.generic, genres: list[str]) -> str:
    value = label.item()
    if isinstance(value, int) and 0 <= value < len(genres):
        return genres[value]
    if isinstance(value, str) and value in genres:
        return value
    raise DatasetError(f"{path}: label {value!r} is no index into its genres ({', '.join(genres)})")
