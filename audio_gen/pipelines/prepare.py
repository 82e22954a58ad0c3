"""prepare: a dataset → arrays in one file, so that training needs no audio library."""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.audio.decode import open_audio
from audio_gen.audio.synth import MIDI_EXTENSIONS, render
from audio_gen.datasets._arrays import KINDS, Arrays, Track, joined
from audio_gen.datasets._item import Item
from audio_gen.datasets._scores import score_of, without_copies
from audio_gen.errors import DatasetError, DecodeError, ParameterError
from audio_gen.features.decibel_image import IMAGE_COLUMNS, IMAGE_SECONDS, SPEC, DecibelImage, to_uint8, wrap
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.pipelines.teacher import Teacher
from audio_gen.registry import pick
from audio_gen.symbolic.table import to_rows

Pixels = npt.NDArray[np.uint8]
Progress = Callable[[Iterable[Arrays | None], int], Iterable[Arrays | None]]
_log = logging.getLogger(__name__)


def prepare(
    names: Sequence[str],
    root: Path,
    kind: str,
    *,
    soundfonts: Sequence[Path | None] = (None,),
    transpositions: Sequence[int] = (),
    teacher: Teacher | None = None,
    seconds: float | None = None,
    group_by: str | None = None,
    without: Sequence[str] = (),
    without_licence: Sequence[str] = (),
    for_judge: bool = False,
    jobs: int = 2,
    progress: Progress | None = None,
) -> Arrays:
    """Prepare the datasets `names`, which lie in `root` (or in folders of `root` that are called like them).

    Args:
        names: dataset plugs, joined in this order.
        root: the dataset's own folder or its parent.
        kind: "image" (uint8 pictures of 30 s, for classifiers), "tonal_image" (with rows of notes, for emotion),
            "log_mel" (float16 frames, for generators), "waveform" (int16 samples, for vocoders) or "score" (rows of
            notes, for composers; a track whose notes a later split has too is left out with a warning).
        teacher: outputs of a teacher over these tracks, to distil from; only for pictures.
        soundfonts: MIDI datasets are rendered once with each; None is the default font.
        transpositions: their training items also so many semitones higher, the soundfonts taking turns.
        seconds: at most so much of each track; None is all.
        group_by: what keeps tracks in one split; only for the dataset "folder", see there.
        without: groups and ids of tracks that are left out.
        without_licence: licences, as the dataset spells them, whose tracks are left out.
        for_judge: for a judge of what is trained on the same call without this: the other tracks, those of `without`
            and of the valid split, are its train split, and what the other trains on is its valid split.
        jobs: tracks at a time.
        progress: wraps the iteration over tracks, given their number.

    Raises:
        DatasetError: a dataset is missing, or no track can be read; one that can't be is left out with a warning.
        ParameterError: unknown dataset or kind, or an option that makes sound asked of scores.
    """
    if kind not in KINDS:
        raise ParameterError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    if group_by is not None and list(names) != ["folder"]:
        raise ParameterError(f"only the dataset 'folder' can be grouped by {group_by!r}, not {', '.join(names)}")
    if seconds is not None and not 0 < seconds < math.inf:
        raise ParameterError(f"seconds must be above 0, not {seconds}")
    if kind == "score" and (seconds, teacher, *transpositions, *filter(None, soundfonts)) != (None, None):
        raise ParameterError("scores are kept as they are: leave out seconds, teacher, transpositions and soundfonts")
    parts = []
    for name in names:
        plug = pick("audio_gen.datasets", name)
        listed = plug.items(root) if group_by is None else plug.items(root, group_by=group_by)
        allowed = [item for item in listed if item.licence not in without_licence]
        items = _other_way_round(allowed, without) if for_judge else [item for item in allowed if _kept(item, without)]
        labels = tuple(plug.LABELS) or tuple(sorted({item.label for item in items if item.label}))
        tasks = [Task(name, item, how) for item in items for how in _renditions(item, soundfonts, transpositions)]
        wish = _Wish(kind, labels, plug.LICENSE, seconds, teacher)
        made = _prepare_one(tasks, wish, jobs, progress)
        named = dict.fromkeys(credit(item) for item in items if item.split == "train")
        parts.append(replace(made, credits=tuple(one for one in named if one)))
    if kind != "score":
        return joined(parts)
    arrays, notes = without_copies(joined(parts))
    for note in notes:
        _log.warning(note)
    return arrays


