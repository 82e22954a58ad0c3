"""export: a classifier checkpoint → one ONNX file that hears samples, checked against the checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from audio_gen.atomic import replacing
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.pipelines import _excerpts
from audio_gen.pipelines._int8 import quantised
from audio_gen.pipelines._onnx_graph import Heard, describe, need_onnx, set_properties, to_onnx
from audio_gen.pipelines.classify import Classifier

LARGEST = 1e-4  # difference of a probability, of a float32 file
SAME_LABEL, LARGEST_MEAN = 0.95, 0.02  # share of windows, and mean difference of the probabilities, of an int8 file
BATCH = 8


class Comparison(NamedTuple):
    """How far an exported file's probabilities are from its checkpoint's.

    Args:
        windows: how many were compared.
        difference: the largest difference of a probability.
        mean_difference: the mean difference of the probabilities.
        same_label: share of the windows that keep their most probable label.
    """

    windows: int
    difference: float
    mean_difference: float
    same_label: float


class Exported(NamedTuple):
    """What was written.

    Args:
        path: of the file.
        precision: "float32" or "int8".
        size: in bytes.
        licence: of the weights, and so of the file.
        comparison: with the checkpoint.
    """

    path: Path
    precision: str
    size: int
    licence: str
    comparison: Comparison


def export(
    model: str | Path | Classifier, path: str | Path, *, int8: bool = False, calibrate: Sequence[str | Path] = ()
) -> Exported:
    """Write a classifier as ONNX, front end included: `samples [batch, window]` float32 at the spec's rate in.

    Out come `logits` and `probs` (after the temperature), `values` (means, then log variances) and `terms` (shares)
    where the model has any, and `embedding`. The file's metadata name the labels, the licence, the mel spec, the
    temperature and the checkpoint's sha256. The file is compared with the checkpoint before it gets its name.

    Args:
        model: a checkpoint by name or path, or a loaded classifier.
        path: ends in .onnx; replaced if it is there.
        int8: compute the network, not the front end, in 8 bits.
        calibrate: music to measure the ranges of the 8 bits on, and to compare on: files and folders. Without it the
            example clips where they are at hand, otherwise chords and noise.

    Raises:
        ParameterError: another suffix, `calibrate` without audio, or onnx, onnxruntime or onnxscript isn't installed.
        CheckpointError: no such classifier, or the file would differ by more than the bounds above.
        DecodeError: a file of `calibrate` can't be decoded.
    """
    path = Path(path)
    check_path(path)
    need_onnx()
    classifier = Classifier(model.checkpoint) if isinstance(model, Classifier) else Classifier.load(model)  # on the CPU
    window, rate = classifier.window, classifier.checkpoint.spec.sample_rate
    made = _excerpts.made(window, rate)
    music = _excerpts.of_files(calibrate or _excerpts.examples(), window, rate)
    heard = music if len(music) else made
    graph = to_onnx(classifier)
    if int8:
        graph = quantised(graph, heard[::2])
        set_properties(graph, {**describe(classifier), "precision": "int8"})
    else:
        heard = torch.cat([music, made, torch.zeros(1, window)])
    with replacing(path) as part:
        part.write_bytes(graph.SerializeToString())
        comparison = compare(part, classifier, heard)
        _refuse(classifier.checkpoint.name, comparison, int8=int8)
        size = part.stat().st_size
    return Exported(path, "int8" if int8 else "float32", size, classifier.checkpoint.licence, comparison)


def check_path(path: Path) -> None:
    """Refuse what can't be the file's name.

    Raises:
        ParameterError: a folder, or another suffix than .onnx.
    """
    if path.is_dir() or path.suffix.lower() != ".onnx":
        raise ParameterError(f"an export goes to a file that ends in .onnx, not {str(path)!r}")


def session(path: Path, threads: int) -> Any:
    """The file, ready to `run` on `threads` cores of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def compare(path: Path, classifier: Classifier, windows: torch.Tensor) -> Comparison:
    """What the file says of `windows [K, window]`, beside what the checkpoint says."""
    running, outputs = session(path, torch.get_num_threads()), Heard(classifier)
    column = outputs.names.index("probs")
    theirs, ours = [], []
    for rows in torch.split(windows, BATCH):
        theirs.append(running.run(["probs"], {"samples": rows.numpy()})[0])
        told = classifier.net(classifier.see(rows))  # in float32, as the checkpoint has it
        ours.append(outputs.tensors(told)[column].numpy(force=True))
    probs, wanted = np.concatenate(theirs), np.concatenate(ours)
    difference = np.abs(probs - wanted)
    same = (probs.argmax(1) == wanted.argmax(1)).mean()
    return Comparison(len(windows), float(difference.max()), float(difference.mean()), float(same))


def _refuse(name: str, found: Comparison, *, int8: bool) -> None:
    """Raise where the bounds aren't kept; written so that NaN doesn't keep them."""
    if not int8 and not found.difference <= LARGEST:
        raise CheckpointError(
            f"{name!r} as ONNX would differ from the checkpoint by {found.difference:.2g} in a probability, "
            f"more than {LARGEST}; nothing was written"
        )
    if int8 and not (found.same_label >= SAME_LABEL and found.mean_difference <= LARGEST_MEAN):
        raise CheckpointError(
            f"{name!r} in 8 bits would keep the label of {found.same_label:.0%} of {found.windows} windows "
            f"({SAME_LABEL:.0%} are needed) and differ by {found.mean_difference:.3f} in the mean (at most "
            f"{LARGEST_MEAN}); nothing was written: calibrate it on more music like yours, or export float32"
        )
