import copy
from typing import Any

import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.models.classifier import ClassifierNet
from audio_gen.models.trunk import Trunk, pick_precision

CPU = torch.device("cpu")


def pictures(*shape: int) -> torch.Tensor:
    return -80 * torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def lived_in() -> ClassifierNet:
    """A network whose batch norms are far from doing nothing."""
    torch.manual_seed(0)
    net = ClassifierNet(3, widths=(8, 16, 16)).train()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.3, 2)
            module.bias.data.normal_()
    with torch.no_grad():
        for _ in range(20):
            net(-80 * torch.rand(6, 64, 40))
    return net.eval()


@pytest.mark.parametrize("columns", [1, 8, 33, 40])
@torch.no_grad()
def test_gives_what_the_network_gives(columns: int) -> None:
    net, mel = lived_in(), pictures(3, 64, columns)
    wanted = net.features(mel)
    found = Trunk(net, (64, columns))(mel)
    assert wanted.std() > 0.1
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_bfloat16_is_nearly_the_same() -> None:
    net, mel = lived_in(), pictures(4, 64, 40)
    wanted, found = net.features(mel), Trunk(net, (64, 40), torch.bfloat16)(mel)
    assert found.dtype == torch.float32
    assert 0 < (found - wanted).abs().max() < 0.05 * wanted.abs().max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.no_grad()
def test_without_onednn_it_gives_the_same(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    net, mel = lived_in(), pictures(3, 64, 40)
    fused = Trunk(net, (64, 40), dtype)(mel)
    monkeypatch.setattr("audio_gen.models.trunk._has_onednn", lambda dtype: False)
    plain = Trunk(net, (64, 40), dtype)(mel)
    near = 1e-5 if dtype == torch.float32 else 0.05
    assert (plain - fused).abs().max() < near * fused.abs().max()


def test_the_network_stays_as_it_was() -> None:
    net = lived_in().train()
    before = copy.deepcopy(net.state_dict())
    trunk = Trunk(net, (64, 40), torch.bfloat16)
    with torch.no_grad():
        trunk(pictures(2, 64, 40))
    assert net.training
    assert all(module.training for module in net.modules())
    assert all(weight.requires_grad for weight in net.parameters())
    assert all(torch.equal(net.state_dict()[key], value) for key, value in before.items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.no_grad()
def test_in_a_batch_of_one_size_a_row_hears_of_no_other(dtype: torch.dtype) -> None:
    trunk, mel = Trunk(lived_in(), (64, 40), dtype), pictures(6, 64, 40)
    whole = trunk(mel)
    moved = torch.cat([torch.zeros(2, 64, 40), mel[3:4], -80 * torch.ones(3, 64, 40)])
    assert torch.equal(trunk(moved)[2], whole[3])
    assert not torch.equal(whole[3], whole[2])


@pytest.mark.parametrize(
    ("able", "wanted"), [({"avx512_bf16": True}, "bfloat16"), ({"amx_bf16": True}, "bfloat16"), ({}, "float32")]
)
def test_bfloat16_is_chosen_where_the_processor_multiplies_it(
    able: dict[str, bool], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False, **able})
    assert pick_precision("auto", CPU) == getattr(torch, wanted)
    assert pick_precision("auto", torch.device("cuda")) == torch.float32
    assert pick_precision("float32", CPU) == torch.float32
    assert pick_precision("bfloat16", CPU) == torch.bfloat16


@pytest.mark.parametrize("name", ["", "float16", "BFLOAT16"])
def test_another_precision_is_refused(name: Any) -> None:
    with pytest.raises(ParameterError, match="auto, float32, bfloat16, not"):
        pick_precision(name, CPU)
