"""How sure a classifier is of sounds that are no music: it should not be."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

from audio_gen.audio.artificial import SLOPES, clicks, noise, silence, tone
from audio_gen.audio.speech import program, speech
from audio_gen.metrics.interval import bootstrap
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.hearing import pictured, verdict_over

COUNT = 12  # sounds of each kind
SECONDS = 10.0
TONES = (55.0, 7040.0)  # Hz: the lowest and the highest, the others in equal steps between
CLICKS = (0.5, 30.0)  # a second

Sounds = Iterator[torch.Tensor]


def evaluate_not_music(model: Classifier) -> dict[str, Any]:
    """The probability of the most probable label, by kind of sound; the sounds are the same each time.

    Returns:
        For each kind `{"probability": {"value", "low", "high"}, "label", "sounds"}`: the median with its bootstrap
        interval over sounds, and the label that is told most often; "all" takes all sounds together. "speech_by" is the
        program that spoke, or "synthesis".
    """
    heard = {kind: [_told(model, sound) for sound in sounds] for kind, sounds in _kinds(model).items()}
    heard["all"] = [one for told in heard.values() for one in told]
    return {**{kind: _row(told, model.labels) for kind, told in heard.items()}, "speech_by": program() or "synthesis"}


def _kinds(model: Classifier) -> dict[str, Sounds]:
    rate = model.checkpoint.spec.sample_rate
    pitches, rates = (np.geomspace(*ends, COUNT).tolist() for ends in (TONES, CLICKS))
    colored = {f"{color}_noise": _each(partial(noise, rate, SECONDS, color)) for color in SLOPES}
    return {
        "silence": iter([silence(rate, SECONDS)]),  # each silence is like all others
        **colored,
        "tone": _each(lambda n: tone(rate, SECONDS, pitches[n])),
        "clicks": _each(lambda n: clicks(rate, SECONDS, rates[n], n)),
        "speech": _each(partial(speech, rate, SECONDS)),
    }


def _each(make: Callable[[int], torch.Tensor]) -> Sounds:
    return (make(number) for number in range(COUNT))


def _told(model: Classifier, sound: torch.Tensor) -> tuple[float, int]:
    top = verdict_over(model, pictured(model, [sound])).probs.max(-1)
    return float(top.values), int(top.indices)


def _row(told: list[tuple[float, int]], labels: tuple[str, ...]) -> dict[str, Any]:
    probabilities = np.array([probability for probability, _ in told])
    most = np.bincount([label for _, label in told]).argmax()
    median: Callable[..., float] = np.median
    return {
        "probability": bootstrap(median, probabilities).to_dict(),
        "label": labels[int(most)],
        "sounds": len(told),
    }
