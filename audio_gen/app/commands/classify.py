"""`audio-gen classify`: audio files → labels, probabilities and timelines."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from audio_gen.app import options
from audio_gen.app.running import refuse_existing, run_records
from audio_gen.errors import ParameterError
from audio_gen.pipelines.batch import Work
from audio_gen.pipelines.inputs import Source, output_paths
from audio_gen.pipelines.records import Record

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
    options.add_device(parser, batch_size=16)
    options.add_batch(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    if arguments.heat_map_format is not None and arguments.heat_map is None:
        raise ParameterError("--heat-map-format says how heat maps are kept; --heat-map DIR says where")
    return run_records(arguments, partial(_prepare, arguments))


def _prepare(arguments: argparse.Namespace, sources: Sequence[Source]) -> Work:
    from audio_gen.pipelines.classify import Classifier, classify_file
    from audio_gen.pipelines.device import pick_device
    from audio_gen.pipelines.listening import check_together

    device = pick_device(arguments.device)
    models = [Classifier.load(name, device=device) for name in arguments.model or DEFAULT_MODELS]
    check_together(models)
    maps = _heat_maps(arguments, sources, [model.checkpoint.name for model in models])

    def work(source: Source) -> Record:
        return classify_file(
            source,
            models,
            batch_size=arguments.batch_size,
            min_confidence=arguments.min_confidence,
            embeddings=arguments.embeddings,
            heat_maps=maps.get(source),
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
