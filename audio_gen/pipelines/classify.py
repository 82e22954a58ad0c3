"""classify: audio → labels with probabilities and a timeline, by one or several models in one pass over the audio."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from audio_gen.audio.decode import open_audio
from audio_gen.errors import AudioGenError, CheckpointError, ParameterError
from audio_gen.features.decibel_image import DecibelImage, wrap
from audio_gen.models import checkpoint
from audio_gen.models.classifier import FAMILY, QUADRANTS, ClassifierNet, Prediction, combine, joined
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.inputs import Source, find_audio
from audio_gen.pipelines.records import Record, failure, success

WORDS = {"Q1": "happy", "Q2": "tense", "Q3": "sad", "Q4": "calm"}
DIGITS = 6
LONGEST_WINDOW = 600.0  # seconds


@dataclass(frozen=True)
class Result:
    """What `Classifier.predict` says of one file.

    Args:
        path: as given.
        probs: probability of each label; empty where the file failed.
        timeline: segments `{"start_s", "end_s", "label", "prob"}` in order, without gaps.
        details: the whole `results` entry of the record (for emotion: valence, arousal ...).
        error: what went wrong with this file; None where it worked.
    """

    path: str
    probs: dict[str, float]
    timeline: list[dict[str, Any]]
    details: dict[str, Any]
    error: str | None = None

    @property
    def label(self) -> str | None:
        """The most probable label."""
        return max(self.probs, key=self.probs.__getitem__) if self.probs else None

    def top(self, count: int = 1) -> list[tuple[str, float]]:
        """The `count` most probable labels with their probabilities."""
        return sorted(self.probs.items(), key=lambda pair: -pair[1])[:count]


class Classifier:
    """A trained classifier: `for r in Classifier.load("genre").predict(["albums/"]): print(r.path, r.top(3))`."""

    def __init__(self, model: checkpoint.Checkpoint, device: torch.device | None = None) -> None:
        self.checkpoint = model
        self.device = device or torch.device("cpu")
        self.window, columns = _front_end(model)
        self.picture = DecibelImage(model.spec, columns).to(self.device)
        self.net: ClassifierNet = checkpoint.build(ClassifierNet, model).to(self.device)
        if self.net.classes.out_features != len(model.labels):
            raise CheckpointError(
                f"{model.name!r} has {self.net.classes.out_features} classes but {len(model.labels)} labels"
            )
        if not self.net.temperature > 0:
            raise CheckpointError(
                f"{model.name!r} has a temperature of {float(self.net.temperature)}; it must be above 0"
            )

    @classmethod
    def load(cls, name: str | Path, *, device: torch.device | None = None) -> "Classifier":
        """The classifier called `name`, or at that path.

        Raises:
            CheckpointError: missing, damaged, or no classifier.
        """
        return cls(checkpoint.load(name, family=FAMILY), device)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.checkpoint.labels

    def predict(self, paths: str | Path | Sequence[str | Path], *, batch_size: int = 16) -> Iterator[Result]:
        """Classify files and folders, one result a file in order; a bad file gives a result with its `error`.

        Raises:
            ParameterError: a path that isn't there, or no audio.
        """
        for source in find_audio([paths] if isinstance(paths, (str, Path)) else paths):
            try:
                record = classify_file(source, [self], batch_size=batch_size)
            except (AudioGenError, OSError) as error:
                record = failure(source.name, error)
            if record["ok"]:
                details = record["results"][self.checkpoint.name]
                yield Result(source.name, details["probs"], details["timeline"], details)
            else:
                yield Result(source.name, {}, [], {}, record["error"]["message"])

    @torch.no_grad()
    def hear(self, windows: torch.Tensor) -> Prediction:
        """`[B, window]` samples → what the network says of each."""
        return self.net(self.picture(windows.to(self.device)))  # type: ignore[no-any-return]

    def describe(self, prediction: Prediction, duration: float) -> dict[str, Any]:
        """The record's entry for one file from its windows, which start every half window."""
        verdict = combine(prediction, self.net)
        probs = torch.softmax(prediction.logits / self.net.temperature, -1).cpu()
        emotion = bool(verdict.values.numel()) and self.labels == QUADRANTS
        names = tuple(WORDS[label] for label in self.labels) if emotion else self.labels
        best = int(verdict.probs.argmax())
        entry: dict[str, Any] = {"model": {"name": self.checkpoint.name, "sha256": self.checkpoint.sha256}}
        if emotion:
            figures = [*verdict.values.tolist(), *verdict.deviations.tolist()]
            keys = ("valence", "arousal", "valence_sd", "arousal_sd")
            entry |= {key: _rounded(value) for key, value in zip(keys, figures, strict=True)}
            entry |= {key: max(-1.0, min(1.0, entry[key])) for key in keys[:2]}
            entry["quadrant"] = self.labels[best]
        entry["label"] = names[best]
        entry["probs"] = {name: _rounded(value) for name, value in zip(names, verdict.probs.tolist(), strict=True)}
        hop = self.window / self.checkpoint.spec.sample_rate / 2
        entry["timeline"] = timeline(probs, names, hop, duration)
        return entry


