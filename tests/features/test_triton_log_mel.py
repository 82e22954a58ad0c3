"""The GPU's kernel without a GPU: computed by Triton's interpreter in a process of its own, compiled for a Hopper chip.

Triton decides when it is imported whether it interprets, so this file is also the program of that process.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from audio_gen.features.log_mel import LogMel, mel_filter_bank
from audio_gen.features.mel_spec import MelSpec
from audio_gen.features.notes import note_filter_bank

triton = pytest.importorskip("triton")
GPUTarget = pytest.importorskip("triton.backends.compiler").GPUTarget

Wave = npt.NDArray[np.float64]
PTXAS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "ptxas"
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


@dataclass(frozen=True)
class Case:
    """Some samples and what to make of them."""

    shape: tuple[int, ...]
    hop: int = 64
    n_fft: int = 256
    power: float = 1.0
    n_mels: int = 20
    padded: bool = False
    beside: bool = False
    dtype: torch.dtype = torch.float32

    @property
    def spec(self) -> MelSpec:
        return MelSpec(8000, self.n_fft, self.hop, self.n_mels, power=self.power)

    @property
    def bank(self) -> torch.Tensor:
        banks = [mel_filter_bank(self.spec), *([note_filter_bank(self.spec)] if self.beside else [])]
        return torch.cat(banks)

    @property
    def samples(self) -> torch.Tensor:
        random = np.random.default_rng(sum(self.shape))
        t = np.arange(self.shape[-1]) / 8000
        tone = np.sin(2 * np.pi * random.uniform(50, 3900, (*self.shape[:-1], 1)) * t)
        music = torch.from_numpy(0.4 * tone + 0.05 * random.standard_normal(self.shape))
        return (music * 32768).to(torch.int16) if self.dtype == torch.int16 else music.to(self.dtype)


CASES = {
    **{f"{t} samples": Case((2, t)) for t in (1, 2, 3, 64, 127, 128, 129, 130, 255, 256, 257)},
    "one tile": Case((1, 15 * 64)),
    "one frame more than a tile": Case((1, 16 * 64)),
    "many tiles": Case((2, 3000)),
    "hop beyond half a frame": Case((2, 1500), hop=200),
    "hop beyond a frame": Case((2, 3000), hop=300),
    "odd hop": Case((2, 777), hop=37),
    "no signals": Case((0, 500)),
    "power 2": Case((2, 1000), power=2.0),
    "power 1.5": Case((2, 1000), power=1.5),
    "int16": Case((2, 1000), dtype=torch.int16),
    "padded": Case((2, 1000), padded=True),
    "one padded frame": Case((1, 256), padded=True),
    "another bank beside": Case((2, 1000), beside=True),
    "empty bands": Case((1, 1000), n_mels=128),
    "one band": Case((1, 1000), n_mels=1),
    **{f"n_fft {n}": Case((1, 1700), n_fft=n, hop=n // 4, n_mels=64) for n in (512, 1024, 2048, 4096)},
}


def interpret(path: Path) -> None:
    """The log-mels of all cases into one file."""
    from audio_gen.features import triton_log_mel

    found = {}
    for name, case in CASES.items():
        spec, samples = case.spec, case.samples
        made = triton_log_mel.plan(spec, torch.hann_window(spec.n_fft), case.bank)
        pad = 0 if case.padded else spec.n_fft // 2
        count = 1 + (samples.shape[1] + 2 * pad - spec.n_fft) // spec.hop_length
        aside = torch.stack([samples, samples])[0]  # not at the start of memory, and with something behind it
        found[name] = triton_log_mel.log_mel(aside, made, pad, count).numpy()
    case = CASES["one tile"]
    samples, made = case.samples, triton_log_mel.plan(case.spec, torch.hann_window(256), case.bank)
    samples[0, 100] = torch.nan
    found["nan"] = triton_log_mel.log_mel(samples, made, 128, 16).numpy()
    wide = torch.randn(5, 900, generator=torch.Generator().manual_seed(0))
    found["strided"] = triton_log_mel.log_mel(wide[:, 100:800], made, 128, 11).numpy()
    found["gathered"] = triton_log_mel.log_mel(wide[:, 100:800].contiguous(), made, 128, 11).numpy()
    found["every other"] = triton_log_mel.log_mel(wide[:, ::2], made, 128, 8).numpy()
    found["the other half"] = triton_log_mel.log_mel(wide[:, ::2].contiguous(), made, 128, 8).numpy()
    np.savez(path, **found)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, npt.NDArray[np.float32]]:
    path = tmp_path_factory.mktemp("triton") / "found.npz"
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, __file__, str(path)], check=True, env=environment, timeout=300)
    with np.load(path) as arrays:
        return dict(arrays)


def mel(samples: Wave, case: Case) -> Wave:
    """`[rows, N]` of one signal, before the logarithm, in float64."""
    pad = 0 if case.padded else case.n_fft // 2
    samples = np.pad(samples, pad, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(samples, case.n_fft)[:: case.hop]
    window = torch.hann_window(case.n_fft).double().numpy()
    magnitudes = np.abs(np.fft.rfft(frames * window)) ** case.power
    return np.maximum(magnitudes @ case.bank.double().numpy().T, case.spec.floor).T


@pytest.mark.parametrize("name", CASES)
def test_equals_float64(found: dict[str, npt.NDArray[np.float32]], name: str) -> None:
    case, got = CASES[name], found[name]
    samples = case.samples.double().numpy() / (32768 if case.dtype == torch.int16 else 1)
    right = [mel(wave, case) for wave in samples]
    assert got.dtype == np.float32
    assert len(got) == len(right)
    for log_mel, exact in zip(got.astype(np.float64), right, strict=True):
        assert log_mel.shape == exact.shape
        assert (np.abs(np.exp(log_mel) - exact) / exact.max(0)).max() < 1e-6
        if case.shape[-1] > case.n_fft // 2:  # shorter ones reflect again and again: a line spectrum
            assert np.abs(log_mel - np.log(exact)).max() < 1e-4


def test_the_comparison_can_fail(found: dict[str, npt.NDArray[np.float32]]) -> None:
    exact = mel(CASES["many tiles"].samples.double().numpy()[0], Case((2, 3000), power=1.001))
    assert (np.abs(np.exp(found["many tiles"][0]) - exact) / exact.max(0)).max() > 1e-4


def test_a_sample_that_is_no_number_stays_in_its_frames(found: dict[str, npt.NDArray[np.float32]]) -> None:
    lost = np.isnan(found["nan"][0]).all(0)
    assert lost[:4].all()
    assert np.isfinite(found["nan"][0][:, 4:]).all()


def test_signals_may_lie_anywhere(found: dict[str, npt.NDArray[np.float32]]) -> None:
    assert np.array_equal(found["strided"], found["gathered"])
    assert np.array_equal(found["every other"], found["the other half"])


def rebuilt(case: Case) -> Wave:
    """The filter bank that the plan stands for, without its last column."""
    from audio_gen.features.triton_log_mel import plan

    made = plan(case.spec, torch.hann_window(case.n_fft), case.bank)
    assert made is not None
    rows = np.zeros((made.rows, case.n_fft // 2))
    for row, members in enumerate(made.parts.numpy().T[: made.rows]):
        np.add.at(rows[row], made.bins.numpy()[:, members], made.weights.numpy()[:, members])
    return rows


@pytest.mark.parametrize("n_fft", [256, 512, 1024, 2048, 4096])
@pytest.mark.parametrize("n_mels", [1, 20, 80, 128, 229])
@pytest.mark.parametrize("beside", [False, True])
def test_a_plan_is_its_bank(n_fft: int, n_mels: int, beside: bool) -> None:
    case = Case((1, 1), n_fft=n_fft, n_mels=n_mels, beside=beside)
    assert np.array_equal(rebuilt(case), case.bank.numpy()[:, :-1])


def test_banks_that_are_not_for_the_kernel() -> None:
    from audio_gen.features.triton_log_mel import plan

    window, half = torch.hann_window(1024), torch.zeros(3, 513)
    half[1, 512] = 1.0
    assert plan(MelSpec(), window, half) is None
    full = torch.ones(128, 513)
    full[:, 512] = 0
    assert plan(MelSpec(), window, full) is None


class Hopper:
    """What Triton asks of a driver when it only compiles."""

    def get_current_target(self) -> Any:
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 90  # none that is there

    def get_current_stream(self, device: int) -> int:
        return 0


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Kernels that were compiled where they would have run, on a GPU that isn't there."""
    if INTERPRETED or not PTXAS.exists():
        pytest.skip("Triton interprets, or has no ptxas")
    from audio_gen.features.triton_log_mel import _kernel

    kernels: list[Any] = []
    run = _kernel.run
    monkeypatch.setattr(_kernel, "run", lambda *x, warmup, **y: kernels.append(run(*x, warmup=True, **y)))
    monkeypatch.setattr(triton.runtime.driver, "_active", Hopper())
    return kernels


