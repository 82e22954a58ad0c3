"""Exported classifiers: torch, ONNX and ONNX with 8 bits, side by side; size, windows a second, and what 8 bits change.

`--music DIR` compares on music that the 8 bits weren't calibrated on; without it, on the example clips they were.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from _measure import interleaved, publish

from audio_gen.models import checkpoint
from audio_gen.pipelines import _excerpts
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.export import compare, export, session

KINDS = ("float32", "int8")


def rows_of(name: str, folder: Path, music: list[Path], repeats: int) -> list[dict[str, object]]:
    """Rows of one checkpoint: for each number of threads and each batch one a rival."""
    classifier = Classifier.load(name)
    rate = classifier.checkpoint.spec.sample_rate
    windows = _excerpts.of_files(music, classifier.window, rate)
    files = {kind: export(name, folder / f"{name}.{kind}.onnx", int8=kind == "int8").path for kind in KINDS}
    sizes = {"torch": checkpoint.find(name), **files}
    megabytes = {rival: path.stat().st_size / 1e6 for rival, path in sizes.items()}
    rows: list[dict[str, object]] = []
    for threads in (1, 2):
        for batch in (1, 16):
            took = interleaved(rivals(classifier, files, windows[:batch], threads), repeats)
            for rival, seconds in took.items():
                rows.append(
                    {
                        "what": f"{name}, {rival}, threads {threads}, batch {batch}",
                        "megabytes": megabytes[rival],
                        "windows_per_s": batch / seconds,
                        "times_torch": took["torch"] / seconds,
                    }
                )
    for kind, path in files.items():
        found = compare(path, classifier, windows)
        rows.append({"what": f"{name}, {kind}, beside torch", "megabytes": megabytes[kind], **found._asdict()})
    return rows


def rivals(
    classifier: Classifier, files: dict[str, Path], windows: torch.Tensor, threads: int
) -> dict[str, Callable[[], object]]:
    """What is timed on `windows`: samples in, everything out."""
    samples = windows.numpy()

    def by_torch() -> object:
        torch.set_num_threads(threads)
        return classifier.hear(windows)

    sessions = {kind: session(path, threads) for kind, path in files.items()}
    by_onnx = {kind: lambda kind=kind: sessions[kind].run(None, {"samples": samples}) for kind in files}
    return {"torch": by_torch, **by_onnx}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/bench export", description=__doc__)
    parser.add_argument("--model", action="append", metavar="NAME", help="default genre and emotion")
    parser.add_argument("--music", type=Path, metavar="DIR", help="files to compare on; default the example clips")
    parser.add_argument("--repeats", type=int, default=9, metavar="N", help="default 9; fewer is a quick run, not kept")
    arguments = parser.parse_args()
    music = [arguments.music] if arguments.music else _excerpts.examples()
    with tempfile.TemporaryDirectory() as folder:
        models = arguments.model or ["genre", "emotion"]
        rows = [row for name in models for row in rows_of(name, Path(folder), music, arguments.repeats)]
    publish("export", rows, keep=arguments.repeats >= 9)
