"""Teacher: what another model says of some tracks, read from files, so that ours can learn from it (distillation).

Such a file is an `.npz` with `files [F]` (names), `file_index [P]` (which file each patch is of), `start_s [P]`,
`embedding [P, E]` and `tags [P, G]` (probabilities), for patches of 3 s.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from audio_gen.errors import DatasetError

Rows = npt.NDArray[np.float16]
PATCH_SECONDS = 3.0  # what the teacher hears at a time; the grain of what is kept


class Teacher:
    """Outputs of one or several teachers over the same tracks; their columns are put side by side.

    Args:
        paths: for each teacher the files that hold its outputs.

    Raises:
        DatasetError: a file isn't as described above.
    """

    def __init__(self, paths: Sequence[Sequence[Path]]) -> None:
        self._teachers = [self._read(group) for group in paths]

    def over(self, item: str, starts: Sequence[float], seconds: float) -> Rows:
        """`[len(starts), slots, D]`: each stretch of `seconds` in slots of 3 s; NaN where a teacher says nothing.

        A slot holds the mean over the patches whose middle lies in it.
        """
        name = PurePosixPath(item).name
        slots = round(seconds / PATCH_SECONDS)
        begins = np.add.outer(np.asarray(starts), np.arange(slots) * PATCH_SECONDS).ravel()
        parts = [self._mean(tracks, width, name, begins) for tracks, width in self._teachers]
        return np.concatenate(parts, 1).reshape(len(starts), slots, -1)

    @staticmethod
    def _mean(tracks: dict[str, tuple[Rows, Rows]], width: int, name: str, begins: npt.NDArray[np.float64]) -> Rows:
        rows = np.full((len(begins), width), np.nan, np.float16)
        if name in tracks:
            patches, outputs = tracks[name]
            middles = patches + PATCH_SECONDS / 2
            for row, begin in enumerate(begins):
                inside = (middles >= begin) & (middles < begin + PATCH_SECONDS)
                if inside.any():
                    rows[row] = outputs[inside].astype(np.float32).mean(0)
        return rows

    @staticmethod
    def _read(paths: Sequence[Path]) -> tuple[dict[str, tuple[Rows, Rows]], int]:
        tracks: dict[str, tuple[Rows, Rows]] = {}
        width = 0
        for path in paths:
            try:
                with path.open("rb") as stored, np.load(stored, allow_pickle=False) as file:
                    index, begins, names = file["file_index"], file["start_s"], file["files"]
                    tags = file["tags"].astype(np.float32).clip(1e-4, 1 - 1e-4)
                    outputs = np.concatenate([file["embedding"], np.log(tags / (1 - tags))], 1).astype(np.float16)
            except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
                raise DatasetError(f"{path} holds no outputs of a teacher ({error})") from error
            width = outputs.shape[1]
            for number, name in enumerate(names):
                mine = index == number
                tracks[str(name)] = (begins[mine], outputs[mine])
        return tracks, width
