"""`audio-gen features`: audio files → log-mel spectrograms as .npy files with a manifest."""

import argparse
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from audio_gen.app import options
from audio_gen.app.running import Job, check_engine, finish, plan_files, refuse_existing, run_job
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.manifest import Manifest
from audio_gen.pipelines.records import Record, RecordWriter

if TYPE_CHECKING:
    import torch

    from audio_gen.features.mel_spec import MelSpec
    from audio_gen.pipelines.extract import Extractor

HELP = "write the log-mel spectrogram of each file as .npy, with a manifest; the records also go to standard output"
_COUNTS = ("sample_rate", "n_fft", "hop_length", "n_mels")
_NUMBERS = ("fmin", "fmax", "power")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser)
    options.add_folder_output(parser)
    parser.add_argument("--dtype", choices=("float16", "float32"), default="float32", help="default float32")
    group = parser.add_argument_group("mel spectrogram", "the defaults are those of the models that come along")
    for name in _COUNTS:
        group.add_argument(f"--{name.replace('_', '-')}", type=options.at_least(1), metavar="N")
    for name in _NUMBERS:
        group.add_argument(f"--{name}", type=float, metavar="X")
    options.add_device(parser, batch_size=20, unit="seconds of each file")
    options.add_batch(parser)
    options.add_engine(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    check_engine(arguments)
    spec = _spec(arguments)
    planned = plan_files(arguments, ".npy")
    manifest = Manifest(Path(arguments.output), arguments.format)
    refuse_existing(arguments, [path for path in [*planned.values(), manifest.path] if path.exists()])
    describe = _extractor(arguments, spec).describe if arguments.skip_existing else None
    todo = manifest.begin(planned, describe)
    on_stdout = nullcontext() if arguments.format == "parquet" else RecordWriter(arguments.format)
    with manifest, on_stdout as stdout:

        def on_record(record: Record) -> None:
            if stdout is not None:
                stdout.write(record)

        job = Job(partial(_start, arguments, spec), planned)
        counts = run_job(arguments, todo, job, on_record, on_done=manifest.add)
    return finish(counts, skipped=len(planned) - len(todo))


def _start(arguments: argparse.Namespace, spec: "MelSpec", device: "torch.device") -> Callable[[Source, Path], Record]:
    return _extractor(arguments, spec, device).extract


def _extractor(arguments: argparse.Namespace, spec: "MelSpec", device: "torch.device | None" = None) -> "Extractor":
    from audio_gen.pipelines.extract import Extractor

    folder, seconds = Path(arguments.output), arguments.batch_size
    return Extractor(spec, folder, dtype=arguments.dtype, device=device, seconds=seconds)


def _spec(arguments: argparse.Namespace) -> "MelSpec":
    from audio_gen.features.mel_spec import MelSpec

    given = {name: getattr(arguments, name) for name in (*_COUNTS, *_NUMBERS)}
    return MelSpec(**{name: value for name, value in given.items() if value is not None})
