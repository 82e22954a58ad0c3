"""What a frame costs in each stage of the compiled log-mel, the others left out."""

from typing import Any

import numpy as np
from _measure import turns
from numba import njit

from audio_gen.features import compiled
from audio_gen.features._fourier import magnitudes, transform
from audio_gen.features._lanes import LANES
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec

GROUPS = 200


@njit
def _transforms(plan: Any, clip: Any, work: Any) -> None:
    for number in range(GROUPS):
        transform(plan.fourier, clip, number * LANES * plan.hop, plan.hop, plan.window, work.z)


@njit
def _magnitudes(plan: Any, work: Any) -> None:
    for _ in range(GROUPS):
        magnitudes(plan.fourier, work.z, plan.squared, work.spectrum)


@njit
def _filters(plan: Any, work: Any, out: Any) -> None:
    for number in range(GROUPS):
        compiled._filter(plan, work, out, number * LANES, GROUPS * LANES)


def stages(spec: MelSpec, repeats: int) -> dict[str, float]:
    """Least microseconds a frame, by stage, in one thread."""
    log_mel = LogMel(spec)
    plan = compiled.plan(spec, log_mel.window, log_mel.bank)
    frames = GROUPS * LANES
    clip = np.random.default_rng(0).normal(0, 0.1, frames * spec.hop_length + spec.n_fft).astype(np.float32)
    out = np.empty(frames * spec.n_mels, np.float32)
    with compiled._room(plan, 1) as (work,):
        calls = {
            "frames, window, transform": lambda: _transforms(plan, clip, work),
            "magnitudes": lambda: _magnitudes(plan, work),
            "mel bands, logarithm": lambda: _filters(plan, work, out),
        }
        took = turns(calls, 10 * repeats)
    return {name: min(seconds) / frames * 1e6 for name, seconds in took.items()}
