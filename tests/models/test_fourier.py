import pytest
import torch

from audio_gen.models.fourier import Fourier

SIZES = [(512, 128), (512, 100), (300, 77), (256, 128), (511, 128)]  # hops that divide and don't; an odd size


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
@pytest.mark.parametrize("length", [1024, 3001])
def test_both_ways_are_torchs(n_fft: int, hop: int, length: int) -> None:
    fourier, samples, window = Fourier(n_fft, hop), noise(2, length), torch.hann_window(n_fft)
    twin = torch.stft(samples, n_fft, hop, window=window, pad_mode="constant", return_complex=True)
    found = fourier.spectrum(samples)
    assert torch.allclose(found, twin.transpose(1, 2), atol=1e-4)
    other = torch.complex(noise(2, 20, n_fft // 2 + 1), noise(2, 20, n_fft // 2 + 1).flip(1))  # no signal's spectrum
    back = torch.istft(other.transpose(1, 2), n_fft, hop, window=window, length=19 * hop)
    assert torch.allclose(fourier.samples(other), back, atol=1e-4)


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
@pytest.mark.parametrize("length", [1024, 3001])
def test_there_and_back(n_fft: int, hop: int, length: int) -> None:
    fourier, samples = Fourier(n_fft, hop), noise(1, length)
    spectrum = fourier.spectrum(samples)
    back = fourier.samples(spectrum)
    assert back.shape == (1, hop * (spectrum.shape[1] - 1))
    assert torch.allclose(back, samples[:, : back.shape[1]], atol=1e-4)


def test_what_is_consistent_stays_and_what_is_not_becomes_so() -> None:
    fourier, samples = Fourier(256, 64), noise(1, 64 * 30)
    spectrum = fourier.spectrum(samples)
    weights = fourier.weights(31)
    assert torch.allclose(fourier.consistent(spectrum, weights), spectrum, atol=1e-4)
    other = fourier.consistent(spectrum.abs().to(torch.complex64), weights)
    assert not torch.allclose(other, spectrum.abs().to(torch.complex64), atol=1)
    assert torch.allclose(fourier.consistent(other, weights), other, atol=1e-3)
