"""evaluate a vocoder: how near do recordings come back from their log-mels, beside Griffin-Lim and beside its ceiling?

The ceiling is Griffin-Lim that knows the true magnitudes instead of the mel bands. All are measured on the same
excerpts, and timed one after the other on each of them, on one thread.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.errors import DatasetError
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.metrics.generation import kernel_audio_distance_interval
from audio_gen.metrics.interval import bootstrap
from audio_gen.metrics.vocoding import (
    log_spectral_distance,
    mel_l1,
    multi_resolution_stft,
    onset_correlation,
    spectral_convergence,
)
from audio_gen.models.griffin_lim import GriffinLim
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.hearing import verdict_at_once
from audio_gen.pipelines.prepare import readable
from audio_gen.pipelines.vocoder import GRIFFIN_LIM, Vocoder
from audio_gen.registry import pick

WINDOWS = (128, 512, 2048, 8192)
CEILING = "true magnitudes"
Floats = npt.NDArray[np.float64]


def evaluate_vocoder(
    vocoder: Vocoder, listener: Classifier, dataset: str, root: Path, split: str, *, seconds: float = 10.0
) -> dict[str, Any]:
    """Figures under `details`, for each rival the means over tracks with their intervals.

    Args:
        vocoder: what is measured.
        listener: the classifier in whose embedding the distance to the originals is taken (KAD x 100).
        dataset: name of a plug whose items have audio.
        root: where it lies.
        split: of it.
        seconds: of each track, from its middle.

    Raises:
        DatasetError: no track has audio of that length.
    """
    spec, log_mel = vocoder.spec, LogMel(vocoder.spec)
    griffin_lim = GriffinLim(spec)
    plain = Vocoder(GRIFFIN_LIM, griffin_lim)
    voices: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
        vocoder.name: lambda mel, _: vocoder(mel).samples[0],
        GRIFFIN_LIM: lambda mel, _: plain(mel).samples[0],
        CEILING: lambda _, samples: _ceiling(samples, griffin_lim),
    }
    tables: dict[str, list[dict[str, float]]] = {name: [] for name in voices}
    heard: dict[str, list[torch.Tensor]] = {name: [] for name in ("original", *voices)}
    for samples in _excerpts(dataset, root, split, seconds, spec):
        mel = log_mel(samples[None])[0]
        heard["original"].append(verdict_at_once(listener, samples[None]).embedding.cpu())
        for name, voice in voices.items():
            start = time.perf_counter()
            made = voice(mel, samples)
            took = time.perf_counter() - start
            figures = _figures(samples.numpy(), made.numpy()) | {"mel_l1": mel_l1(mel, log_mel(made[None])[0])}
            tables[name].append(figures | {"x_real_time": len(samples) / spec.sample_rate / took})
            heard[name].append(verdict_at_once(listener, made[None]).embedding.cpu())
    originals = torch.stack(heard["original"]).numpy()
    rivals = {name: _summary(rows, originals, torch.stack(heard[name]).numpy()) for name, rows in tables.items()}
    about = {"model": vocoder.name, "listener": listener.checkpoint.name, "dataset": dataset, "split": split}
    return {"details": {**about, "tracks": len(originals), "seconds": seconds, "vocoding": rivals}}


def _figures(reference: Floats, estimate: Floats) -> dict[str, float]:
    return {
        "stft_distance": multi_resolution_stft(reference, estimate, windows=WINDOWS),
        "spectral_convergence": spectral_convergence(reference, estimate),
        "log_spectral_distance_db": log_spectral_distance(reference, estimate),
        "onset_correlation": onset_correlation(reference, estimate),
    }


def _summary(rows: list[dict[str, float]], originals: Floats, embedded: Floats) -> dict[str, Any]:
    columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    found: dict[str, Any] = {key: bootstrap(_mean, values).to_dict() for key, values in columns.items()}
    return found | {"kad": kernel_audio_distance_interval(originals, embedded).to_dict()}


def _mean(values: Floats) -> float:
    return float(np.nanmean(values))


def _excerpts(dataset: str, root: Path, split: str, seconds: float, spec: MelSpec) -> Iterator[torch.Tensor]:
    """`[T]` from the middle of each track that is long enough; T is a whole number of hops."""
    size, found = round(seconds * spec.sample_rate) // spec.hop_length * spec.hop_length, False
    for _, (samples,) in readable(pick("audio_gen.datasets", dataset).items(root, split), spec.sample_rate):
        start = (len(samples) - size) // 2
        if start >= 0 and samples[start : start + size].any():
            found = True
            yield samples[start : start + size]
    if not found:
        raise DatasetError(f"{dataset} {split} has no track with {seconds:g} s of audio")


def _ceiling(samples: torch.Tensor, griffin_lim: GriffinLim) -> torch.Tensor:
    with one_thread():
        return griffin_lim.rebuild(griffin_lim.fourier.spectrum(samples[None]).abs())[0]