@pytest.mark.parametrize(
    ("n_fft", "dtype"), [(1024, torch.float32), pytest.param(2048, torch.int16, marks=pytest.mark.slow)]
)
def test_compiles_for_a_hopper_gpu(compiled: list[Any], n_fft: int, dtype: torch.dtype, tmp_path: Path) -> None:
    from audio_gen.features.triton_log_mel import log_mel, plan

    spec = MelSpec(n_fft=n_fft, hop_length=n_fft // 4)
    made = plan(spec, torch.hann_window(n_fft), mel_filter_bank(spec))
    assert made is not None
    for length in (22050, 23040):
        log_mel(torch.zeros(2, length, dtype=dtype), made, n_fft // 2, spec.frames(length))
    first, second = compiled
    assert second is first  # one kernel for any length
    (tmp_path / "kernel.cubin").write_bytes(first.asm["cubin"])
    command = [str(PTXAS.with_name("cuobjdump")), "-res-usage", str(tmp_path / "kernel.cubin")]
    usage = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    registers, stack = (int(found) for found in re.findall(r"(?:REG|STACK):(\d+)", usage))
    assert registers <= 128, usage  # four programs on a multiprocessor
    assert stack <= 16, usage  # next to nothing was spilled
    assert first.metadata.shared <= 16 << 10
    assert first.asm["ptx"].count("bar.sync") <= 12  # the exchange, the middle row, bands and output, twice or so each


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", CASES)
def test_cuda_equals_float64(name: str) -> None:
    from audio_gen.features import triton_log_mel

    case = CASES[name]
    made = triton_log_mel.plan(case.spec, torch.hann_window(case.n_fft).cuda(), case.bank.cuda())
    assert made is not None
    pad = 0 if case.padded else case.n_fft // 2
    count = 1 + (case.shape[1] + 2 * pad - case.n_fft) // case.hop
    got = {name: triton_log_mel.log_mel(case.samples.cuda(), made, pad, count).cpu().numpy()}
    test_equals_float64(got, name)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_log_mel_takes_the_kernel_on_cuda() -> None:
    samples = torch.randn(2, 3, 22050, generator=torch.Generator().manual_seed(0))
    log_mel = LogMel(beside=note_filter_bank(MelSpec())).cuda()
    assert torch.allclose(log_mel(samples.cuda()).cpu(), LogMel(beside=note_filter_bank(MelSpec()))(samples), atol=1e-4)


if __name__ == "__main__":
    interpret(Path(sys.argv[1]))
