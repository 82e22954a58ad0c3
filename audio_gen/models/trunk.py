"""The classifier's convolutions as they are used: batch norms folded in, in bfloat16 where the processor multiplies it.

A window of 10 s takes one core (Zen 5) 1.2 ms in bfloat16 and 2.4 ms in float32; in the network as trained, 3 to 5 ms.
"""

import copy
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval

from audio_gen.errors import ParameterError
from audio_gen.models.classifier import ClassifierNet, ResidualBlock

PRECISIONS = ("auto", "float32", "bfloat16")


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """What convolutions compute in: "auto" is bfloat16 on processors that multiply it, and float32 elsewhere.

    Raises:
        ParameterError: another name.
    """
    if name not in PRECISIONS:
        raise ParameterError(f"precision must be one of {', '.join(PRECISIONS)}, not {name!r}")
    if name == "auto":
        can = torch.cpu.get_capabilities() if device.type == "cpu" else {}
        name = "bfloat16" if can.get("avx512_bf16") or can.get("amx_bf16") else "float32"
    return torch.bfloat16 if name == "bfloat16" else torch.float32


class Trunk:
    """`[B, n_mels, N] -> [B, D, n_mels / 32, N / 16]` float32: what `net.features` gives outside training, sooner.

    Args:
        net: it is copied, and stays as it is.
        shape: bands and columns of the pictures that will come; others may come too.
        dtype: of weights and what lies between convolutions; each adds up in float32.
    """

    def __init__(self, net: ClassifierNet, shape: tuple[int, int], dtype: torch.dtype = torch.float32) -> None:
        net = copy.deepcopy(net).eval().requires_grad_(False)
        self._dtype = dtype
        self._stem = _Folded(net.stem[0], net.stem[1], dtype)
        self._blocks = [_FoldedBlock(cast(ResidualBlock, block), dtype) for block in net.blocks]
        self(torch.zeros(1, *shape, device=net.temperature.device))  # each convolution sees what will come

    @torch.no_grad()
    def __call__(self, mel: torch.Tensor) -> torch.Tensor:
        x = (mel / 40 + 1).to(self._dtype)[:, None].contiguous(memory_format=torch.channels_last)
        x = self._stem.rectified(x)
        for block in self._blocks:
            x = block(x)
        return x.float()


class _FoldedBlock:
    """A ResidualBlock in three convolutions."""

    def __init__(self, block: ResidualBlock, dtype: torch.dtype) -> None:
        self._pool, conv, norm = block.shortcut
        self._shortcut = _Folded(conv, norm, dtype)
        self._conv1, self._conv2 = _Folded(block.conv1, block.norm1, dtype), _Folded(block.conv2, block.norm2, dtype)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self._conv2.rectified_sum(self._conv1.rectified(x), self._shortcut(self._pool(x)))


class _Folded:
    """A convolution with the batch norm behind it.

    On a CPU its weights are laid out once, as oneDNN wants them for the first input, and the rectifier and the sum are
    computed where the convolution writes: with the operators that torch.compile puts there.
    """

    def __init__(self, conv: nn.Module, norm: nn.Module, dtype: torch.dtype) -> None:
        folded = fuse_conv_bn_eval(cast(nn.Conv2d, conv), cast(nn.BatchNorm2d, norm))
        self._conv = folded.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._fused = self._conv.weight.device.type == "cpu" and _has_onednn(dtype)
        self._laid_out: torch.Tensor | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """The convolution alone."""
        if not self._fused:
            return cast(torch.Tensor, self._conv(x))
        return cast(torch.Tensor, _mkldnn()._convolution_pointwise(*self._given(x), "none", [], ""))

    def rectified(self, x: torch.Tensor) -> torch.Tensor:
        """`relu(conv(x))`."""
        if not self._fused:
            return F.relu_(self._conv(x))
        return cast(torch.Tensor, _mkldnn()._convolution_pointwise(*self._given(x), "relu", [], ""))

    def rectified_sum(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """`relu(other + conv(x))`, in the place of `other`."""
        if not self._fused:
            return F.relu_(other.add_(self._conv(x)))
        sum_in_place = _mkldnn()._convolution_pointwise_.binary
        return cast(torch.Tensor, sum_in_place(other, *self._given(x), "add", 1.0, "relu", [], ""))

    def _given(self, x: torch.Tensor) -> tuple[Any, ...]:
        """Input, weights, bias, padding, stride, dilation and groups."""
        conv = self._conv
        where = [*conv.padding], [*conv.stride], [*conv.dilation], conv.groups
        if self._laid_out is None:
            self._laid_out = _mkldnn()._reorder_convolution_weight(conv.weight, *where, [*x.shape])
        return x, self._laid_out, conv.bias, *where


def _has_onednn(dtype: torch.dtype) -> bool:
    """Whether oneDNN is built in and computes in that type on this processor."""
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return there and (dtype == torch.float32 or bool(_mkldnn()._is_mkldnn_bf16_supported()))


def _mkldnn() -> Any:
    return torch.ops.mkldnn
