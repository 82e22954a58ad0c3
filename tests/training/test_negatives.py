import pytest
import torch

from audio_gen.training.negatives import KINDS, negatives


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(128, 129), (16, 7)])
def test_every_kind_is_a_finite_picture(kind: str, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    for _ in range(20):
        image = KINDS[kind](*size)
        assert image.shape == size
        assert image.isfinite().all()


def test_negatives_are_relative_decibels_and_differ() -> None:
    torch.manual_seed(0)
    images = negatives(60, 64, 40)
    assert images.shape == (60, 64, 40)
    assert images.min() >= -80
    peaks = images.amax((1, 2))
    assert set(peaks.tolist()) == {0.0, -80.0}  # silence stays at the floor
    assert (peaks == 0).sum() > 45
    assert not torch.equal(images[0], images[1])


def test_the_same_random_state_gives_the_same() -> None:
    torch.manual_seed(5)
    first = negatives(10, 32, 20)
    torch.manual_seed(5)
    assert torch.equal(first, negatives(10, 32, 20))
