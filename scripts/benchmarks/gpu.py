"""The GPU: log-mels in one kernel beside torch.compile, plain torch and torchaudio; errors, roofs, a graph, the feed.

A log-mel needs each sample read and each value written once, and 2.5 N log2 N operations for the FFT of a frame: the
shares are those of the device's rates. Runs where the package isn't installed, and without CUDA it only says so.
"""

import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _by_cuda import GPU, Roofs, milliseconds
from _measure import publish, spread

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from audio_gen.features.graphed import Graphed
from audio_gen.features.log_mel import LogMel, mel_filter_bank, pad_reflect
from audio_gen.features.mel_spec import MelSpec
from audio_gen.pipelines.feed import blocks_of, feed

SPECS = (MelSpec(), MelSpec(n_fft=2048, hop_length=512))
CLIPS = ((1, 10), (64, 30), (256, 30))  # how many, of how many seconds
LOG_ERROR, LINEAR_ERROR = 1e-4, 1e-6  # what MelSpec allows on music with noise, and on anything
OURS = ("kernel", "kernel, int16", "LogMel")
Row = dict[str, Any]
Call = Callable[[torch.Tensor], torch.Tensor]


def plain(spec: MelSpec, dtype: torch.dtype = torch.float32) -> Call:
    """A log-mel in torch, as one would write it."""
    window = torch.hann_window(spec.n_fft, dtype=torch.float64).float().to(GPU, dtype)
    bank = mel_filter_bank(spec).to(GPU, dtype)

    def log_mel(samples: torch.Tensor) -> torch.Tensor:
        frames = pad_reflect(samples, spec.n_fft // 2).unfold(-1, spec.n_fft, spec.hop_length)
        square = torch.view_as_real(torch.fft.rfft(frames * window)).square().sum(-1)
        return torch.log((bank @ (square ** (spec.power / 2)).transpose(-1, -2)).clamp_min(spec.floor))

    return log_mel


def by_torchaudio(spec: MelSpec) -> Call:
    from torchaudio.transforms import MelSpectrogram

    rate, norm = spec.sample_rate, "slaney"
    mel = MelSpectrogram(
        rate, spec.n_fft, None, spec.hop_length, n_mels=spec.n_mels, power=spec.power, norm=norm, mel_scale=norm
    ).to(GPU)
    return lambda samples: torch.log(mel(samples).clamp_min(spec.floor))


def by_kernel(spec: MelSpec) -> Call:
    """The kernel itself, which takes int16 too; what LogMel does more is to choose it."""
    from audio_gen.features import triton_log_mel

    log_mel = LogMel(spec).to(GPU)
    made = triton_log_mel.plan(spec, log_mel.window, log_mel.bank)
    assert made is not None
    return lambda x: triton_log_mel.log_mel(x, made, spec.n_fft // 2, spec.frames(x.shape[1]))


def rivals(spec: MelSpec, samples: torch.Tensor) -> dict[str, Callable[[], torch.Tensor]]:
    """Calls that make log-mels of `samples`; who can't is left out with a word."""
    torch.compiler.reset()
    makers: dict[str, Callable[[], Call]] = {
        "kernel": lambda: by_kernel(spec),
        "kernel, int16": lambda: by_kernel(spec),
        "LogMel": lambda: LogMel(spec).to(GPU),
        "torch.compile": lambda: torch.compile(plain(spec), dynamic=False),
        "torch": lambda: plain(spec),
        "torchaudio": lambda: by_torchaudio(spec),
    }
    whole = _to_int16(samples)
    calls: dict[str, Callable[[], torch.Tensor]] = {}
    for name, maker in makers.items():
        try:
            call, x = maker(), whole if "int16" in name else samples
            call(x)
        except Exception as error:  # noqa: BLE001 - of a compiler that isn't there, say; the others still count
            print(f"left out: {name}: {error!r}"[:1000])
        else:
            calls[name] = lambda call=call, x=x: call(x)
    return calls


def errors(spec: MelSpec) -> Iterator[Row]:
    """Of every path against float64."""
    t = torch.arange(5 * spec.sample_rate, device=GPU, dtype=torch.float64) / spec.sample_rate
    tones = torch.stack([0.5 * torch.sin(2 * math.pi * f * t) for f in (31.0, 440.0, 3000.0, 9000.0)])
    chirp = 0.5 * torch.sin(2 * math.pi * (100 * t + 900 * t**2))
    clicks = 0.9 * (torch.arange(len(t), device=GPU) % 1500 == 0)
    music = _rounded(0.8 * tones + _noise(*tones.shape))
    anything = _rounded(torch.cat([tones, torch.stack([chirp, clicks, torch.full_like(t, 0.3)])]))
    exact = plain(spec, torch.float64)
    right, linear = exact(music.double()), exact(anything.double()).exp()
    logs = {name: (call() - right).abs().max().item() for name, call in rivals(spec, music).items()}
    for name, call in rivals(spec, anything).items():
        off = (call().double().exp() - linear).abs() / linear.amax(-2, keepdim=True)
        yield {"what": name, "n_fft/hop": _sizes(spec), "error of log": logs[name], "linear error": off.max().item()}


def speed(spec: MelSpec, clips: int, seconds: int, roofs: Roofs) -> Iterator[Row]:
    samples = _rounded(_noise(clips, seconds * spec.sample_rate))
    found = milliseconds(rivals(spec, samples))
    frames = clips * spec.frames(samples.shape[1])
    flops = frames * 2.5 * spec.n_fft * math.log2(spec.n_fft)
    for name, took in found.items():
        ms = statistics.median(took)
        times = [b / a for a, b in zip(took, found.get("torchaudio", []), strict=False)] or [math.nan]
        moved = samples.numel() * (2 if "int16" in name else 4) + frames * spec.n_mels * 4
        yield {
            "what": name,
            "n_fft/hop": _sizes(spec),
            "clips": f"{clips} x {seconds} s",
            "us": 1000 * ms,
            "us, spread": spread([1000 * value for value in took]),
            "times torchaudio": statistics.median(times),
            "times, spread": spread(times),
            "x real time": clips * seconds * 1000 / ms,
            "share of memory": moved / ms / roofs.bytes_per_ms,
            "share of arithmetic": flops / ms / roofs.flops_per_ms,
        }


def graphed(spec: MelSpec) -> Row:
    """One clip of 10 s in a CUDA graph, its copy into the graph's input included."""
    samples = _noise(1, 10 * spec.sample_rate)
    graph = Graphed(by_kernel(spec), samples)
    took = [1000 * value for value in milliseconds({"graph": lambda: graph(samples)})["graph"]]
    row = {"us": statistics.median(took), "us, spread": spread(took)}
    return {"what": "kernel in a CUDA graph", "n_fft/hop": _sizes(spec), "clips": "1 x 10 s", **row}


def pipeline(spec: MelSpec) -> Iterator[Row]:
    """From file to GPU, in seconds of audio a second: each stage by itself, then all beside each other."""
    clips, seconds, threads, log_mel = 16, 30, len(os.sched_getaffinity(0)), by_kernel(spec)
    floats = _rounded(_noise(clips, seconds * spec.sample_rate))
    alone: dict[str, float] = {}
    runs: list[tuple[str, float, list[Iterable[torch.Tensor]], list[str]]] = []
    for name, there in (("float32", floats), ("int16", _to_int16(floats))):
        block, pinned = there.cpu(), there.cpu().pin_memory()
        stages: dict[str, Callable[[], object]] = {
            f"to pinned memory, {name}": lambda pinned=pinned, block=block: pinned.copy_(block),
            f"bus, {name}": lambda there=there, pinned=pinned: there.copy_(pinned, non_blocking=True),
            f"kernel, {name}": lambda there=there: log_mel(there),
        }
        alone |= {key: 1000 * clips * seconds / statistics.median(took) for key, took in milliseconds(stages).items()}
        runs.append((f"memory to GPU, {name}", 32 * threads * clips * seconds, [[block] * 32] * threads, list(stages)))
    with tempfile.TemporaryDirectory() as folder:
        if paths := _files(Path(folder), spec):
            sources = [[blocks_of(path, spec.sample_rate, 60) for path in paths] for _ in range(2)]
            decoding = f"decoding, {threads} threads"
            alone[decoding] = 60 * len(paths) / _fed(sources[0], threads, torch.device("cpu"), torch.numel)
            runs.append(("file to GPU", 60 * len(paths), list(sources[1]), [decoding, "bus, int16", "kernel, int16"]))
        yield from ({"what": what, "n_fft/hop": _sizes(spec), "x real time": rate} for what, rate in alone.items())
        for what, audio, blocks, parts in runs:
            rate, limit = audio / _fed(blocks, threads, GPU, log_mel), min(parts, key=lambda part: alone[part])
            row = {"x real time": rate, "limit": limit, "share of the limit": rate / alone[limit]}
            yield {"what": what, "n_fft/hop": _sizes(spec), **row}


def _fed(
    sources: Sequence[Iterable[torch.Tensor]], threads: int, device: torch.device, use: Callable[[torch.Tensor], object]
) -> float:
    """Seconds."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    for blocks in feed(sources, device, threads=threads):
        for block in blocks:
            use(block)
    torch.cuda.synchronize()
    return time.perf_counter() - start


def _files(folder: Path, spec: MelSpec) -> list[Path]:
    """FLAC files of a minute, 16 bits, mono, each many times; none where soundfile is missing."""
    try:
        import soundfile
    except ImportError:
        print("left out: decoding, since soundfile isn't installed")
        return []
    noise = np.random.default_rng(0).normal(0, 0.1, 60 * spec.sample_rate)
    paths = [folder / f"{number}.flac" for number in range(8)]
    for number, path in enumerate(paths):
        soundfile.write(path, np.roll(noise, number), spec.sample_rate, "PCM_16")
    return paths * 16


def _noise(clips: int, samples: int) -> torch.Tensor:
    return 0.1 * torch.randn(clips, samples, generator=torch.Generator(GPU).manual_seed(0), device=GPU)


def _rounded(samples: torch.Tensor) -> torch.Tensor:
    """To what int16 can hold, so that everybody hears the same."""
    return ((samples * 32768).round() / 32768).clamp(-1, 32767 / 32768).float()


def _to_int16(samples: torch.Tensor) -> torch.Tensor:
    return (samples * 32768).to(torch.int16)


def _sizes(spec: MelSpec) -> str:
    return f"{spec.n_fft}/{spec.hop_length}"


def main() -> None:
    if not torch.cuda.is_available():
        print("gpu: no CUDA device here, nothing to measure")
        return
    import torchaudio
    import triton

    with torch.inference_mode():
        roofs = Roofs.measured()
        faults = [row for spec in SPECS for row in errors(spec)]
        rows = [row for spec in SPECS for clips in CLIPS for row in speed(spec, *clips, roofs)]
        rows += [graphed(spec) for spec in SPECS]
        rows += [row for spec in SPECS for row in pipeline(spec)]
    gpu = {"gpu": torch.cuda.get_device_name(), "torchaudio": torchaudio.__version__, "triton": triton.__version__}
    rates = {"GB/s": roofs.bytes_per_ms / 1e6, "float32 TFLOP/s": roofs.flops_per_ms / 1e9}
    publish("gpu", [*faults, *rows], **gpu, **rates)
    ours = [row for row in faults if row["what"] in OURS]
    if len(ours) < len(OURS) * len(SPECS):
        sys.exit("gpu: the kernel doesn't run")
    if any(row["error of log"] > LOG_ERROR or row["linear error"] > LINEAR_ERROR for row in ours):
        sys.exit("gpu: an error is larger than MelSpec allows")


if __name__ == "__main__":
    main()
