"""explain: what a classifier's answer rests on, as a map over the mel bands and the length of a file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.atomic import replacing
from audio_gen.errors import ParameterError
from audio_gen.features.decibel_image import RANGE_DB
from audio_gen.features.log_mel import mel_frequencies
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.activation import interpolation
from audio_gen.pipelines._heat_picture import heat_png
from audio_gen.pipelines.windows import Windows

FORMATS = ("png", "npz")
COLUMNS = 1 << 16  # of a map, at most: 85 minutes at the models' rate; longer files get coarser columns
FRAMES = 1 << 18  # of the spectrogram that are kept until the map's columns are chosen: 64 MiB

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class HeatMap:
    """What one answer about a file rests on.

    Args:
        values: `[n_mels, N]`, what the answer takes from each place, in units of the model's output (logits; for a
            quadrant, of log-probability): the higher, the more it speaks for it. As low as anywhere where no window
            listened: in a file's last moments, if they are less than a quarter of a window.
        seconds: `[N]`, the time of each column.
        hz: `[n_mels]`, the centre of each mel band, low to high.
        label: the answer: a label, "valence", "arousal" or a term.
        decibels: `[n_mels, N]`, the spectrogram there, -80 to 0 below the file's loudest point.
    """

    values: Floats
    seconds: Floats
    hz: Floats
    label: str
    decibels: Floats

    def save(self, path: Path) -> None:
        """Write it whole or not at all: the suffix .npz keeps all fields as arrays, .png draws them.

        Raises:
            ParameterError: another suffix.
        """
        kind = path.suffix.lower().removeprefix(".")
        if kind not in FORMATS:
            raise ParameterError(f"a heat map is kept as .png or .npz, not {path.suffix!r}")
        with replacing(path) as part:
            if kind == "png":
                part.write_bytes(heat_png(self.values, self.decibels, self.seconds, self.hz, self.label))
                return
            with part.open("wb") as file:
                np.savez_compressed(
                    file,
                    values=self.values,
                    seconds=self.seconds,
                    hz=self.hz,
                    label=np.array(self.label),
                    decibels=self.decibels,
                )


class Backdrop:
    """The spectrogram behind the maps of a file, in bounded memory, from the frames that the models' pictures are of.

    Args:
        spec: of the frames.
    """

    def __init__(self, spec: MelSpec) -> None:
        self.spec = spec
        self._parts: list[torch.Tensor] = []
        self._step = 1  # frames from one that is kept to the next
        self._seen = 0

    def keep(self, frames: torch.Tensor) -> None:
        """Take note of the mel bands of the next `[rows, k]`."""
        first = -self._seen % self._step
        self._seen += frames.shape[1]
        self._parts.append(frames[: self.spec.n_mels, first :: self._step].half().cpu())
        if sum(part.shape[1] for part in self._parts) > FRAMES:
            self._parts = [torch.cat(self._parts, 1)[:, ::2].clone()]
            self._step *= 2

    def decibels(self, columns: int, samples: int) -> Floats:
        """`[n_mels, columns]`, -80 to 0: the frame a quarter into each column, as the models' pictures take it.

        Args:
            columns: of the map.
            samples: length of the file; of a short one, what was repeated isn't shown.
        """
        mel = torch.cat(self._parts, 1)[:, : -(-self.spec.frames(samples) // self._step)]
        frames = ((torch.arange(columns) + 0.25) * mel.shape[1] / columns).long()
        shown = mel[:, frames].float() * (20 / (self.spec.power * math.log(10)))
        loudest = shown.amax()
        if loudest <= 20 / self.spec.power * math.log10(self.spec.floor) + 0.1:  # silence
            return np.full(shown.shape, -RANGE_DB, np.float32)
        return (shown - loudest).clamp_min(-RANGE_DB).numpy()


def heat_map(cells: torch.Tensor, windows: Windows, backdrop: Backdrop, label: str) -> HeatMap:
    """Overlap-add the cells of all windows, `[K, m, n]`, to one map over the file.

    Each window counts most in its middle and least at its ends, where the next one hears better.
    """
    spec = backdrop.spec
    length = windows.samples * windows.columns / windows.size  # in columns of the pictures
    columns = max(1, min(COLUMNS, round(length)))
    rows = _overlapped(cells, windows, torch.arange(columns) * (length / columns))
    bands = interpolation(torch.arange(spec.n_mels) / windows.stride[0], cells.shape[1])
    seconds = np.arange(columns) * (windows.samples / spec.sample_rate / columns)
    hz = mel_frequencies(spec).numpy()
    decibels = backdrop.decibels(columns, windows.samples)
    return HeatMap((bands @ rows).numpy(), seconds.astype(np.float32), hz.astype(np.float32), label, decibels)


def _overlapped(cells: torch.Tensor, windows: Windows, places: torch.Tensor) -> torch.Tensor:
    """`[K, m, n]` cells → `[m, N]`, at the places `[N]`, which are in columns of the pictures and rise."""
    total = torch.zeros(cells.shape[1], len(places))
    weight = torch.zeros(len(places))
    for start, window in zip(windows.starts(len(cells)), cells, strict=True):
        begin = start * windows.columns / windows.size
        ends = torch.tensor([begin, begin + windows.columns], dtype=places.dtype)
        first, last = torch.searchsorted(places, ends).tolist()
        inside = places[first:last] - begin
        share = 1.02 - (2 * inside / windows.columns - 1).abs()
        total[:, first:last] += share * (window @ interpolation(inside / windows.stride[1], window.shape[1]).T)
        weight[first:last] += share
    heard = weight > 0
    mean = total / weight.clamp_min(1e-3)
    return torch.where(heard, mean, mean[:, heard].amin())


def pick_answer(label: str, names: Sequence[str], labels: Sequence[str]) -> int:
    """Which output of the model `label` stands for.

    Args:
        label: one of `names`, or of the checkpoint's own labels ("Q1" for "happy").
        names: of all outputs, the classes first.
        labels: of the classes.

    Raises:
        ParameterError: it is neither.
    """
    if label in names:
        return names.index(label)
    if label in labels:
        return labels.index(label)
    raise ParameterError(f"the model gives no answer {label!r} to explain; it gives {', '.join(names)}")
