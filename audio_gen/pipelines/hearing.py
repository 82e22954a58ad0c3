"""From one item of a dataset to the pictures that a classifier hears, and from pictures to its verdict."""

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F

from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import open_audio
from audio_gen.audio.synth import MIDI_EXTENSIONS
from audio_gen.datasets._item import Item
from audio_gen.errors import DatasetError
from audio_gen.features.decibel_image import from_uint8
from audio_gen.models.classifier import Verdict, combine, windows
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.listening import judged
from audio_gen.pipelines.prepare import samples_of
from audio_gen.pipelines.windows import Window

SILENT = 1e-3  # of the peak


def windows_of(model: Classifier, item: Item) -> list[Window]:
    """The windows of its picture, its audio, or its MIDI rendered with the default soundfont.

    Raises:
        DatasetError: the item has neither.
        DecodeError: its file can't be read.
    """
    if item.image is not None:
        if len(item.image) != model.picture.rows:
            raise DatasetError(
                f"{item.id} has no audio, only a picture of {len(item.image)} rows; {model.checkpoint.name!r} "
                f"sees {model.picture.rows}"
            )
        found = windows(from_uint8(torch.from_numpy(item.image)), model.picture.columns)
        return [Window(number, picture, regular=number < len(found) - 1) for number, picture in enumerate(found)]
    if item.path is None:
        raise DatasetError(f"{item.id} has neither audio nor a picture")
    rate = model.checkpoint.spec.sample_rate
    if item.path.suffix.lower() in MIDI_EXTENSIONS:
        return pictured(model, [samples_of(item, rate)])
    with open_audio(item.path) as audio:
        cutter = model.cutter(audio.sample_rate)
        return list(cutter.windows(audio.mono(cutter.sample_rate)))


def pictured(model: Classifier, blocks: Iterable[torch.Tensor]) -> list[Window]:
    """Blocks `[1, t]` of samples at the model's rate → their windows, as `classify` cuts them."""
    return list(model.cutter(model.checkpoint.spec.sample_rate).windows(iter(blocks)))


def verdict_of(model: Classifier, clip: Clip) -> Verdict:
    """What `classify` says of a file that holds the clip: where it is shorter than a window it is repeated.

    The silence at its end is cut off first: judges learn one-shots from files that end with the sound.
    """
    (found,) = verdicts_of([model], clip)
    return found


def verdicts_of(models: Sequence[Classifier], clip: Clip) -> list[Verdict]:
    """`verdict_of` of several models that share a front end (`check_together`), in one pass."""
    eye = max(models, key=lambda model: model.picture.rows)  # the first rows of its pictures are the others' pictures
    samples = clip.to(eye.checkpoint.spec.sample_rate, 1).samples
    loud = (samples[0].abs() > SILENT * samples.abs().max()).nonzero()
    told = judged(models, pictured(eye, [samples[:, : int(loud[-1]) + 1] if len(loud) else samples]))
    return [combine(one.prediction, model.net) for one, model in zip(told, models, strict=True)]


@torch.no_grad()
def verdict_at_once(model: Classifier, samples: torch.Tensor) -> Verdict:
    """What the model says of the first window of `[1, T]`, filled up with silence where it is shorter."""
    window = F.pad(samples, (0, max(0, model.window - samples.shape[1])))[:, : model.window]
    return combine(model.hear(window), model.net)


def verdict_over(model: Classifier, windows: Iterable[Window]) -> Verdict:
    """What the model says of the windows of one track together."""
    (told,) = judged([model], windows)
    return combine(told.prediction, model.net)
