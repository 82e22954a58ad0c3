"""listening: audio → what one or several networks say of its windows, in one pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from audio_gen.audio.decode import open_audio
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.features.decibel_image import DecibelImage
from audio_gen.models import checkpoint
from audio_gen.models.activation import evidence
from audio_gen.models.classifier import ClassifierNet, Prediction, joined
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.explain import Backdrop
from audio_gen.pipelines.windows import batches

LONGEST_WINDOW = 600.0  # seconds


class Listener:
    """A trained network of the classifier family and its front end.

    Args:
        model: the checkpoint.
        device: where it runs; None is the CPU.

    Raises:
        CheckpointError: its parts don't fit each other.
    """

    def __init__(self, model: checkpoint.Checkpoint, device: torch.device | None = None) -> None:
        self.checkpoint = model
        self.device = device or torch.device("cpu")
        self.window, self.picture = _front_end(model)
        self.picture.to(self.device)
        self.net: ClassifierNet = checkpoint.build(ClassifierNet, model).to(self.device)
        if self.net.classes.out_features != len(model.labels):
            raise CheckpointError(
                f"{model.name!r} has {self.net.classes.out_features} classes but {len(model.labels)} labels"
            )
        if not self.net.temperature > 0:
            raise CheckpointError(
                f"{model.name!r} has a temperature of {float(self.net.temperature)}; it must be above 0"
            )

    @torch.no_grad()
    def see(self, windows: torch.Tensor) -> torch.Tensor:
        """`[B, window]` samples → `[B, rows, columns]`: what networks are shown; those that run together share it."""
        return self.picture(windows.to(self.device))  # type: ignore[no-any-return]

    @torch.no_grad()
    def judge(self, pictures: torch.Tensor) -> Prediction:
        """Pictures of `see`, or of a model that sees more rows → what the network says of each."""
        return self.net(pictures[:, : self.picture.rows])  # type: ignore[no-any-return]

    def hear(self, windows: torch.Tensor) -> Prediction:
        """`[B, window]` samples → what the network says of each."""
        return self.judge(self.see(windows))

    @torch.no_grad()
    def judge_why(self, pictures: torch.Tensor) -> tuple[Prediction, torch.Tensor]:
        """As `judge`, and `[B, R, m, n]`: what each answer takes from each cell of the picture."""
        pictures = pictures[:, : self.picture.rows]
        maps = self.net.features(pictures)
        return self.net.answer(maps, self.net.keys(pictures)), evidence(self.net, maps)


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


@dataclass(frozen=True, eq=False)
class Heard:
    """What several models hear of one file.

    Args:
        predictions: of each model, all windows.
        cells: of each model, `[K, R, m, n]`; empty where nothing is to be explained.
        backdrop: what the maps lie on; None where nothing is to be explained.
        duration: in seconds.
        sample_rate: of the file itself, in Hz.
    """

    predictions: list[Prediction]
    cells: list[torch.Tensor]
    backdrop: Backdrop | None
    duration: float
    sample_rate: int


def listen(path: Path, models: Sequence[Listener], batch_size: int, *, explained: bool = False) -> Heard:
    """One file through all models in one pass; with `explained` heat maps can be made of it.

    Raises:
        DecodeError: the file can't be decoded.
    """
    rate, size = models[0].checkpoint.spec.sample_rate, models[0].window
    eye = max(models, key=lambda model: model.picture.rows)  # the first rows of its pictures are the others' pictures
    backdrop = Backdrop(models[0].picture.log_mel) if explained else None
    found: list[list[Prediction]] = [[] for _ in models]
    cells: list[list[torch.Tensor]] = [[] for _ in models]
    with open_audio(path) as audio:
        blocks = audio.mono(rate)
        for windows in batches(blocks if backdrop is None else backdrop.through(blocks), size, batch_size):
            stop_here_if_asked()
            pictures = eye.see(windows)
            for model, predictions, maps in zip(models, found, cells, strict=True):
                if explained:
                    prediction, taken = model.judge_why(pictures)
                    predictions.append(prediction)
                    maps.append(taken)
                else:
                    predictions.append(model.judge(pictures))
        duration, native = audio.seconds, audio.sample_rate
    maps_of = [torch.cat(maps) for maps in cells if maps]
    return Heard([joined(predictions) for predictions in found], maps_of, backdrop, duration, native)
