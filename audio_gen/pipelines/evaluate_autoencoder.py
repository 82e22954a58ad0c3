"""evaluate an autoencoder: how near do log-mels come back, beside the mean of each band?"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from audio_gen.errors import DatasetError
from audio_gen.features.log_mel import NEPER, LogMel
from audio_gen.metrics.interval import bootstrap
from audio_gen.pipelines.autoencoder import Autoencoder
from audio_gen.pipelines.prepare import readable
from audio_gen.registry import pick


def evaluate_autoencoder(
    model: Autoencoder, dataset: str, root: Path, split: str, *, seconds: float = 30.0
) -> dict[str, Any]:
    """Figures under `details`, means over tracks of the split with their intervals, in decibels.

    `reconstruction_db`: mean absolute difference of the log-mel and what comes back of it; `band_means_db`: of the
    log-mel and each band's mean in that very track, which is all that is known without time.
    `steps_db`: mean change from frame to frame of the original and of what comes back: the texture that is lost.

    Args:
        model: what is measured.
        dataset: name of a plug whose items have audio.
        root: where it lies.
        split: of it.
        seconds: of each track, from its middle.

    Raises:
        DatasetError: no track has audio.
    """
    spec, log_mel = model.checkpoint.spec, LogMel(model.checkpoint.spec)
    size, rows = round(seconds * spec.sample_rate), []
    for _, samples in readable(pick("audio_gen.datasets", dataset).items(root, split), spec.sample_rate):
        start = max(0, (samples.shape[1] - size) // 2)
        mel = log_mel(samples[:, start : start + size])[0]
        latent = model.encode(mel)
        again = model.decode(latent)[:, : mel.shape[1]]
        flat = mel.mean(1, keepdim=True)
        rows.append([_away(again, mel), _away(flat, mel), _steps(mel), _steps(again)])
    if not rows:
        raise DatasetError(f"{dataset} {split} has no track with audio")
    table = NEPER * np.array(rows)
    names = ("reconstruction_db", "band_means_db", "steps_db_original", "steps_db_again")
    figures = {name: bootstrap(np.mean, column).to_dict() for name, column in zip(names, table.T, strict=True)}
    about = {"model": model.checkpoint.name, "sha256": model.checkpoint.sha256, "dataset": dataset, "split": split}
    bits = {"latent_numbers_a_second": model.net.latent * spec.sample_rate / spec.hop_length / model.net.stride}
    return {"details": {**about, "tracks": len(rows), **bits, **figures}}


def _away(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().mean())


def _steps(mel: torch.Tensor) -> float:
    return float(mel.diff(dim=1).abs().mean())
