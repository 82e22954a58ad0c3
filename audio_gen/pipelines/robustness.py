"""Whether a classifier keeps its word when music is damaged on its way: lossy codec, filter, gain, noise, speed."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import load
from audio_gen.audio.effects import gain, low_pass, spaced_pair, speed, white_noise
from audio_gen.audio.lossy import has_mp3, mp3
from audio_gen.audio.synth import MIDI_EXTENSIONS
from audio_gen.datasets._item import Item
from audio_gen.errors import DatasetError
from audio_gen.metrics.classification import accuracy
from audio_gen.metrics.interval import bootstrap
from audio_gen.metrics.regression import mean_absolute_error
from audio_gen.models.classifier import QUADRANTS, Verdict
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.hearing import pictured, verdict_over
from audio_gen.pipelines.prepare import samples_of

_log = logging.getLogger(__name__)
Change = Callable[[Clip], torch.Tensor]

MP3_KBPS, CUTOFF, GAIN, SNR, PERCENT = 64, 4000.0, 12.0, 20.0, 3


def changes(sample_rate: int) -> dict[str, Change]:
    """What is done to a track, by name: a clip as it was decoded → `[1, T]` at `sample_rate`.

    MP3 is made of the file's own rate and channels. The rest is done to what the model hears, the mean of the channels
    at its rate: gain without clipping, as a float file holds it; white noise with the same seed for each track.

    A model that hears the mean of the channels hears any stereo file folded down already: nothing could change. So
    `mono_fold_down` asks for more: each track, stereo or not, is first made stereo as a pair of microphones 17 cm apart
    hears it (`effects.spaced_pair`), and that is folded down. It is a comb filter with its first notch at 1 kHz, the
    worst that a fold-down does.

    MP3 is missing where its encoder is.
    """

    def heard(clip: Clip) -> torch.Tensor:
        return clip.to(sample_rate).samples

    found: dict[str, Change] = {
        "low_pass_4_khz": lambda clip: low_pass(heard(clip), sample_rate, CUTOFF),
        "gain_up_12_db": lambda clip: gain(heard(clip), GAIN),
        "gain_down_12_db": lambda clip: gain(heard(clip), -GAIN),
        "noise_20_db": lambda clip: white_noise(heard(clip), SNR),
        "mono_fold_down": lambda clip: spaced_pair(heard(clip), sample_rate).mean(0, keepdim=True),
        "speed_up_3_percent": lambda clip: speed(heard(clip), sample_rate, 1 + PERCENT / 100),
        "speed_down_3_percent": lambda clip: speed(heard(clip), sample_rate, 1 - PERCENT / 100),
    }
    return {"mp3_64_kbps": lambda clip: heard(mp3(clip, MP3_KBPS)), **found} if has_mp3() else found


def clip_of(item: Item, sample_rate: int) -> Clip:
    """An item's audio, decoded once and whole; MIDI is rendered with the default soundfont.

    Raises:
        DatasetError: the item is a picture only.
        DecodeError: its file can't be read.
    """
    if item.path is None:
        raise DatasetError(f"{item.id} has no audio to change, only a picture; --robustness needs a dataset of audio")
    if item.path.suffix.lower() in MIDI_EXTENSIONS:
        return Clip(samples_of(item, sample_rate), sample_rate)
    return load(item.path)


def verdicts(model: Classifier, clip: Clip) -> dict[str, Verdict]:
    """What the model says of a clip after each of `changes`."""
    rate = model.checkpoint.spec.sample_rate
    return {name: verdict_over(model, pictured(model, [change(clip)])) for name, change in changes(rate).items()}


def summary(
    clean: Sequence[Verdict], changed: Sequence[Mapping[str, Verdict]], labels: Sequence[str]
) -> dict[str, Any]:
    """For each change: the share of tracks that keep their label, `kept`, with its interval.

    A model of emotion also tells by how much valence and arousal move, in the mean over tracks: `valence_change` and
    `arousal_change`.
    """
    if not has_mp3():
        _log.warning("FFmpeg in PyAV has no MP3 encoder here, so the table has no row for MP3")
    found: dict[str, Any] = {}
    told = np.array([int(verdict.probs.argmax()) for verdict in clean])
    for name in changed[0]:
        after = [verdicts[name] for verdicts in changed]
        now = np.array([int(verdict.probs.argmax()) for verdict in after])
        row = {"kept": bootstrap(accuracy, told, now)}
        if tuple(labels) == QUADRANTS:
            before, values = (np.array([one.values.tolist() for one in some]) for some in (clean, after))
            for axis, dimension in enumerate(("valence", "arousal")):
                row[f"{dimension}_change"] = bootstrap(mean_absolute_error, before[:, axis], values[:, axis])
        found[name] = {key: figure.to_dict() for key, figure in row.items()}
    return found
