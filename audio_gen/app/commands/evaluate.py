"""`audio-gen evaluate`: a checkpoint against a dataset, as a table and as JSON."""

import argparse
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from audio_gen.app import options
from audio_gen.app.figures import lines
from audio_gen.errors import ParameterError
from audio_gen.pipelines.records import plain, write_stdout
from audio_gen.registry import names

HELP = "measure a checkpoint on a dataset's split, with 95-percent bootstrap intervals over tracks"
FEWEST = 8  # clips a class of a generator

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="a checkpoint by name or path")
    parser.add_argument("--data", metavar="DATASET", help=f"one of: {', '.join(names('audio_gen.datasets'))}")
    parser.add_argument("--root", type=Path, default=Path("data"), metavar="DIR", help="where it lies; default data")
    parser.add_argument("--split", default="valid", metavar="SPLIT", help="any split that lies there; default valid")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    parser.add_argument("--record", action="store_true", help="keep the figures in the checkpoint, for `info` to show")
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda[:N]", help="default auto")
    group = parser.add_argument_group("classifiers")
    group.add_argument(
        "--robustness",
        action="store_true",
        help="also hear each track after MP3, low-pass, gain, noise, fold-down and change of speed, "
        "and say how many keep their label",
    )
    group.add_argument(
        "--attacked",
        type=options.above_zero,
        nargs="?",
        const=1.0,
        metavar="EPSILON_DB",
        help="also attack the pictures (FGSM), by so many decibels a point; default 1",
    )
    group.add_argument(
        "--not-music",
        action="store_true",
        help="also hear silence, noise, tones, clicks and speech, which should not be told with confidence; "
        "needs no --data",
    )
    group = parser.add_argument_group("generators and vocoders, and models of notes that are rendered")
    group.add_argument(
        "--listener",
        action="append",
        metavar="NAME",
        help="classifier to embed with; default genre, of notes genre and emotion; may be repeated",
    )
    group = parser.add_argument_group("models of notes")
    group.add_argument(
        "--rendered",
        action="store_true",
        help="also let the listeners hear new pieces, real ones and controls, all played by one synthesizer; "
        "adds up to a minute",
    )
    group = parser.add_argument_group("generators, and models of notes")
    group.add_argument(
        "--count",
        type=options.at_least(0),
        metavar="N",
        help="clips a class; default 250, of one-shots 150; pieces of notes, default one like each real one, 0 is none",
    )
    group.add_argument("--seed", type=int, default=0, metavar="K", help="of what is made; default 0")
    group = parser.add_argument_group("generators")
    group.add_argument("--judge", metavar="NAME", help="classifier over its labels; default styles, of one-shots kits")
    group.add_argument(
        "--seconds", type=options.above_zero, metavar="S", help="length of a clip; default 6, of one-shots their own"
    )
    group.add_argument("--vocoder", metavar="V", help="of all clips, the real ones too; default as `generate` has it")
    group.add_argument(
        "--copies",
        type=options.at_least(1),
        metavar="N",
        help="also look for copies of the training music in N clips (see `index`)",
    )
    group.add_argument(
        "--page",
        type=Path,
        metavar="FOLDER",
        help="also of vocoders and models of notes: keep some clips there, and a blind listening test of them",
    )
    parser.add_argument("--quiet", action="store_true", help="no notes, only warnings and errors")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.atomic import replacing
    from audio_gen.models import checkpoint
    from audio_gen.models.autoencoder import FAMILY as AUTOENCODER
    from audio_gen.models.generator import FAMILY as GENERATOR
    from audio_gen.models.vocoder import FAMILY as VOCODER
    from audio_gen.pipelines.evaluate_notes import FAMILIES as NOTES

    if arguments.data is None and (not arguments.not_music or arguments.robustness or arguments.attacked):
        raise ParameterError("nothing to measure on: give --data DATASET; only --not-music goes without it")
    model = checkpoint.load(arguments.name)
    measures = {GENERATOR: _generator, VOCODER: _vocoder, AUTOENCODER: _autoencoder, **dict.fromkeys(NOTES, _notes)}
    measure = measures.get(model.family, _classifier)
    if measure is not _classifier and (
        arguments.data is None or arguments.robustness or arguments.attacked or arguments.not_music
    ):
        article = "an" if model.family == AUTOENCODER else "a"
        kind = model.family.replace("_", " ")
        raise ParameterError(f"{model.name!r} is {article} {kind}: give --data, and no option of classifiers")
    if arguments.rendered and measure is not _notes:
        raise ParameterError(f"--rendered is for models of notes, and {model.name!r} makes none")
    if arguments.page and measure in (_classifier, _autoencoder):
        raise ParameterError(f"--page shows what a model makes, and {model.name!r} makes nothing")
    found = plain(measure(arguments, model))
    if arguments.json is not None:
        with replacing(arguments.json) as part:
            part.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n")
    if arguments.record:
        place = f"{arguments.data}/{arguments.split}" if arguments.data else "not_music"
        told = {**found, "details": {key: part for key, part in found["details"].items() if key != "sha256"}}
        replace(model, metrics={**model.metrics, place: told}).save(checkpoint.find(arguments.name))
    write_stdout("".join(f"{line}\n" for line in lines(found)).encode())
    return 0


