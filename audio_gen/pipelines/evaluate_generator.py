"""evaluate a generator: does a judge hear the label that was asked for, and how far is it all from real music?

Real and generated clips go through the same vocoder. The judge is a classifier trained on the generator's real
labels; distances are taken in the embedding of another classifier, which never saw these data.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audio_gen.errors import DatasetError
from audio_gen.features.log_mel import LogMel
from audio_gen.metrics.classification import confusion_matrix
from audio_gen.metrics.generation import (
    class_agreement,
    density_coverage,
    inception_score,
    kernel_audio_distance_interval,
)
from audio_gen.metrics.interval import bootstrap
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.generate import Generator, sound
from audio_gen.pipelines.hearing import verdict_at_once
from audio_gen.pipelines.prepare import readable
from audio_gen.pipelines.vocoder import GRIFFIN_LIM, Vocoder
from audio_gen.registry import pick


def evaluate_generator(
    generator: Generator,
    judge: Classifier,
    listener: Classifier,
    dataset: str,
    root: Path,
    split: str,
    *,
    count: int = 200,
    seed: int = 0,
    vocoder: str = GRIFFIN_LIM,
) -> dict[str, Any]:
    """Figures under `details`: agreement of the judge, kernel audio distance (KAD x 100) with its controls, coverage.

    Args:
        judge: a classifier over the generator's labels.
        listener: the classifier whose embedding distances are taken in.
        count: clips to generate, as long as the judge's window; the labels take turns.

    Raises:
        DatasetError: the judge knows other labels than the generator, or the split has none of them.
    """
    if set(judge.labels) != set(generator.labels):
        raise DatasetError(f"judge {judge.checkpoint.name!r} knows {judge.labels}, not {generator.labels}")
    voice = generator.vocoder(vocoder)
    seconds = judge.window / judge.checkpoint.spec.sample_rate
    real = list(_real(generator, dataset, root, split, seconds, voice))
    made = list(generator.mels(count, seconds=seconds, seed=seed))
    sounds = [sound(item, voice).samples for item in made]
    asked = np.array([judge.labels.index(item.label) for item in made])
    probs = _probs(judge, sounds)
    real_probs = _probs(judge, [samples for _, samples in real])
    real_labels = np.array([judge.labels.index(label) for label, _ in real])
    reference = _embeddings(listener, [samples for _, samples in real])
    estimate = _embeddings(listener, sounds)
    noise = _embeddings(listener, [pink_noise(judge.window, index) for index in range(min(count, len(real)))])
    half = np.random.default_rng(seed).permutation(len(reference))
    odd, even = reference[half[::2]], reference[half[1::2]]
    cover = density_coverage(reference, estimate)
    details = {
        "model": generator.checkpoint.name,
        "sha256": generator.checkpoint.sha256,
        "judge": judge.checkpoint.name,
        "listener": listener.checkpoint.name,
        "dataset": dataset,
        "split": split,
        "clips": count,
        "real_clips": len(real),
        "class_agreement": bootstrap(class_agreement, probs, asked).to_dict(),
        "class_agreement_real": bootstrap(class_agreement, real_probs, real_labels).to_dict(),
        "confusion": confusion_matrix(asked, probs.argmax(1), len(judge.labels)).tolist(),
        "kad": kernel_audio_distance_interval(reference, estimate).to_dict(),
        "kad_real_halves": kernel_audio_distance_interval(odd, even).to_dict(),
        "kad_pink_noise": kernel_audio_distance_interval(reference, noise).to_dict(),
        "density": cover.density,
        "coverage": cover.coverage,
        "inception_score": inception_score(probs),
        "inception_score_real": inception_score(real_probs),
    }
    return {"details": details}


def _real(
    generator: Generator, dataset: str, root: Path, split: str, seconds: float, voice: Vocoder
) -> Iterator[tuple[str, torch.Tensor]]:
    """Windows of the split's music of the generator's labels, through mel and vocoder."""
    spec = generator.checkpoint.spec
    size = round(seconds * spec.sample_rate)
    log_mel = LogMel(spec)
    found = False
    items = pick("audio_gen.datasets", dataset).items(root, split)
    for item, samples in readable([item for item in items if item.label in generator.labels], spec.sample_rate):
        for start in range(0, samples.shape[1] - size + 1, size):
            found = True
            yield str(item.label), voice(log_mel(samples[:, start : start + size])).samples
    if not found:
        raise DatasetError(f"{dataset} {split} has no track of {', '.join(generator.labels)} as long as {seconds:g} s")


def _probs(model: Classifier, sounds: list[torch.Tensor]) -> Any:
    return np.array([verdict_at_once(model, samples).probs.tolist() for samples in sounds])


def _embeddings(model: Classifier, sounds: list[torch.Tensor]) -> Any:
    return np.array([verdict_at_once(model, samples).embedding.tolist() for samples in sounds])


def pink_noise(length: int, seed: int) -> torch.Tensor:
    """`[1, length]`: noise whose power falls with 1 / f, at a root mean square of 0.1."""
    generator = torch.Generator().manual_seed(seed)
    spectrum = torch.fft.rfft(torch.randn(1, length, generator=generator))
    spectrum = spectrum / torch.arange(spectrum.shape[1]).clamp_min(1).sqrt()
    samples = torch.fft.irfft(spectrum, length)
    scaled: torch.Tensor = samples * (0.1 / samples.square().mean().sqrt())
    return scaled
