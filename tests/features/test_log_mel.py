from dataclasses import replace

import librosa
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch.autograd import gradcheck

from audio_gen.errors import ParameterError
from audio_gen.features.log_mel import LogMel, mel_filter_bank, pad_reflect
from audio_gen.features.mel_spec import MelSpec

SMALL = MelSpec(sample_rate=8000, n_fft=64, hop_length=16, n_mels=8)
Wave = npt.NDArray[np.float64]


def reference(samples: Wave, spec: MelSpec) -> Wave:
    """Linear mel in float64 by librosa; numpy pads, which knows how to reflect short signals."""
    mel: Wave = librosa.feature.melspectrogram(
        y=np.pad(samples.astype(np.float64), spec.n_fft // 2, mode="reflect"),
        sr=spec.sample_rate,
        n_fft=spec.n_fft,
        hop_length=spec.hop_length,
        center=False,
        power=spec.power,
        n_mels=spec.n_mels,
        fmin=spec.fmin,
        fmax=spec.fmax,
        htk=False,
        norm="slaney",
        dtype=np.float64,
    )
    return mel


def linear_error(samples: npt.NDArray[np.float32], spec: MelSpec) -> float:
    """The largest difference to librosa, as a share of the frame's largest mel value."""
    right = np.maximum(reference(samples.astype(np.float64), spec), spec.floor)
    got = np.exp(LogMel(spec)(torch.from_numpy(samples)).double().numpy())
    assert got.shape == right.shape
    return float((np.abs(got - right) / right.max(0)).max())


def random_spec(random: np.random.Generator) -> MelSpec:
    n_fft = int(random.choice([256, 400, 512, 1024, 2048]))
    rate = int(random.choice([8000, 11025, 16000, 22050, 44100, 48000]))
    return MelSpec(
        sample_rate=rate,
        n_fft=n_fft,
        hop_length=int(random.choice([n_fft // 4, n_fft // 3, 100, n_fft // 2, n_fft])),
        n_mels=int(random.choice([20, 64, 80, 128])),
        fmin=float(random.choice([0.0, 30.0])),
        fmax=random.choice([None, rate / 3]),
        power=float(random.choice([1.0, 1.5, 2.0])),
        floor=float(random.choice([1e-5, 1e-10])),
    )


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize("seed", range(12))
def test_parity_with_librosa_on_noise_floored_music(seed: int) -> None:
    random = np.random.default_rng(seed)
    spec = random_spec(random)
    for length in (1, 2, 3, 511, 512, 513, 1024, 5000, int(random.integers(5001, 20000))):
        # of a few samples all that is left is at 0 Hz and half the rate; with no band there, only rounding is seen
        heard = spec if length > 3 else replace(spec, fmin=0.0, fmax=None)
        t = np.arange(length) / spec.sample_rate
        music = sum(0.1 * np.sin(2 * np.pi * f * t) for f in random.uniform(50, spec.sample_rate / 2.5, 4))
        samples = (music + 0.1 * random.standard_normal(length)).astype(np.float32)
        right = np.log(np.maximum(reference(samples.astype(np.float64), heard), spec.floor))
        got = LogMel(heard)(torch.from_numpy(samples)).numpy()
        assert got.dtype == np.float32
        assert got.shape == right.shape == (spec.n_mels, 1 + length // spec.hop_length)
        if length > spec.n_fft // 2:  # shorter ones reflect again and again: a line spectrum with empty bands
            assert np.abs(got - right).max() < 1e-4
        assert linear_error(samples, heard) < 1e-6


@pytest.mark.parametrize("power", [1.0, 2.0])
@pytest.mark.parametrize("kind", ["sine", "low sine", "chirp", "clicks", "square", "dc", "quiet sine", "full scale"])
def test_parity_on_anything(kind: str, power: float) -> None:
    spec = MelSpec(power=power)
    t = np.arange(12000) / spec.sample_rate
    samples = {
        "sine": 0.5 * np.sin(2 * np.pi * 1000 * t),
        "low sine": 0.5 * np.sin(2 * np.pi * 31 * t),
        "chirp": 0.5 * np.sin(2 * np.pi * (100 * t + 8000 * t**2)),
        "clicks": (np.arange(12000) % 1500 == 0).astype(float),
        "square": 0.5 * np.sign(np.sin(2 * np.pi * 220 * t)),
        "dc": np.full(12000, 0.3),
        "quiet sine": 1e-4 * np.sin(2 * np.pi * 440 * t),
        "full scale": np.sin(2 * np.pi * 3000 * t),
    }[kind].astype(np.float32)
    assert linear_error(samples, spec) < 1e-6


def test_the_parity_test_can_fail() -> None:
    samples = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    right = np.maximum(reference(samples.astype(np.float64), MelSpec()), 1e-5)
    for other in (MelSpec(fmin=1.0), MelSpec(sample_rate=22049), MelSpec(power=1.001)):
        got = np.exp(LogMel(other)(torch.from_numpy(samples)).numpy())
        assert (np.abs(got - right) / right.max(0)).max() > 1e-4


@pytest.mark.parametrize("spec", [MelSpec(), SMALL, MelSpec(sample_rate=11025, fmin=20, fmax=5000, n_fft=2048)])
def test_filter_bank_is_slaneys(spec: MelSpec) -> None:
    right = librosa.filters.mel(
        sr=spec.sample_rate, n_fft=spec.n_fft, n_mels=spec.n_mels, fmin=spec.fmin, fmax=spec.fmax, dtype=np.float64
    )
    bank = mel_filter_bank(spec)
    assert bank.dtype == torch.float32
    assert np.abs(bank.numpy() - right).max() <= 1e-7 * right.max()


@pytest.mark.parametrize("length", [1, 2, 3, 511, 512, 513, 1024, 5000])
def test_padding_reflects_as_numpy_does(length: int) -> None:
    samples = torch.randn(2, length)
    assert np.array_equal(pad_reflect(samples, 512).numpy(), np.pad(samples.numpy(), ((0, 0), (512, 512)), "reflect"))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (2, 3), (1, 2, 2)])
@pytest.mark.parametrize("length", [1, 40, 1000])
def test_batched_equals_one_by_one(shape: tuple[int, ...], length: int) -> None:
    module = LogMel(SMALL)
    samples = torch.randn(*shape, length)
    before = samples.clone()
    got = module(samples)
    assert torch.equal(samples, before)
    assert got.shape == (*shape, 8, 1 + length // 16)
    single = [module(row) for row in samples.reshape(-1, length)]
    assert torch.allclose(got.reshape(-1, *got.shape[-2:]), torch.stack(single), rtol=0, atol=1e-5)
    assert not torch.allclose(single[0], module(samples.reshape(-1, length)[0] * 2), atol=1e-2)


def test_frame_counts_agree() -> None:
    for spec in (SMALL, MelSpec(), MelSpec(n_fft=1023), MelSpec(n_fft=64, hop_length=100, n_mels=4)):
        for samples in (1, 2, 99, 100, 255, 256, 512, 1000):
            assert LogMel(spec)(torch.zeros(samples)).shape[-1] == spec.frames(samples)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_silence_is_finite_and_so_is_its_gradient(power: float) -> None:
    spec = MelSpec(power=power)
    samples = torch.zeros(5000, requires_grad=True)
    mel = LogMel(spec)(samples)
    assert torch.allclose(mel, torch.tensor(spec.floor).log().expand_as(mel))
    mel.sum().backward()
    assert samples.grad is not None
    assert torch.isfinite(samples.grad).all()


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_gradient_of_music_is_finite_and_moves_it(power: float) -> None:
    t = torch.arange(22050) / 22050
    music = 0.3 * torch.sin(2 * torch.pi * 220 * t) * (t % 0.25 < 0.2)  # with gaps of digital silence
    music = music.requires_grad_(True)
    LogMel(MelSpec(power=power))(music).mean().backward()
    assert music.grad is not None
    assert torch.isfinite(music.grad).all()
    assert music.grad.abs().max() > 0


def test_gradient_is_the_derivative() -> None:
    samples = torch.randn(50, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert gradcheck(LogMel(SMALL).double(), (samples,), eps=1e-6, atol=1e-4)


@pytest.mark.parametrize(("dtype", "bits"), [(torch.float16, 11), (torch.bfloat16, 8)])
def test_half_precision_is_computed_in_single(dtype: torch.dtype, bits: int) -> None:
    samples = torch.randn(2000, generator=torch.Generator().manual_seed(0)).to(dtype)
    mel = LogMel(SMALL)(samples)
    assert mel.dtype == torch.float32
    assert torch.equal(mel, LogMel(SMALL)(samples.float()))
    assert torch.finfo(dtype).eps == 2.0 ** (1 - bits)


def test_double_samples_and_a_double_module() -> None:
    samples = torch.randn(2000, dtype=torch.float64)
    single, double = LogMel(SMALL)(samples), LogMel(SMALL).double()(samples)
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    assert torch.allclose(single.double(), double, atol=1e-4)


@pytest.mark.parametrize("samples", [torch.zeros(0), torch.zeros(2, 0), torch.zeros(100, dtype=torch.int32)])
def test_refuses_nothing_and_whole_numbers(samples: torch.Tensor) -> None:
    with pytest.raises(ParameterError, match="at least one sample, in floating point"):
        LogMel(SMALL)(samples)


@pytest.mark.parametrize("hz", [100, 440, 1000, 5000])
def test_a_tone_lands_in_its_band(hz: float) -> None:
    spec = MelSpec()
    mel = LogMel(spec)(0.5 * torch.sin(2 * torch.pi * hz * torch.arange(8000) / spec.sample_rate))
    centres = librosa.mel_frequencies(n_mels=spec.n_mels + 2, fmin=0, fmax=spec.top)[1:-1]
    assert abs(int(mel[:, 10].argmax()) - int(np.abs(centres - hz).argmin())) <= 1


def test_nothing_is_learnt_and_nothing_is_stored() -> None:
    assert not list(LogMel().parameters())
    assert not LogMel().state_dict()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_equals_the_cpu() -> None:
    samples = torch.randn(3, 22050, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(LogMel().cuda()(samples.cuda()).cpu(), LogMel()(samples), atol=1e-4)


def test_int16_counts_from_minus_one_to_one() -> None:
    samples = (torch.randn(2, 5000) * 3000).to(torch.int16)
    assert torch.equal(LogMel()(samples), LogMel()(samples.float() / 32768))
    assert torch.equal(LogMel().double()(samples), LogMel().double()(samples.double() / 32768))


def test_torch_compile_takes_the_torch_way() -> None:
    log_mel, samples = LogMel(), torch.randn(1, 5000) / 10
    compiled = torch.compile(log_mel, backend="eager", fullgraph=True)
    assert torch.allclose(compiled(samples), log_mel(samples), atol=1e-4)
