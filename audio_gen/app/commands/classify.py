"""`audio-gen classify`: audio files → labels, probabilities and timelines."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from audio_gen.app import options
from audio_gen.app.running import Job, refuse_existing, run_records
from audio_gen.errors import ParameterError
from audio_gen.pipelines.inputs import Source, output_paths
from audio_gen.pipelines.records import Record

if TYPE_CHECKING:
    import torch

    from audio_gen.models.checkpoint import Checkpoint
    from audio_gen.pipelines.classify import Classifier

    Maps = dict[str, Path] | None

HELP = "say what each file is: genre and emotion, with probabilities and a timeline"
DEFAULT_MODELS = ("genre", "emotion")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser)
    options.add_record_output(parser)
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME",
        help="a checkpoint by name or path; may be repeated; default genre and emotion",
    )
    parser.add_argument(
        "--min-confidence",
        type=options.share,
        default=0.0,
        metavar="P",
        help="give no label where none is this probable, and say so; 0 to 1; default 0: always give one",
    )
    parser.add_argument("--embeddings", action="store_true", help="also put each model's embedding into the records")
    parser.add_argument(
        "--heat-map",
        metavar="DIR",
        help="also write, for each file and model, what the label rests on over time and frequency: "
        "DIR/MODEL/ mirrors the tree of the inputs",
    )
    parser.add_argument(
        "--heat-map-format", choices=("png", "npz"), help="a picture over the spectrogram (default), or arrays"
    )
    options.add_device(parser)
    parser.add_argument(
        "--batch-size",
        type=options.at_least(1),
        metavar="N",
        help="windows at once; default 4 on a CPU, 64 on a GPU",
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="of convolutions; default auto: bfloat16 on processors that multiply it, float32 elsewhere",
    )
    options.add_batch(parser)
    options.add_engine(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    if arguments.heat_map_format is not None and arguments.heat_map is None:
        raise ParameterError("--heat-map-format says how heat maps are kept; --heat-map DIR says where")
    return run_records(arguments, partial(_prepare, arguments))


def _prepare(arguments: argparse.Namespace, sources: Sequence[Source]) -> Job:
    from audio_gen.pipelines.classify import Classifier
    from audio_gen.pipelines.listening import check_together

    precision = arguments.precision
    models = [Classifier.load(name, precision=precision) for name in arguments.model or DEFAULT_MODELS]
    check_together(models)
    checkpoints = [model.checkpoint for model in models]
    maps = _heat_maps(arguments, sources, [one.name for one in checkpoints])
    # to other machines checkpoints travel: all hear with the same
    ready = models if arguments.engine == "local" else []
    return Job(partial(_start, arguments, checkpoints, ready), maps)


def _start(
    arguments: argparse.Namespace,
    checkpoints: "Sequence[Checkpoint]",
    ready: "Sequence[Classifier]",
    device: "torch.device",
) -> "Callable[[Source, Maps], Record]":
    from audio_gen.pipelines.classify import Classifier, classify_file

    models = ready if ready and device.type == "cpu" else None
    models = models or [Classifier(one, device, precision=arguments.precision) for one in checkpoints]

    def work(source: Source, maps: "Maps") -> Record:
        return classify_file(
            source,
            models,
            batch_size=arguments.batch_size,
            min_confidence=arguments.min_confidence,
            embeddings=arguments.embeddings,
            heat_maps=maps,
            keep_maps=arguments.skip_existing,
        )

    return work


def _heat_maps(
    arguments: argparse.Namespace, sources: Sequence[Source], names: Sequence[str]
) -> dict[Source, dict[str, Path]]:
    """Where the heat map of each source and model goes: `DIR/MODEL/` and on as the inputs lie.

    Raises:
        ParameterError: some exist, and neither --skip-existing nor --overwrite is given.
    """
    if arguments.heat_map is None:
        return {}
    suffix = f".{arguments.heat_map_format or 'png'}"
    planned = [output_paths(sources, Path(arguments.heat_map, name), suffix) for name in names]
    refuse_existing(arguments, [path for paths in planned for path in paths if path.exists()])
    return {source: dict(zip(names, paths, strict=True)) for source, *paths in zip(sources, *planned, strict=True)}
