"""evaluate a vocoder: how near do recordings come back from their log-mels, beside other ways to invert them?

All are measured on the same excerpts, and timed one after the other on each of them, on one thread.
"""

import time
from collections.abc import Iterator, Mapping
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
from audio_gen.pipelines._vocoder_page import VocoderExhibits
from audio_gen.pipelines._vocoder_rivals import rivals
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.hearing import verdict_at_once
from audio_gen.pipelines.prepare import readable
from audio_gen.pipelines.vocoder import Vocoder
from audio_gen.registry import pick

WINDOWS = (128, 512, 2048, 8192)
Floats = npt.NDArray[np.float64]


def evaluate_vocoder(
    vocoder: Vocoder,
    listeners: Mapping[str, Classifier],
    dataset: str,
    root: Path,
    split: str,
    *,
    seconds: float = 10.0,
    excerpts: int = 3,
    page: Path | None = None,
) -> dict[str, Any]:
    """Figures under `details`, for each rival the means over tracks with their intervals.

    Args:
        vocoder: what is measured.
        listeners: classifiers in whose embeddings the distance to the originals is taken (KAD x 100).
        dataset: name of a plug whose items have audio.
        root: where it lies.
        split: of it.
        seconds: of each excerpt.
        excerpts: at most so many of each track, evenly from it.
        page: an empty folder for some excerpts and a blind test, the vocoder against the first of its rivals.

    Raises:
        DatasetError: no track has audio of that length.
        ParameterError: the page's folder holds something.
    """
    spec, log_mel = vocoder.spec, LogMel(vocoder.spec)
    voices = rivals(vocoder)
    tables: dict[str, list[dict[str, float]]] = {name: [] for name in voices}
    heard: dict[str, list[dict[str, torch.Tensor]]] = {name: [] for name in ("original", *voices)}
    tracks: list[int] = []
    first, second = list(voices)[:2]
    kept = None if page is None else VocoderExhibits(page, (first, second), spec.sample_rate)
    for track, samples in _excerpts(dataset, root, split, seconds, excerpts, spec):
        tracks.append(track)
        mel = log_mel(samples[None])[0]
        heard["original"].append(_embedded(listeners, samples))
        sounds: dict[str, torch.Tensor] = {}
        for name, voice in voices.items():
            start = time.perf_counter()
            made = voice(mel, samples)
            took = time.perf_counter() - start
            figures = _figures(samples.numpy(), made.numpy()) | {"mel_l1": mel_l1(mel, log_mel(made[None])[0])}
            tables[name].append(figures | {"x_real_time": len(samples) / spec.sample_rate / took})
            heard[name].append(_embedded(listeners, made))
            sounds[name] = made
        if kept:
            kept.add(track, samples, sounds)
    if kept:
        kept.write()
    found = {name: _summary(rows, heard["original"], heard[name], np.array(tracks)) for name, rows in tables.items()}
    about = {"model": vocoder.name, "sha256": vocoder.sha256, "dataset": dataset, "split": split}
    count = {"tracks": len(set(tracks)), "excerpts": len(tracks), "seconds": seconds}
    return {"details": {**about, **count, "vocoding": found}}


def _embedded(listeners: Mapping[str, Classifier], samples: torch.Tensor) -> dict[str, torch.Tensor]:
    return {name: verdict_at_once(model, samples[None]).embedding.cpu() for name, model in listeners.items()}


def _figures(reference: Floats, estimate: Floats) -> dict[str, float]:
    return {
        "stft_distance": multi_resolution_stft(reference, estimate, windows=WINDOWS),
        "spectral_convergence": spectral_convergence(reference, estimate),
        "log_spectral_distance_db": log_spectral_distance(reference, estimate),
        "onset_correlation": onset_correlation(reference, estimate),
    }


def _summary(
    rows: list[dict[str, float]],
    originals: list[dict[str, torch.Tensor]],
    embedded: list[dict[str, torch.Tensor]],
    tracks: npt.NDArray[np.int64],
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in rows[0]:
        values = np.array([row[key] for row in rows])
        by_track = np.array([np.nanmean(values[tracks == track]) for track in np.unique(tracks)])
        found[key] = bootstrap(np.nanmean, by_track).to_dict()
    for name in originals[0]:
        one, other = (torch.stack([part[name] for part in parts]).numpy() for parts in (originals, embedded))
        found[f"kad_{name}"] = kernel_audio_distance_interval(
            one, other, reference_groups=tracks, estimate_groups=tracks
        ).to_dict()
    return found


def _excerpts(
    dataset: str, root: Path, split: str, seconds: float, most: int, spec: MelSpec
) -> Iterator[tuple[int, torch.Tensor]]:
    """Number of a track, and `[T]` of it, a whole number of hops long: excerpts from the middles of equal parts."""
    size, found = round(seconds * spec.sample_rate) // spec.hop_length * spec.hop_length, False
    items = pick("audio_gen.datasets", dataset).items(root, split)
    for track, (_, (samples,)) in enumerate(readable(items, spec.sample_rate)):
        count = min(most, len(samples) // size)
        for number in range(count):
            start = round((number + 0.5) * len(samples) / count - size / 2)
            part = samples[start : start + size]
            if part.any():
                found = True
                yield track, part
    if not found:
        raise DatasetError(f"{dataset} {split} has no track with {seconds:g} s of audio")
