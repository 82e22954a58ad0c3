import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.training.processes import LostProcessError, fabric_for, leads, mean, together


def test_one_process_is_the_first_and_shares_nothing() -> None:
    fabric = fabric_for("cpu", 1, 1, "32-true")
    figures = {"loss": 0.1}
    assert leads()
    assert mean(figures, fabric) is figures


@pytest.mark.parametrize("many", [(2, 1), (1, 2)])
def test_one_device_is_not_several(many: tuple[int, int]) -> None:
    with pytest.raises(ParameterError, match="'cuda:1' is one device; for 2 of them give 'cuda'"):
        fabric_for("cuda:1", *many, "32-true")


@pytest.mark.parametrize(("size", "kind"), [(1, RuntimeError), (2, LostProcessError)])
def test_a_broken_connection_is_a_lost_process(size: int, kind: type[Exception]) -> None:
    class Several:
        world_size = size

    with pytest.raises(kind, match="Connection reset"), together("mine", Several()):  # type: ignore[arg-type]
        raise RuntimeError("[gloo/transport/tcp/pair.cc:538] Read error: Connection reset by peer")
    with pytest.raises(RuntimeError, match="Sizes of tensors"), together("mine", Several()):  # type: ignore[arg-type]
        torch.cat([torch.zeros(2, 3), torch.zeros(3, 2)], 0)