def _classifier(arguments: argparse.Namespace, model: Any) -> dict[str, Any]:
    from audio_gen.pipelines.classify import Classifier
    from audio_gen.pipelines.device import pick_device
    from audio_gen.pipelines.evaluate import evaluate_classifier
    from audio_gen.pipelines.not_music import evaluate_not_music

    classifier = Classifier(model, pick_device(arguments.device))
    found: dict[str, Any] = {"details": {"model": model.name, "sha256": model.sha256}}
    if arguments.data is not None:
        found = evaluate_classifier(
            classifier,
            arguments.data,
            arguments.root,
            arguments.split,
            robust=arguments.robustness,
            epsilon=arguments.attacked,
        )
    if arguments.not_music:
        found["details"]["not_music"] = evaluate_not_music(classifier)
    return found


def _generator(arguments: argparse.Namespace, model: Any) -> dict[str, Any]:
    from tqdm import tqdm

    from audio_gen.pipelines.classify import Classifier
    from audio_gen.pipelines.device import pick_device
    from audio_gen.pipelines.evaluate_generator import embedding_of, evaluate_generator, wanted_of
    from audio_gen.pipelines.generate import Generator
    from audio_gen.pipelines.vocoder import DEFAULT

    if arguments.count is not None and arguments.count < FEWEST:
        raise ParameterError(f"--count of a generator must be at least {FEWEST} clips a class, not {arguments.count}")
    device = pick_device(arguments.device)
    generator = Generator(model, device)
    judge = Classifier.load(arguments.judge or wanted_of(generator).judge, device=device)
    found = evaluate_generator(
        generator,
        judge,
        {name: embedding_of(listener) for name, listener in _listeners(arguments, device).items()},
        arguments.data,
        arguments.root,
        arguments.split,
        count=arguments.count,
        seconds=arguments.seconds,
        seed=arguments.seed,
        vocoder=arguments.vocoder or DEFAULT,
        page=arguments.page,
        progress=lambda sounds, what: tqdm(sounds, what, unit="clip", disable=arguments.quiet or None),
    )
    if arguments.copies:
        from audio_gen.models import copy_index
        from audio_gen.pipelines.evaluate_copies import evaluate_copies

        index = copy_index.load(copy_index.find(model.name))
        found["details"]["copies"] = evaluate_copies(
            generator,
            index,
            count=arguments.copies,
            seed=arguments.seed,
            progress=lambda clips: tqdm(
                clips, "copies", arguments.copies, unit="clip", disable=arguments.quiet or None
            ),
        )
    for note in found["details"]["misranked"]:
        metric, control = note.split(": ")
        _log.warning("not to be trusted here: real music is no better than %s by %s", control, metric)
    return found


def _vocoder(arguments: argparse.Namespace, model: Any) -> dict[str, Any]:
    from audio_gen.pipelines.device import pick_device
    from audio_gen.pipelines.evaluate_vocoder import evaluate_vocoder
    from audio_gen.pipelines.vocoder import Vocoder

    device = pick_device(arguments.device)
    listeners = _listeners(arguments, device)
    return evaluate_vocoder(
        Vocoder.of(model, device), listeners, arguments.data, arguments.root, arguments.split, page=arguments.page
    )


def _listeners(arguments: argparse.Namespace, device: Any, default: tuple[str, ...] = ("genre",)) -> dict[str, Any]:
    """The classifiers to embed with, by name."""
    from audio_gen.pipelines.classify import Classifier

    loaded = [Classifier.load(name, device=device) for name in arguments.listener or default]
    return {listener.checkpoint.name: listener for listener in loaded}


def _autoencoder(arguments: argparse.Namespace, model: Any) -> dict[str, Any]:
    from audio_gen.pipelines.autoencoder import Autoencoder
    from audio_gen.pipelines.device import pick_device
    from audio_gen.pipelines.evaluate_autoencoder import evaluate_autoencoder

    found = Autoencoder(model, pick_device(arguments.device))
    return evaluate_autoencoder(found, arguments.data, arguments.root, arguments.split)


def _notes(arguments: argparse.Namespace, model: Any) -> dict[str, Any]:
    from tqdm import tqdm

    from audio_gen.pipelines.device import pick_device
    from audio_gen.pipelines.evaluate_notes import evaluate_notes

    listeners = _listeners(arguments, pick_device(arguments.device), ("genre", "emotion")) if arguments.rendered else {}
    return evaluate_notes(
        arguments.name,
        arguments.data,
        arguments.root,
        arguments.split,
        count=arguments.count,
        seed=arguments.seed,
        listeners=tuple(listeners.values()),
        page=arguments.page,
        progress=lambda pieces, what, count: tqdm(pieces, what, count, unit="piece", disable=arguments.quiet or None),
    )