def _front_end(model: checkpoint.Checkpoint) -> tuple[int, int]:
    """Samples and columns of a window."""
    front_end = model.front_end
    try:
        name, seconds, columns = front_end["name"], float(front_end["window_s"]), int(front_end["columns"])
        if name != "decibel_image":
            raise ValueError(f"{name!r} isn't known here")
        window = round(seconds * model.spec.sample_rate)
        if not 2 <= window <= LONGEST_WINDOW * model.spec.sample_rate or not 1 <= columns <= model.spec.frames(window):
            raise ValueError(f"{columns} columns of {seconds} s don't make sense")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{model.name!r} has no usable front end: {str(error)[:200]}") from error
    return window, columns


def timeline(probs: torch.Tensor, names: Sequence[str], hop: float, duration: float) -> list[dict[str, Any]]:
    """Segments of equal label from window probabilities `[K, classes]`; a window speaks for the time at its middle."""
    smooth = probs if len(probs) < 3 else torch.cat([probs[:1], probs.unfold(0, 3, 1).median(-1).values, probs[-1:]])
    edges = [0.0, *((k + 1.5) * hop for k in range(len(probs) - 1)), duration]
    segments: list[dict[str, Any]] = []
    best = smooth.argmax(1).tolist()
    first = 0
    for k in range(len(best)):
        if k + 1 == len(best) or best[k + 1] != best[k]:
            prob = float(smooth[first : k + 1, best[k]].mean())
            times = {"start_s": round(edges[first], 3), "end_s": round(edges[k + 1], 3)}
            segments.append({**times, "label": names[best[k]], "prob": _rounded(prob)})
            first = k + 1
    return segments


def check_together(models: Sequence[Classifier]) -> None:
    """Whether the models can share one pass over the audio and one record.

    Raises:
        ParameterError: two have one name.
        CheckpointError: they hear through different specs or windows.
    """
    names = [model.checkpoint.name for model in models]
    if len(set(names)) < len(names):
        raise ParameterError(f"two models of one name can't share a record: {', '.join(names)}; run them one at a time")
    if len({(model.window, model.checkpoint.spec) for model in models}) > 1:
        raise CheckpointError(
            f"models that run together must share one mel spec and window: {', '.join(names)}; run them one at a time"
        )


def classify_file(source: Source, models: Sequence[Classifier], *, batch_size: int = 16) -> Record:
    """One file through all models in one pass; see `check_together`.

    Raises:
        DecodeError: the file can't be decoded.
    """
    rate, size = models[0].checkpoint.spec.sample_rate, models[0].window
    found: list[list[Prediction]] = [[] for _ in models]
    with open_audio(source.path) as audio:
        for windows in batches(audio.mono(rate), size, batch_size):
            stop_here_if_asked()
            for model, predictions in zip(models, found, strict=True):
                predictions.append(model.hear(windows))
        duration, native = audio.seconds, audio.sample_rate
    results = {
        model.checkpoint.name: model.describe(joined(predictions), duration)
        for model, predictions in zip(models, found, strict=True)
    }
    return success(source.name, results, duration_s=round(duration, 3), sample_rate=native)


def batches(blocks: Iterator[torch.Tensor], size: int, batch_size: int) -> Iterator[torch.Tensor]:
    """Blocks `[1, t]` → batches `[B, size]` of windows at half a window's hop; bounded memory.

    A rest of at least a quarter window gets a last window that ends with the audio; audio shorter than one window is
    wrapped to fill it.
    """
    hop = size // 2
    kept, start = torch.zeros(1, 0), 0  # samples still needed, and where in them the next window starts
    for block in blocks:
        kept = torch.cat([kept, block], 1)
        while kept.shape[1] - start >= size + (batch_size - 1) * hop:
            yield kept[0, start : start + size + (batch_size - 1) * hop].unfold(0, size, hop)
            start += batch_size * hop
        used = max(0, start - hop)  # the last window that was heard stays, for one that ends with the audio
        kept, start = kept[:, used:].clone(), start - used
    windows = list(kept[0, start:].unfold(0, size, hop)) if kept.shape[1] - start >= size else []
    start += len(windows) * hop
    total = kept.shape[1]
    if start == 0 and total:
        yield wrap(kept, size)
    elif start and total - (start - hop + size) >= size // 4:
        windows.append(kept[0, -size:])
    if windows:
        yield torch.stack(windows)


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)
