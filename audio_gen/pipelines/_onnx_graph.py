"""A classifier as an ONNX graph: samples in, logits, probabilities, values and embedding out."""

import json
import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from audio_gen import __version__
from audio_gen.errors import ParameterError
from audio_gen.features.matrix_image import MatrixImage
from audio_gen.models.classifier import Prediction
from audio_gen.pipelines.classify import Classifier

OPSET = 18
TERMS = 16  # of the continued fraction: from 2 on the rest is below 1e-6


def need_onnx() -> None:
    """See that the packages of the extra `onnx` are there.

    Raises:
        ParameterError: one isn't; the message says how to install them.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ParameterError(f'{error.name} is not installed: pip install "audio-gen[onnx]"') from error


class Heard(nn.Module):
    """`[B, window]` samples → one tensor for each of `names`.

    Logits, probabilities after the temperature, values (means, then log variances) and shares of the terms where there
    are any, and the embedding, which is not of length 1 yet, so that windows can be averaged as `combine` does it.
    """

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        picture = classifier.picture
        self.picture = MatrixImage(picture.log_mel.spec, picture.columns, classifier.window, tonal=picture.tonal)
        self.net = classifier.net
        values, terms = self.net.values is not None, self.net.terms is not None
        self.names = ["logits", "probs", *["values"] * values, *["terms"] * terms, "embedding"]

    def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.tensors(self.net(self.picture(samples)))

    def tensors(self, prediction: Prediction) -> tuple[torch.Tensor, ...]:
        """The outputs, from what the network says."""
        found = {
            "logits": prediction.logits,
            "probs": torch.softmax(prediction.logits / self.net.temperature, -1),
            "values": prediction.values,
            "terms": torch.sigmoid(prediction.terms),
            "embedding": prediction.embedding,
        }
        return tuple(found[name] for name in self.names)


def log_ndtr(x: torch.Tensor) -> torch.Tensor:
    """The logarithm of Φ(x), as `torch.special.log_ndtr` to 1e-5, or 1e-6 of its value, by what ONNX has.

    From -2 on by the error function; below, where that cancels, by Laplace's continued fraction for Mills' ratio:
    Φ(-y) = φ(y) / (y + 1 / (y + 2 / (y + 3 / …))) (Abramowitz and Stegun, 26.2.14).
    """
    near = torch.log((1 + torch.erf(x.clamp_min(-2) / math.sqrt(2))) / 2)
    y = -x.clamp_max(-2)
    fraction = y
    for term in range(TERMS, 0, -1):
        fraction = y + term / fraction
    far = -y.square() / 2 - math.log(2 * math.pi) / 2 - torch.log(fraction)
    return torch.where(x > -2, near, far)


def to_onnx(classifier: Classifier) -> Any:
    """The `onnx.ModelProto` of a classifier, with `describe`'s properties; the same one each time."""
    example = torch.zeros(2, classifier.window)  # with one row torch would take the number of rows for fixed
    heard = Heard(classifier).eval()
    with torch.no_grad(), quiet():
        program = torch.export.export(heard, (example,), dynamic_shapes={"samples": {0: torch.export.Dim("batch")}})
        program = program.run_decompositions({torch.ops.aten.special_log_ndtr.default: log_ndtr})
        converted = torch.onnx.export(
            program, dynamo=True, opset_version=OPSET, input_names=["samples"], output_names=heard.names, verbose=False
        )
    if converted is None:
        raise RuntimeError("torch.onnx.export gave no program")
    model = converted.model_proto
    _tidy(model)
    set_properties(model, describe(classifier))
    return model


def describe(classifier: Classifier) -> dict[str, str]:
    """What the file says of itself: text, or JSON where it is more than one word."""
    checkpoint = classifier.checkpoint
    return {
        "name": checkpoint.name,
        "family": checkpoint.family,
        "licence": checkpoint.licence,
        "labels": json.dumps(checkpoint.labels, ensure_ascii=False),
        "temperature": str(float(classifier.net.temperature)),
        "sample_rate": str(checkpoint.spec.sample_rate),
        "window": str(classifier.window),
        "spec": json.dumps(checkpoint.spec.to_dict()),
        "front_end": json.dumps(checkpoint.front_end),
        "quadrants": json.dumps(classifier.net.quadrants),
        "terms": json.dumps(classifier.net.term_names, ensure_ascii=False),
        "sha256": checkpoint.sha256,
        "precision": "float32",
    }


def set_properties(model: Any, properties: dict[str, str]) -> None:
    """Put `properties` in the place of what properties the model has."""
    import onnx

    onnx.helper.set_model_props(model, properties)
    model.producer_name, model.producer_version = "audio_gen", __version__


def _tidy(model: Any) -> None:
    """Take out what torch notes of its own: the paths of source files, and names for the number of rows."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.initializer, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    del model.metadata_props[:], graph.value_info[:]
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, torch, onnxscript and onnxruntime don't talk of what concerns their authors."""
    root, torchs, silent = logging.getLogger(), logging.getLogger("torch.onnx"), logging.NullHandler()
    before = root.level, torchs.level
    root.addHandler(silent)  # without a handler, what onnxruntime logs would bring one in for good
    root.setLevel(logging.ERROR)
    torchs.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(before[0])
        torchs.setLevel(before[1])
        root.removeHandler(silent)