def _kept(item: Item, without: Sequence[str]) -> bool:
    return item.group not in without and item.id not in without


def _other_way_round(items: Sequence[Item], without: Sequence[str]) -> list[Item]:
    """Items to train a judge on, and those that it judges the training of as "valid"; the test split is left out."""
    heard = [item.split == "train" and _kept(item, without) for item in items]
    split = {True: "valid", False: "train"}
    return [replace(item, split=split[was]) for item, was in zip(items, heard, strict=True) if item.split != "test"]


class Rendition(NamedTuple):
    """How MIDI is played: with a soundfont (None is the default), so many semitones higher."""

    font: Path | None = None
    semitones: int = 0

    def __str__(self) -> str:
        return (f"#{self.font.stem}" if self.font else "") + (f"#{self.semitones:+d}" if self.semitones else "")


PLAIN = Rendition()


class Task(NamedTuple):
    """One item of one dataset, played in one way."""

    dataset: str
    item: Item
    how: Rendition


def _renditions(item: Item, fonts: Sequence[Path | None], transpositions: Sequence[int]) -> list[Rendition]:
    if item.path is None or item.path.suffix.lower() not in MIDI_EXTENSIONS:
        return [PLAIN]
    moved = transpositions if item.split == "train" else ()
    return [Rendition(font) for font in fonts] + [
        Rendition(fonts[number % len(fonts)], semitones) for number, semitones in enumerate(moved)
    ]


@dataclass(frozen=True)
class _Wish:
    """What is wanted of every track of one dataset; the licence is for tracks that tell none."""

    kind: str
    labels: tuple[str, ...]
    licence: str
    seconds: float | None
    teacher: Teacher | None


def _prepare_one(tasks: list[Task], wish: _Wish, jobs: int, progress: Progress | None) -> Arrays:
    make = MAKERS.get(wish.kind, _image_track)

    def work(task: Task) -> Arrays | None:
        try:
            return make(task, wish)
        except DecodeError as error:
            _log.warning("left out: %s", error)
            return None

    with ThreadPoolExecutor(jobs) as pool:
        done: Iterable[Arrays | None] = pool.map(work, tasks)
        parts = [part for part in (progress(done, len(tasks)) if progress else done) if part is not None]
    if not parts:
        raise DatasetError("none of this dataset's tracks could be read; nothing to prepare")
    wanted = {item.label for _, item, _ in tasks if item.label}
    if lost := sorted(wanted - {track.label for part in parts for track in part.tracks}):
        raise DatasetError(f"not one file of class {lost[0]!r} could be read (each is named above); mend or drop it")
    return joined(parts)


def samples_of(item: Item, sample_rate: int, seconds: float | None = None, how: Rendition = PLAIN) -> torch.Tensor:
    """`[1, T]`: the item's audio at `sample_rate`, MIDI rendered, at most `seconds` of it."""
    if item.path is None:
        other = "a picture; prepare it with `--as image`" if item.score is None else "notes; prepare it `--as score`"
        raise DatasetError(f"{item.id} has no audio, only {other}")
    wanted = None if seconds is None else round(seconds * sample_rate)
    if item.path.suffix.lower() in MIDI_EXTENSIONS:
        clip = render(item.path, soundfont=how.font, transpose=how.semitones)
        return clip.to(sample_rate, 1).samples[:, :wanted]
    blocks, total = [], 0
    with open_audio(item.path) as source:
        for block in source.mono(sample_rate):
            blocks.append(block)
            total += block.shape[1]
            if wanted is not None and total >= wanted:
                break
    return torch.cat(blocks, 1)[:, :wanted]


