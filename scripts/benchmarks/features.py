"""LogMel on the CPU beside other log-mels and beside nothing but the Fourier transform, and how far the roofs are.

Clips of 30 s of noise. All rivals run in turn, so that a busy moment hits each of them; figures are medians of the
turns, ratios medians of the ratios within a turn. The bare transform is `torch.fft.rfft` of 64 frames that lie in the
cache already, over and over: nothing that computes a log-mel with it can be faster. Roofs: see docs/roofline.md.
"""

import argparse
import importlib.metadata
import math
import statistics
from collections.abc import Callable

import librosa
import numpy as np
import torch
import torchaudio
from _measure import publish, spread, turns
from _stages import stages

from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec

SECONDS = 30
SPECS = (MelSpec(), MelSpec(n_fft=2048, hop_length=512))
BLOCK = 64  # frames
VERSIONS = ("torchaudio", "librosa", "numba", "numpy", "nnAudio", "torchlibrosa")

Call = Callable[[], object]


def rivals(spec: MelSpec, samples: torch.Tensor) -> dict[str, Call]:
    """What computes the same, or nearly (nnAudio windows alike, torchlibrosa takes powers), of `[B, T]`."""
    common = {"n_fft": spec.n_fft, "hop_length": spec.hop_length, "n_mels": spec.n_mels, "power": spec.power}
    ours, array = LogMel(spec), samples.numpy()
    theirs = torchaudio.transforms.MelSpectrogram(spec.sample_rate, norm="slaney", mel_scale="slaney", **common)

    def of_librosa() -> object:
        mel = librosa.feature.melspectrogram(y=array, sr=spec.sample_rate, pad_mode="reflect", **common)
        return np.log(np.maximum(mel, spec.floor))

    block = samples[0, : spec.n_fft * BLOCK].reshape(BLOCK, spec.n_fft).clone()
    frames = len(samples) * spec.frames(samples.shape[1])

    def bare() -> None:
        for _ in range(math.ceil(frames / BLOCK)):
            torch.fft.rfft(block)

    calls: dict[str, Call] = {
        "audio_gen": lambda: ours(samples),
        "torchaudio": lambda: torch.log(theirs(samples).clamp_min(spec.floor)),
        "librosa": of_librosa,
        "bare transform": bare,
    }
    return calls | _others(spec, samples)


def _others(spec: MelSpec, samples: torch.Tensor) -> dict[str, Call]:
    try:
        from nnAudio.features import MelSpectrogram
        from torchlibrosa import LogmelFilterBank, Spectrogram
    except ImportError as error:
        print(f"left out: {error}")
        return {}
    sizes = {"n_fft": spec.n_fft, "hop_length": spec.hop_length}
    mel = MelSpectrogram(sr=spec.sample_rate, n_mels=spec.n_mels, power=spec.power, verbose=False, **sizes)
    spectrogram = Spectrogram(**sizes)
    bank = LogmelFilterBank(sr=spec.sample_rate, n_fft=spec.n_fft, n_mels=spec.n_mels, fmin=0, fmax=spec.top)
    return {
        "nnAudio": lambda: torch.log(mel(samples).clamp_min(spec.floor)),
        "torchlibrosa": lambda: bank(spectrogram(samples)),
    }


def rows_of(spec: MelSpec, batch: int, threads: int, repeats: int) -> list[dict[str, object]]:
    """A row for each rival: microseconds a frame, and how many times ours that is."""
    torch.set_num_threads(threads)
    samples = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, (batch, SECONDS * spec.sample_rate))).float()
    with torch.inference_mode():
        took = turns(rivals(spec, samples), repeats)
    frames = batch * spec.frames(samples.shape[1])
    rows: list[dict[str, object]] = []
    for name, seconds in took.items():
        each = [second / frames * 1e6 for second in seconds]
        times = [theirs / ours for theirs, ours in zip(seconds, took["audio_gen"], strict=True)]
        place = {"n_fft/hop": f"{spec.n_fft}/{spec.hop_length}", "clips": batch, "threads": threads, "what": name}
        figures = {"us a frame": statistics.median(each), "us, turns": spread(each)}
        rows.append({**place, **figures, "times ours": statistics.median(times), "times, turns": spread(times)})
    us = statistics.median(took["audio_gen"]) / frames * 1e6
    return [rows[0] | roofs(spec, us, repeats), *rows[1:]]


def roofs(spec: MelSpec, us: float, repeats: int) -> dict[str, object]:
    """What share of the processor's arithmetic and of its memory's speed a frame in `us` microseconds is."""
    big, factor = torch.rand(1 << 26), torch.rand(1024, 1024)
    other = torch.empty_like(big)
    took = turns({"copy": lambda: other.copy_(big), "product": lambda: factor @ factor}, repeats)
    operations = 2.5 * spec.n_fft * math.log2(spec.n_fft)
    moved = 4 * (spec.hop_length + spec.n_mels)
    return {
        "Gflop/s": operations / us / 1e3,
        "of matrix product": operations / us * 1e6 / (2 * 1024**3 / min(took["product"])),
        "of copying": moved / us * 1e6 / (2 * big.numel() * 4 / min(took["copy"])),
        "x real time": spec.hop_length / spec.sample_rate / (us / 1e6),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench features", description=__doc__)
    parser.add_argument("--repeats", type=int, default=9, metavar="N", help="default 9; fewer is not kept")
    arguments = parser.parse_args()
    most = torch.get_num_threads()
    places = [(spec, batch, threads) for spec in SPECS for threads in sorted({1, most}) for batch in (1, 16)]
    rows = [row for place in places for row in rows_of(*place, arguments.repeats)]
    for spec in SPECS:
        place = {"n_fft/hop": f"{spec.n_fft}/{spec.hop_length}", "threads": 1}
        rows += [
            {**place, "what": f"- {name}", "us a frame": us} for name, us in stages(spec, arguments.repeats).items()
        ]
    versions = {name: importlib.metadata.version(name) for name in VERSIONS}
    publish("features", rows, keep=arguments.repeats >= 9, **versions)


if __name__ == "__main__":
    main()
