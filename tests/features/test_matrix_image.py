import pytest
import torch

from audio_gen.features.decibel_image import SPEC, DecibelImage
from audio_gen.features.matrix_image import MatrixImage, fourier_steps
from audio_gen.features.mel_spec import MelSpec

SPECS = {
    "the classifiers'": SPEC,
    "magnitudes": MelSpec(n_fft=1024, hop_length=256),
    "hop without a common block": MelSpec(n_fft=512, hop_length=199, n_mels=40, power=2.0, floor=1e-10),
    "odd": MelSpec(n_fft=405, hop_length=90, n_mels=20, power=1.5, fmin=50.0, fmax=9000.0),
    "prime": MelSpec(n_fft=211, hop_length=100, n_mels=16, power=2.0, floor=1e-10),
}


def music(rows: int, length: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    pitches = torch.rand(rows, length // 2000 + 1, generator=random).mul(4000).add(60).repeat_interleave(2000, 1)
    tones = torch.sin(torch.cumsum(2 * torch.pi * pitches[:, :length] / 22050, 1))
    return 0.3 * tones + 0.01 * torch.randn(rows, length, generator=random)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
@pytest.mark.parametrize("window", [22050, 700])
def test_two_roads_to_one_picture(spec: MelSpec, window: int) -> None:
    samples = music(3, window)
    columns = min(13, spec.frames(window))
    picture, matrices = DecibelImage(spec, columns)(samples), MatrixImage(spec, columns, window)(samples)
    assert matrices.shape == (3, spec.n_mels, columns)
    assert picture.std() > 5
    torch.testing.assert_close(matrices, picture, rtol=0, atol=1e-3)


def test_samples_shorter_than_the_padding() -> None:
    samples = music(2, 900)
    torch.testing.assert_close(MatrixImage(SPEC, 1, 900)(samples), DecibelImage(SPEC, 1)(samples), rtol=0, atol=1e-3)


def test_silence_is_dark_and_gain_changes_nothing() -> None:
    samples = torch.stack([torch.zeros(22050), 1e-7 * music(1, 22050)[0], music(1, 22050)[0]])
    picture = MatrixImage(SPEC, 13, 22050)(samples)
    assert picture[0].eq(-80).all()
    torch.testing.assert_close(picture, DecibelImage(SPEC, 13)(samples), rtol=0, atol=1e-3)
    quieter = MatrixImage(SPEC, 13, 22050)(samples[2:] / 8)
    torch.testing.assert_close(quieter, picture[2:], rtol=0, atol=1e-3)


@pytest.mark.parametrize("n_fft", [1, 2, 7, 12, 64, 2048])
def test_the_steps_are_a_fourier_transform(n_fft: int) -> None:
    spec = MelSpec(n_fft=n_fft, hop_length=1, n_mels=1)
    first, second, _ = fourier_steps(spec)
    half, q = second.shape[0], second.shape[1] // 2
    samples = torch.randn(n_fft, generator=torch.Generator().manual_seed(1))
    inner = (first @ samples.reshape(-1, q)).reshape(half, 1, 2 * q)
    real, imaginary = (inner @ second)[:, 0].chunk(2, 1)
    whole = torch.fft.fft(samples.double())
    wanted = torch.stack([whole[c :: n_fft // q] for c in range(half)])
    torch.testing.assert_close(torch.complex(real, imaginary).to(wanted.dtype), wanted, rtol=0, atol=1e-4)
