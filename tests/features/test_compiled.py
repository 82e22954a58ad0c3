"""The compiled log-mel against the same in float64 by torch, over sizes that are odd."""

import threading

import numpy as np
import pytest
import torch

from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec

compiled = pytest.importorskip("audio_gen.features.compiled")
lanes = compiled.LANES


def exactly(samples: torch.Tensor, log_mel: LogMel, pad: int | None = None) -> torch.Tensor:
    """By torch in float64: the slow twin."""
    twin = LogMel(log_mel.spec, beside=log_mel.bank[log_mel.spec.n_mels :]).double()
    return twin(samples.double()) if pad is None else twin.from_padded(samples.double())


def assert_near(found: torch.Tensor, right: torch.Tensor) -> None:
    """Within 1e-6 of each frame's largest value, the logarithms undone."""
    assert found.shape == right.shape
    assert found.dtype == torch.float32
    off = (found.double().exp() - right.exp()).abs()
    assert bool((off <= 1e-6 * right.exp().amax(-2, keepdim=True)).all())


@pytest.fixture(autouse=True)
def only_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32 nothing here may take torch's way."""
    by_torch = LogMel._by_torch

    def watched(self: LogMel, flat: torch.Tensor, pad: int) -> torch.Tensor:
        assert flat.dtype == torch.float64
        return by_torch(self, flat, pad)

    monkeypatch.setattr(LogMel, "_by_torch", watched)


@pytest.mark.parametrize("power", [1.0, 2.0])
@pytest.mark.parametrize("n_fft", [128, 256, 512, 1024, 2048, 4096])
def test_every_size_of_transform(n_fft: int, power: float) -> None:
    spec = MelSpec(n_fft=n_fft, hop_length=n_fft // 4 + 3, n_mels=40, power=power, floor=1e-10)
    samples = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, (2, 40 * n_fft))).float()
    assert_near(LogMel(spec)(samples), exactly(samples, LogMel(spec)))


@pytest.mark.parametrize("hop", [1, 100, 256, 700, 1500])
@pytest.mark.parametrize("length", [1, 2, 511, 512, 513, 1024, 256 * lanes - 1, 256 * lanes, 256 * lanes + 1])
def test_odd_lengths_and_hops(length: int, hop: int) -> None:
    spec = MelSpec(n_fft=1024, hop_length=hop, n_mels=20, power=2.0)
    samples = torch.from_numpy(np.random.default_rng(length).normal(0, 0.1, (1, length))).float()
    assert_near(LogMel(spec)(samples), exactly(samples, LogMel(spec)))


@pytest.mark.parametrize("frames", [1, 2, lanes - 1, lanes, lanes + 1, 3 * lanes])
def test_samples_that_are_padded_already(frames: int) -> None:
    log_mel = LogMel(MelSpec(n_mels=20))
    samples = torch.randn(3, 1024 + (frames - 1) * 256) / 10
    found = log_mel.from_padded(samples)
    assert found.shape[-1] == frames
    assert_near(found, exactly(samples, log_mel, pad=0))


def test_no_clips_and_many_dimensions() -> None:
    log_mel = LogMel(MelSpec(n_mels=20))
    assert log_mel(torch.zeros(0, 5000)).shape == (0, 20, 20)
    samples = torch.randn(2, 3, 5000) / 10
    assert torch.equal(log_mel(samples)[1, 2], log_mel(samples[1, 2]))


def test_frames_do_not_depend_on_their_neighbours_or_on_threads() -> None:
    log_mel = LogMel()
    samples = torch.randn(5, 256 * lanes * compiled.GROUPS // 2) / 10  # enough for two threads
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = torch.stack([log_mel(clip) for clip in samples])
        torch.set_num_threads(4)
        assert torch.equal(log_mel(samples), alone)
    finally:
        torch.set_num_threads(before)
    assert not torch.equal(alone[0], alone[1])


def test_many_callers_at_once() -> None:
    log_mel, samples = LogMel(), torch.randn(4, 60000) / 10
    right = [log_mel(clip) for clip in samples]
    found: dict[int, list[torch.Tensor]] = {n: [] for n in range(4)}

    def work(n: int) -> None:
        for _ in range(5):
            found[n].append(log_mel(samples[n]))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(each, right[n]) for n in range(4) for each in found[n])


def test_a_bank_beside_the_mel_bands() -> None:
    beside = torch.zeros(3, 513)  # a row that hears nothing among them
    beside[0, 100:140], beside[2, 512] = 0.5, 1.0
    log_mel = LogMel(MelSpec(n_mels=20), beside=beside)
    samples = torch.randn(1, 9000) / 10
    found = log_mel(samples)
    assert_near(found, exactly(samples, log_mel))
    assert torch.equal(found[:, :20], LogMel(MelSpec(n_mels=20))(samples))
    assert torch.allclose(found[:, 21], torch.tensor(1e-5).log())


def test_what_is_not_finite_does_not_pass_for_a_number() -> None:
    samples = torch.randn(1, 20000) / 10
    samples[0, 10000] = float("nan")
    found = LogMel()(samples)
    assert found[0, :, 39].isnan().all()
    assert found[0, :, :30].isfinite().all()


def test_the_samples_stay_as_they_are() -> None:
    samples = torch.randn(2, 5000)
    kept = samples.clone()
    LogMel()(samples[:, ::2])
    assert torch.equal(samples, kept)


@pytest.mark.parametrize("spec", [MelSpec(n_fft=1000), MelSpec(n_fft=64, n_mels=8), MelSpec(power=1.5)])
def test_specs_that_torch_has_to_compute(spec: MelSpec) -> None:
    assert not compiled.supported(spec)
