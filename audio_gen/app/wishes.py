"""What `audio-gen generate` is asked for: labels x seeds x indices, and the file of each clip."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from audio_gen.app import clips
from audio_gen.errors import ParameterError

if TYPE_CHECKING:
    from audio_gen.pipelines.autoencoder import Autoencoder
    from audio_gen.pipelines.generate import Generator, Wish


def first_wish(arguments: argparse.Namespace, maker: "Generator | Autoencoder") -> "Wish":
    """What all clips have in common; --like finds its label and global noise.

    Raises:
        ParameterError: options that don't go together, or a model without labels.
    """
    from audio_gen.pipelines.generate import Generator, Wish

    if not maker.labels:
        raise ParameterError(f"{maker.checkpoint.name!r} was trained without labels; there is nothing to ask it for")
    if arguments.loop and any(arguments.fade):
        raise ParameterError("a loop that is faded has a hole each time it comes round; leave out --fade or --loop")
    first = Wish(maker.labels[0], seconds=_seconds(arguments), variety=arguments.variety, loop=arguments.loop)
    if arguments.like is None:
        return first
    if arguments.label or not isinstance(maker, Generator):
        raise ParameterError(
            "--like finds the labels itself and takes a generator: leave --label out, and name a generator with --model"
        )
    from audio_gen.audio.decode import load
    from audio_gen.pipelines.autoencoder import Autoencoder
    from audio_gen.pipelines.like import like

    recording = load(clips.existing(arguments.like))
    found = like(maker, Autoencoder.load(device=maker.device), recording)
    return replace(first, label=found.label, glob=found.glob)


def planned_files(
    arguments: argparse.Namespace, model: str, first: "Wish", labels: tuple[str, ...]
) -> "dict[Path, Wish]":
    """Where each clip goes, and what it is to be.

    Raises:
        ParameterError: two of them would go to one place.
    """
    planned: dict[Path, Wish] = {}
    for wish in _wishes(arguments, first, labels):
        path = _path(arguments, model, wish)
        if planned.setdefault(path, wish) != wish:
            both = f"{planned[path].label!r} and {wish.label!r}"
            raise ParameterError(
                f"clips of {both} would both be called {path.name!r}; make them into different folders"
            )
    return planned


def _wishes(arguments: argparse.Namespace, first: "Wish", labels: tuple[str, ...]) -> "Iterator[Wish]":
    """Labels x seeds x indices; labels that aren't told take turns."""
    told = [first.label] if arguments.like else arguments.label or [None]
    for label, seed in product(told, dict.fromkeys(arguments.seed)):
        for index in range(arguments.count):
            turn = labels[index % len(labels)]
            yield replace(first, label=turn if label is None else label, seed=seed, index=index)


def _path(arguments: argparse.Namespace, model: str, wish: "Wish") -> Path:
    label = "like-" + arguments.like.stem if arguments.like else wish.label
    plain = clips.plain(label)
    folder = Path(arguments.output, plain) if arguments.tree else Path(arguments.output)
    return folder / f"{model}_{plain}_seed{wish.seed}_{wish.index:04d}.wav"


def _seconds(arguments: argparse.Namespace) -> float | None:
    from audio_gen.pipelines.loop import loop_seconds

    if arguments.bpm is None and arguments.bars is None:
        return None if arguments.seconds is None else float(arguments.seconds)
    if arguments.seconds is not None:
        raise ParameterError("--bpm and --bars tell how long a loop is; leave out --seconds")
    if arguments.bpm is None or not arguments.loop:
        raise ParameterError("--bars goes with --bpm, and both with --loop: --loop --bpm 120 --bars 4")
    return loop_seconds(arguments.bpm, arguments.bars or 4)
