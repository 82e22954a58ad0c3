"""listening: audio → what one or several networks say of its windows, in one pass."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from audio_gen.audio.decode import open_audio
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.features.decibel_image import DecibelImage
from audio_gen.features.oversampled import oversampled
from audio_gen.models import checkpoint
from audio_gen.models.activation import evidence, halves
from audio_gen.models.classifier import ClassifierNet, Prediction
from audio_gen.models.trunk import Trunk, pick_precision
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.explain import Backdrop
from audio_gen.pipelines.together import Rows, Together
from audio_gen.pipelines.windows import Cutter, Window, thinned

LONGEST_WINDOW = 600.0  # seconds
CPU_BATCH = 4  # windows; with 8, what lies between convolutions goes back to the system each time: a third slower
GPU_BATCH = 64


class Listener:
    """A trained network of the classifier family and its front end, which is on the CPU: decoding takes far longer.

    Args:
        model: the checkpoint.
        device: where the network runs; None is the CPU.
        precision: of its convolutions: "auto", "float32" or "bfloat16"; see `pick_precision`.

    Raises:
        CheckpointError: its parts don't fit each other.
        ParameterError: another precision.
    """

    def __init__(
        self, model: checkpoint.Checkpoint, device: torch.device | None = None, *, precision: str = "auto"
    ) -> None:
        self.checkpoint = model
        self.device = device or torch.device("cpu")
        self.window, self.picture = _front_end(model)
        self._doubled: DecibelImage | None = None  # for files of twice the spec's rate, which most are
        self.net: ClassifierNet = checkpoint.build(ClassifierNet, model).to(self.device)
        if self.net.classes.out_features != len(model.labels):
            raise CheckpointError(
                f"{model.name!r} has {self.net.classes.out_features} classes but {len(model.labels)} labels"
            )
        if not self.net.temperature > 0:
            raise CheckpointError(
                f"{model.name!r} has a temperature of {float(self.net.temperature)}; it must be above 0"
            )
        shape = model.spec.n_mels, self.picture.columns
        trunk = Trunk(self.net, shape, pick_precision(precision, self.device))
        self._trunk: Rows = trunk if self.device.type == "cpu" else Together(trunk, GPU_BATCH)

    def cutter(self, sample_rate: int, watch: Callable[[torch.Tensor], object] | None = None) -> Cutter:
        """What cuts a file of that rate into windows, from samples at `cutter.sample_rate`; see `Cutter`."""
        if sample_rate != 2 * self.checkpoint.spec.sample_rate:
            return Cutter(self.picture, self.window, watch)
        if self._doubled is None:
            self._doubled = oversampled(self.picture, 2)
        return Cutter(self._doubled, 2 * self.window, watch)

    @torch.no_grad()
    def see(self, windows: torch.Tensor) -> torch.Tensor:
        """`[B, window]` samples → `[B, rows, columns]`: what networks are shown; those that run together share it."""
        return self.picture(windows.cpu())  # type: ignore[no-any-return]

    @torch.no_grad()
    def maps(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures of `see`, or of a model that sees more rows → `[B, D, m, n]`, as `net.features` gives them."""
        return self._trunk(pictures[:, : self.checkpoint.spec.n_mels].to(self.device))

    @torch.no_grad()
    def keys(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures likewise → `[B, profiles]`, as `net.keys` gives them."""
        return self.net.keys(pictures[:, : self.picture.rows].to(self.device))

    @torch.no_grad()
    def judge(self, pictures: torch.Tensor) -> Prediction:
        """Pictures likewise → what the network says of each."""
        return self.net.answer(self.maps(pictures), self.keys(pictures))

    def hear(self, windows: torch.Tensor) -> Prediction:
        """`[B, window]` samples → what the network says of each."""
        return self.judge(self.see(windows))


def _front_end(model: checkpoint.Checkpoint) -> tuple[int, DecibelImage]:
    """Samples of a window, and what makes a picture of them."""
    front_end = model.front_end
    try:
        name, seconds, columns = front_end["name"], float(front_end["window_s"]), int(front_end["columns"])
        if name not in ("decibel_image", "tonal_image"):
            raise ValueError(f"{name!r} isn't known here")
        window = round(seconds * model.spec.sample_rate)
        if not 2 <= window <= LONGEST_WINDOW * model.spec.sample_rate or not 1 <= columns <= model.spec.frames(window):
            raise ValueError(f"{columns} columns of {seconds} s don't make sense")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{model.name!r} has no usable front end: {str(error)[:200]}") from error
    return window, DecibelImage(model.spec, columns, tonal=name == "tonal_image")


def check_together(models: Sequence[Listener]) -> None:
    """Whether the models can share one pass over the audio and one record.

    Raises:
        ParameterError: two have one name.
        CheckpointError: they hear through different specs or windows.
    """
    names = [model.checkpoint.name for model in models]
    if len(set(names)) < len(names):
        raise ParameterError(f"two models of one name can't share a record: {', '.join(names)}; run them one at a time")
    if len({(model.window, model.picture.columns, model.checkpoint.spec) for model in models}) > 1:
        raise CheckpointError(
            f"models that run together must share one mel spec and window: {', '.join(names)}; run them one at a time"
        )


class Told(NamedTuple):
    """What one model says of a file.

    Args:
        prediction: of all its windows, in the order of time.
        cells: `[K, R, m, n]`: what the answers take from each cell of the windows; None where nobody asked.
    """

    prediction: Prediction
    cells: torch.Tensor | None


@dataclass(frozen=True, eq=False)
class Heard:
    """What several models hear of one file.

    Args:
        told: by each model.
        backdrop: what the maps lie on; None where nothing is to be explained.
        samples: length of the file at the models' rate.
        duration: in seconds.
        sample_rate: of the file itself, in Hz.
    """

    told: list[Told]
    backdrop: Backdrop | None
    samples: int
    duration: float
    sample_rate: int


def listen(path: Path, models: Sequence[Listener], batch_size: int | None = None, *, explained: bool = False) -> Heard:
    """One file through all models in one pass; with `explained` heat maps can be made of it.

    Raises:
        DecodeError: the file can't be decoded.
    """
    torch.get_num_threads()  # in a thread that hasn't asked yet, convolutions would take all cores
    eye = max(models, key=lambda model: model.picture.rows)  # the first rows of its pictures are the others' pictures
    spec = eye.checkpoint.spec
    backdrop = Backdrop(spec) if explained else None
    with open_audio(path) as audio:
        cutter = eye.cutter(audio.sample_rate, None if backdrop is None else backdrop.keep)
        told = judged(models, cutter.windows(audio.mono(cutter.sample_rate)), batch_size, explained=explained)
        samples = round(cutter.samples * spec.sample_rate / cutter.sample_rate)
        return Heard(told, backdrop, samples, audio.seconds, audio.sample_rate)


def judged(
    models: Sequence[Listener], windows: Iterable[Window], batch_size: int | None = None, *, explained: bool = False
) -> list[Told]:
    """What each model says of the windows of one file.

    What the convolutions would say of a window that lies between two others (`thinned`) is put together from the second
    half of the one and the first half of the other: answers are means over places, so that costs nothing.

    Args:
        models: that share a front end.
        windows: all of them, in order.
        batch_size: windows at once; None is what suits the device.
        explained: whether the cells are to be told too.
    """
    ears = [_Ear(model, explained) for model in models]
    size = batch_size or (CPU_BATCH if models[0].device.type == "cpu" else GPU_BATCH)
    for batch in _batches(thinned(iter(windows)), size):
        stop_here_if_asked()
        pictures = torch.stack([window.picture for window in batch])
        for ear in ears:
            ear.hear(batch, pictures)
    return [ear.told() for ear in ears]


def _batches(windows: Iterator[Window], size: int) -> Iterator[list[Window]]:
    """Lists of windows, `size` of which aren't between others."""
    batch: list[Window] = []
    for window in windows:
        batch.append(window)
        if sum(not one.between for one in batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


class _Ear:
    """What one model has heard of one file so far."""

    def __init__(self, model: Listener, explained: bool) -> None:
        self._model, self._explained = model, explained
        self._numbers: list[int] = []  # of the windows, in the order in which they came
        self._whole: list[int] = []  # of those that aren't between others
        self._keys, self._halves = _Rows(), _Rows()
        self._cells: list[torch.Tensor] = []

    @torch.no_grad()
    def hear(self, windows: Sequence[Window], pictures: torch.Tensor) -> None:
        """The next windows and their pictures `[B, rows, columns]`."""
        whole = [place for place, window in enumerate(windows) if not window.between]
        self._numbers += [window.number for window in windows]
        self._whole += [windows[place].number for place in whole]
        self._keys.add(self._model.keys(pictures))
        if self._explained:
            maps = self._model.maps(pictures)
            self._cells.append(evidence(self._model.net, maps))
            self._halves.add(halves(maps[whole]))
        elif whole:
            self._halves.add(halves(self._model.maps(pictures[whole])))

    @torch.no_grad()
    def told(self) -> Told:
        order = torch.tensor(self._numbers).argsort()
        parts = self._halves.all()
        found = parts.new_zeros(len(order), *parts.shape[1:])  # [K, 2, D]
        found[self._whole] = parts
        between = sorted(set(self._numbers) - set(self._whole))
        found[between, 0] = found[[number - 1 for number in between], 1]
        found[between, 1] = found[[number + 1 for number in between], 0]
        prediction = self._model.net.answer(found.mean(1)[:, :, None, None], self._keys.all()[order])
        return Told(prediction, torch.cat(self._cells)[order] if self._explained else None)


class _Rows:
    """Rows that come a few at a time, in one piece of memory.

    Small tensors that stay, between large ones that come and go, would break up the heap: 10 hours took up to twice the
    memory.
    """

    def __init__(self) -> None:
        self._room, self._count = torch.empty(0), 0

    def add(self, rows: torch.Tensor) -> None:
        count = self._count + len(rows)
        if count > len(self._room):
            room = rows.new_empty(2 * count, *rows.shape[1:])
            if self._count:
                room[: self._count] = self.all()
            self._room = room
        self._room[self._count : count] = rows
        self._count = count

    def all(self) -> torch.Tensor:
        return self._room[: self._count]
