"""classify: audio → labels with probabilities and a timeline, by one or several models in one pass over the audio."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audio_gen.errors import AudioGenError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.activation import mixture
from audio_gen.models.classifier import FAMILY, QUADRANTS, Prediction, Verdict, combine
from audio_gen.pipelines.explain import HeatMap, heat_map, pick_answer
from audio_gen.pipelines.inputs import Source, find_audio
from audio_gen.pipelines.listening import Heard, Listener, listen
from audio_gen.pipelines.records import Record, failure, success
from audio_gen.pipelines.result import Result
from audio_gen.pipelines.timeline import DIGITS, timeline
from audio_gen.pipelines.windows import Windows

WORDS = {"Q1": "happy", "Q2": "tense", "Q3": "sad", "Q4": "calm"}
DIMENSIONS = ("valence", "arousal")


class Classifier(Listener):
    """A trained classifier: `for r in Classifier.load("genre").predict(["albums/"]): print(r.path, r.top(3))`."""

    @classmethod
    def load(cls, name: str | Path, *, device: torch.device | None = None, precision: str = "auto") -> "Classifier":
        """The classifier called `name`, or at that path; see `Listener`.

        Raises:
            CheckpointError: missing, damaged, or no classifier.
        """
        return cls(checkpoint.load(name, family=FAMILY), device, precision=precision)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, as the checkpoint has them."""
        return self.checkpoint.labels

    @property
    def emotion(self) -> bool:
        """Whether the classes are quadrants beside valence and arousal."""
        return self.net.values is not None and self.labels == QUADRANTS

    @property
    def names(self) -> tuple[str, ...]:
        """What records call the classes: words people use for quadrants, the labels otherwise."""
        return tuple(WORDS[label] for label in self.labels) if self.emotion else self.labels

    @property
    def answers(self) -> tuple[str, ...]:
        """All that a heat map can be asked for: the classes, then valence and arousal, then the terms."""
        count = 0 if self.net.values is None else self.net.values.out_features // 2
        dimensions = DIMENSIONS if self.emotion else tuple(f"dimension {n}" for n in range(count))
        return (*self.names, *dimensions, *self.net.term_names)

    def predict(
        self, paths: str | Path | Sequence[str | Path], *, batch_size: int | None = None, min_confidence: float = 0.0
    ) -> Iterator[Result]:
        """Classify files and folders, one result a file in order; a bad file gives a result with its `error`.

        Args:
            paths: files and folders.
            batch_size: windows at once; None is what suits the device.
            min_confidence: 0 to 1; where no label is that probable the model abstains: `label` is None and
                `abstained` says why.

        Raises:
            ParameterError: a path that isn't there, no audio, or a confidence outside 0 to 1.
        """
        check_confidence(min_confidence)
        for source in find_audio([paths] if isinstance(paths, (str, Path)) else paths):
            try:
                record = classify_file(
                    source, [self], batch_size=batch_size, min_confidence=min_confidence, embeddings=True
                )
            except (AudioGenError, OSError) as error:
                record = failure(source.name, error)
            if record["ok"]:
                details = record["results"][self.checkpoint.name]
                embedding = np.array(details.pop("embedding"), np.float32)
                found = (source.name, details["probs"], details["timeline"], details)
                yield Result(*found, abstained=details.get("abstained"), embedding=embedding)
            else:
                yield Result(source.name, {}, [], {}, record["error"]["message"])

    def heat_map(self, path: str | Path, label: str | None = None, *, batch_size: int | None = None) -> HeatMap:
        """What an answer about one file rests on, over mel bands and time (class activation).

        Args:
            path: of the file.
            label: the answer to explain, one of `answers` (a quadrant's own name works too); None is the label that
                `predict` gives. What speaks for a quadrant speaks for its signs of valence and arousal.
            batch_size: windows at once; None is what suits the device.

        Raises:
            ParameterError: no such answer.
            DecodeError: the file can't be decoded.
        """
        if label is not None:
            pick_answer(label, self.answers, self.labels)
        return self.explain(listen(Path(path), [self], batch_size, explained=True), 0, label)

    def explain(self, heard: Heard, number: int, label: str | None = None) -> HeatMap:
        """The heat map from what this model, the `number`-th of them, heard of a file."""
        told = heard.told[number]
        if heard.backdrop is None or told.cells is None:
            raise ParameterError("there is no heat map of a file that was listened to without `explained`")
        verdict = combine(told.prediction, self.net)
        answer = int(verdict.probs.argmax()) if label is None else pick_answer(label, self.answers, self.labels)
        cells = torch.einsum("r,krmn->kmn", mixture(self.net, answer, verdict), told.cells).cpu()
        windows = Windows(heard.samples, self.window, self.picture.columns, self.net.stride)
        return heat_map(cells, windows, heard.backdrop, self.answers[answer])

    def describe(
        self, prediction: Prediction, duration: float, *, min_confidence: float = 0.0, embedding: bool = False
    ) -> dict[str, Any]:
        """The record's entry for one file from its windows, which start every half window.

        Args:
            prediction: of all windows.
            duration: of the file, in seconds.
            min_confidence: where no label is that probable, label (and quadrant) are None, and `abstained` says why;
                likewise the segments of the timeline.
            embedding: whether the entry has the L2-normalised embedding.
        """
        verdict = combine(prediction, self.net)
        best = int(verdict.probs.argmax())
        sure = float(verdict.probs[best]) >= min_confidence
        entry: dict[str, Any] = {"model": {"name": self.checkpoint.name, "sha256": self.checkpoint.sha256}}
        if self.emotion:
            entry |= _place(verdict) | {"quadrant": self.labels[best] if sure else None}
        if self.net.term_names:
            entry["terms"] = _by_name(self.net.term_names, verdict.terms)
        entry["label"] = self.names[best] if sure else None
        if not sure:
            prob = math.floor(float(verdict.probs[best]) * 100) / 100  # down: it has to read as below
            entry["abstained"] = (
                f"highest probability {prob:.2f} ({self.names[best]}) is below --min-confidence {min_confidence}"
            )
        entry["probs"] = _by_name(self.names, verdict.probs)
        probs = torch.softmax(prediction.logits / self.net.temperature, -1).cpu()
        hop = self.window / self.checkpoint.spec.sample_rate / 2
        entry["timeline"] = timeline(probs, self.names, hop, duration, min_confidence=min_confidence)
        if embedding:
            entry["embedding"] = [_rounded(value) for value in verdict.embedding.tolist()]
        return entry


