import pytest
import torch

from audio_gen.features.banded import Banded
from audio_gen.features.log_mel import mel_filter_bank
from audio_gen.features.mel_spec import MelSpec


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(), (7,), (2, 3)])
def test_a_filter_bank_both_ways(shape: tuple[int, ...]) -> None:
    bank = mel_filter_bank(MelSpec(n_fft=512, hop_length=128, n_mels=40))  # [40, 257]
    for matrix, block in ((bank.T, 16), (bank, 64), (bank, 1000), (bank.T, 1)):
        x = noise(*shape, matrix.shape[0])
        assert torch.allclose(Banded(matrix, block)(x), x @ matrix, atol=1e-5)


def test_any_matrix_empty_columns_too() -> None:
    matrix = noise(30, 50) * (noise(30, 50) > 1)
    matrix[:, 16:33] = 0  # a whole block of 16, and more
    module = Banded(matrix)
    assert module.spans[1] == (0, 1)
    x = noise(4, 30)
    assert torch.allclose(module(x), x @ matrix, atol=1e-5)
    assert (module(x)[:, 16:33] == 0).all()


def test_what_is_outside_a_band_is_not_looked_at() -> None:
    bank = mel_filter_bank(MelSpec(n_fft=512, hop_length=128, n_mels=40))
    module = Banded(bank.T)
    assert sum(last - first for first, last in module.spans) < 1.5 * bank.shape[1]
    assert not module.state_dict()  # nothing that a checkpoint would have to keep
