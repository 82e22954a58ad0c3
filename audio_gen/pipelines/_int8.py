"""The network of an ONNX classifier in 8 bits: activations and weights; what comes before and after it stays float.

Quantisation is static, with the ranges measured on music: with a range computed anew for each input (dynamic
quantisation) convolutions become slower than they were.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from audio_gen.pipelines._onnx_graph import quiet


class _Windows:
    """What onnxruntime reads the calibration data from."""

    def __init__(self, windows: torch.Tensor) -> None:
        self._rest: Iterator[torch.Tensor] = iter(torch.split(windows, 1))

    def get_next(self) -> dict[str, Any] | None:
        row = next(self._rest, None)
        return None if row is None else {"samples": row.numpy()}


def quantised(model: Any, windows: torch.Tensor) -> Any:
    """A copy of the `onnx.ModelProto` whose convolutions, and what lies between them, compute in 8 bits.

    Args:
        model: from `to_onnx`.
        windows: `[K, window]` samples that the ranges are measured on.
    """
    import onnx
    from onnxruntime import quantization

    _count_what_is_there(model.graph)
    nodes = network_nodes(model.graph)
    with tempfile.TemporaryDirectory() as folder, quiet():
        given, path = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
        onnx.save(model, given)  # of a model in memory the weights would be taken away
        quantization.quantize_static(
            given,
            path,
            _Windows(windows),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=sorted({node.op_type for node in nodes}),
            nodes_to_quantize=[node.name for node in nodes],
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        return onnx.load(path)


def network_nodes(graph: Any) -> list[Any]:
    """Convolutions, poolings, and the sums that a convolution goes into: the front end has none of them."""
    made_by = {output: node.op_type for node in graph.node for output in node.output}
    return [
        node
        for node in graph.node
        if node.op_type in ("Conv", "AveragePool")
        or (node.op_type == "Add" and "Conv" in [made_by.get(name) for name in node.input])
    ]


def _count_what_is_there(graph: Any) -> None:
    """Poolings that pad nothing may as well not count what is padded: it is the same, but not to onnxruntime.

    Its pooling in 8 bits (1.31) then takes the columns that `ceil_mode` adds at the edge for zeros, which costs three
    times as much precision as all the rest.
    """
    for node in graph.node:
        attributes = {attribute.name: attribute for attribute in node.attribute}
        pads = attributes["pads"].ints if "pads" in attributes else ()
        if node.op_type == "AveragePool" and "count_include_pad" in attributes and not any(pads):
            attributes["count_include_pad"].i = 0