def readable(items: Iterable[Item], sample_rate: int) -> Iterator[tuple[Item, torch.Tensor]]:
    """The items that have audio, with `[1, T]` of it; one that can't be decoded is left out with a warning."""
    for item in items:
        if item.path is None:
            continue
        try:
            samples = samples_of(item, sample_rate)
        except DecodeError as error:
            _log.warning("left out: %s", error)
            continue
        yield item, samples


def _track(task: Task) -> Track:
    name, item, how = task
    fold = item.extra.get("fold", "")
    return Track(f"{item.id}{how}", name, item.split, item.group, item.label or "", dict(item.targets), fold)


def credit(item: Item) -> str:
    """Whose music it is: artist or kit, package and licence, as far as the dataset tells."""
    who = item.extra.get("artist") or item.extra.get("kit") or ""
    about = ", ".join(part for part in (item.extra.get("package"), item.licence) if part)
    return f"{who} ({about})" if who and about else who or about


def _image_track(task: Task, wish: _Wish) -> Arrays:
    _, item, how = task
    tonal = wish.kind == "tonal_image"
    if item.image is None:
        images, starts = images_of(samples_of(item, SPEC.sample_rate, wish.seconds, how), tonal=tonal)
    elif tonal:
        raise DatasetError(f"{item.id} has no audio, only a picture, and that without notes; prepare it `--as image`")
    else:
        images, starts = np.asarray(item.image, np.uint8)[None], [0.0]
    told = None if wish.teacher is None else wish.teacher.over(item.id, starts, IMAGE_SECONDS)
    index = np.zeros(len(images), np.int64)
    return Arrays(wish.kind, images, index, (_track(task),), SPEC, wish.labels, item.licence or wish.licence, told)


def images_of(samples: torch.Tensor, *, tonal: bool = False) -> tuple[Pixels, list[float]]:
    """`[1, T]` → uint8 pictures of 30 s `[N, rows, 387]` and where each starts, in seconds.

    A rest of at least 10 s gets a picture that ends with the audio; audio of less than 30 s is wrapped.
    """
    size = round(IMAGE_SECONDS * SPEC.sample_rate)
    picture = DecibelImage(SPEC, IMAGE_COLUMNS, tonal=tonal)
    total = samples.shape[1]
    if total < size:
        samples = wrap(samples, size)
    starts = list(range(0, max(1, total - size + 1), size))
    if total - (starts[-1] + size) >= size // 3:
        starts.append(total - size)
    images = [to_uint8(picture(samples[:, start : start + size]))[0].numpy() for start in starts]
    return np.stack(images), [start / SPEC.sample_rate for start in starts]


def _log_mel_track(task: Task, wish: _Wish) -> Arrays:
    _, item, how = task
    spec = MelSpec()
    mel = LogMel(spec)(samples_of(item, spec.sample_rate, wish.seconds, how))[0].T.numpy().astype(np.float16)
    bounds = np.array([0, len(mel)])
    return Arrays("log_mel", mel, bounds, (_track(task),), spec, wish.labels, item.licence or wish.licence)


def _waveform_track(task: Task, wish: _Wish) -> Arrays:
    _, item, how = task
    spec = MelSpec()
    samples = samples_of(item, spec.sample_rate, wish.seconds, how)[0]
    whole = (samples * 32768).round().clamp(-32768, 32767).to(torch.int16).numpy()
    bounds = np.array([0, len(whole)])
    return Arrays("waveform", whole, bounds, (_track(task),), spec, wish.labels, item.licence or wish.licence)


def _score_track(task: Task, wish: _Wish) -> Arrays:
    _, item, _ = task
    rows = to_rows(score_of(item))
    bounds = np.array([0, len(rows)])
    return Arrays("score", rows, bounds, (_track(task),), MelSpec(), wish.labels, item.licence or wish.licence)


MAKERS = {"log_mel": _log_mel_track, "waveform": _waveform_track, "score": _score_track}