def check_confidence(value: float) -> None:
    """Refuse a least confidence that is no probability.

    Raises:
        ParameterError: it is outside 0 to 1.
    """
    if not 0 <= value <= 1:
        raise ParameterError(f"the least confidence must lie between 0 and 1, not {value!r}")


def classify_file(
    source: Source,
    models: Sequence[Classifier],
    *,
    batch_size: int | None = None,
    min_confidence: float = 0.0,
    embeddings: bool = False,
    heat_maps: Mapping[str, Path] | None = None,
    keep_maps: bool = False,
) -> Record:
    """One file through all models in one pass; see `check_together`.

    Args:
        source: the file.
        models: what hears it.
        batch_size: windows at once; None is what suits the device.
        min_confidence: below it a model abstains; see `Classifier.describe`.
        embeddings: whether the record has them.
        heat_maps: where the heat map of each model's most probable label goes, by the model's name; the record tells
            it.
        keep_maps: whether those that are there already stay.

    Raises:
        DecodeError: the file can't be decoded.
        OSError: a heat map can't be written.
    """
    heard = listen(source.path, models, batch_size, explained=bool(heat_maps))
    results = {}
    for number, model in enumerate(models):
        entry = model.describe(
            heard.told[number].prediction, heard.duration, min_confidence=min_confidence, embedding=embeddings
        )
        target = (heat_maps or {}).get(model.checkpoint.name)
        if target is not None:
            if not (keep_maps and target.exists()):
                model.explain(heard, number).save(target)
            entry["heat_map"] = target.as_posix()
        results[model.checkpoint.name] = entry
    return success(source.name, results, duration_s=round(heard.duration, 3), sample_rate=heard.sample_rate)


def _place(verdict: Verdict) -> dict[str, float]:
    """Valence and arousal, each with its deviation."""
    figures = {name: max(-1.0, min(1.0, float(verdict.values[axis]))) for axis, name in enumerate(DIMENSIONS)}
    figures |= {f"{name}_sd": float(verdict.deviations[axis]) for axis, name in enumerate(DIMENSIONS)}
    return {name: _rounded(value) for name, value in figures.items()}


def _by_name(names: Sequence[str], values: torch.Tensor) -> dict[str, float]:
    return {name: _rounded(value) for name, value in zip(names, values.tolist(), strict=True)}


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)
