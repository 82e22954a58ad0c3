"""`audio-gen classify`: audio files → labels, probabilities and timelines."""

import argparse
from functools import partial

from audio_gen.app import options
from audio_gen.app.running import run_records
from audio_gen.pipelines.batch import Work

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
    options.add_device(parser)
    options.add_batch(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    return run_records(arguments, partial(_prepare, arguments))


def _prepare(arguments: argparse.Namespace) -> Work:
    from audio_gen.pipelines.classify import Classifier, check_together, classify_file
    from audio_gen.pipelines.device import pick_device

    device = pick_device(arguments.device)
    models = [Classifier.load(name, device=device) for name in arguments.model or DEFAULT_MODELS]
    check_together(models)
    return partial(classify_file, models=models, batch_size=arguments.batch_size)
