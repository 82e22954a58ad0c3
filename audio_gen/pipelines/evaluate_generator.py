"""evaluate a generator: does a judge hear what was asked for, how near is it all to real music, and how varied?

Real and generated clips are equally long and go through the same vocoder. Beside every figure stand its controls: other
real music, pink noise, real music under shuffled classes. A figure that ranks real music no better than a control tells
nothing of these data; it is named under `misranked`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audio_gen.errors import DatasetError, ParameterError
from audio_gen.pipelines._generator_clips import Progress, Sound, Source, real_items
from audio_gen.pipelines._generator_distances import MEAN, Listened
from audio_gen.pipelines._generator_ears import Ears, Embedding, Heard, embedding_of
from audio_gen.pipelines._generator_judged import judged
from audio_gen.pipelines._generator_page import Exhibits
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.generate import Generator
from audio_gen.pipelines.vocoder import DEFAULT

__all__ = ["MUSIC", "ONE_SHOTS", "Wanted", "embedding_of", "evaluate_generator", "wanted_of"]


@dataclass(frozen=True)
class Wanted:
    """What is measured unless told otherwise, and what is good enough.

    Args:
        judge: name of the classifier over the generator's labels.
        count: clips of a class.
        seconds: of a clip; None is a one-shot as it is.
        agreement: the share of clips that the judge hears as what was asked for, if it does so of real music.
        coverage: least coverage, mean of the classes.
        density: least and most density, mean of the classes.
        variety: least share of real music's mean distance between clips of a class.
    """

    judge: str
    count: int
    seconds: float | None
    agreement: float
    coverage: float
    density: tuple[float, float] | None = None
    variety: float = 0.6


MUSIC = Wanted("styles", 250, 6.0, 0.7, 0.3)
ONE_SHOTS = Wanted("kits", 150, None, 0.85, 0.5, (0.7, 1.2))


def wanted_of(generator: Generator) -> Wanted:
    """What is wanted of its kind."""
    return ONE_SHOTS if generator.net.length else MUSIC


def evaluate_generator(
    generator: Generator,
    judge: Classifier,
    listeners: Mapping[str, Embedding],
    dataset: str,
    root: Path,
    split: str,
    *,
    count: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    vocoder: str = DEFAULT,
    page: Path | None = None,
    progress: Progress = lambda sounds, _: sounds,
) -> dict[str, Any]:
    """Figures under `details`; the same again for the same seed on the same machine.

    Real clips are windows of the split's tracks, spread evenly over them, or one-shots from their onset. "other_real"
    is the split "train", what real music can reach; where nothing of it is there, half of the split's tracks are held
    against the other half. Intervals are over tracks.

    Args:
        generator: what is measured.
        judge: a classifier over the generator's labels. Its rate on real music is the mark for new music only if it was
            trained on other rows than these: one that learnt the split "train" knows "other_real" by heart (its rate
            there is no estimate), and one that heard `split` knows "real" by heart. It should have taken no part in the
            generator's training either.
        listeners: embeddings by name, of networks that took no part in the generator's training; a block each.
        dataset: name of a plug whose items have audio and labels.
        root: where it lies.
        split: of it.
        count: clips of a class, real and generated; None is `wanted_of`'s.
        seconds: of a clip; None is `wanted_of`'s. A shorter one than a classifier's window is repeated, as `classify`
            does.
        seed: of the new clips, and of every choice.
        vocoder: by name, as `Vocoder.load` knows it.
        page: an empty folder for a few clips and a blind test of them.
        progress: wraps the passage of sounds, given what they are.

    Raises:
        DatasetError: the judge knows other labels than the generator, or there is no real music long enough.
        ParameterError: fewer than two clips, or the page's folder holds something.
    """
    labels, wanted = generator.labels, wanted_of(generator)
    if set(judge.labels) != set(labels):
        raise DatasetError(f"judge {judge.checkpoint.name!r} knows {judge.labels}, not {labels}")
    if count is not None and count < 2:
        raise ParameterError(f"count must be at least 2, or there are no distances between clips, not {count}")
    voice = generator.vocoder(vocoder)
    source = Source(generator, voice, seconds or wanted.seconds, count or wanted.count, seed)
    kept = Exhibits(page, source.seconds, seed) if page else None
    items, others, control = real_items(dataset, root, split, labels)
    ears = Ears(labels, judge, listeners)

    def hear(sounds: Iterable[Sound], what: str) -> Heard:
        watched = kept.watch(sounds, what) if kept and what in ("real", "generated") else sounds
        heard = ears.hear(progress(watched, what))
        if heard is None:
            raise DatasetError(f"{dataset} has no track of {', '.join(labels)} as long as {source.seconds:g} s")
        return heard

    sets = {"real": hear(source.real(items), "real"), "other_real": hear(source.real(others), "other real")}
    sets = {
        "generated": hear(source.made(), "generated"),
        **sets,
        "pink_noise": hear(source.pink_noise(), "pink noise"),
    }
    figures, notes = judged(labels, sets, wanted.agreement, seed)
    blocks = {}
    for name in listeners:
        blocks[name], more = Listened(name, labels, sets, seed).figures()
        notes += more
    if kept:
        kept.write()
    about = {
        "model": generator.checkpoint.name,
        "sha256": generator.checkpoint.sha256,
        "judge": judge.checkpoint.name,
        "vocoder": voice.name,
        "dataset": dataset,
        "split": split,
        "other_real": control,
        "seed": seed,
        "seconds": source.seconds,
        **{f"{name}_clips": len(heard) for name, heard in sets.items()},
        **{f"{name}_tracks": len(set(sets[name].tracks.tolist())) for name in ("real", "other_real")},
    }
    targets = _targets(figures, blocks, wanted, notes)
    return {"details": {**about, "targets": targets, **figures, "listeners": blocks, "misranked": notes}}


def _targets(
    figures: Mapping[str, Any], blocks: Mapping[str, Any], wanted: Wanted, notes: list[str]
) -> dict[str, dict[str, Any]]:
    """What was reached of what is wanted; of a figure that misranks a control nothing is said but that."""
    rates = {name: figures["judged"][name]["class_agreement"]["value"] for name in ("generated", "real")}
    rows = {"class_agreement": _target(rates["generated"], min(wanted.agreement, rates["real"]), None)}
    for name, block in blocks.items():
        rows[f"{name} kad"] = _target(block["kad"]["generated"]["value"], None, block["kad"]["limit"])
        rows[f"{name} coverage"] = _target(block["coverage"][MEAN]["generated"], wanted.coverage, None)
        if wanted.density:
            rows[f"{name} density"] = _target(block["density"][MEAN]["generated"], *wanted.density)
        rows[f"{name} variety"] = _target(block["variety"][MEAN]["ratio"], wanted.variety, None)
    for name, row in rows.items():
        controls = [note.split(": ")[1] for note in notes if note.startswith(f"{name}: ")]
        if controls:
            row.pop("met", None)
            row["misranked"] = ", ".join(controls)
    return rows


def _target(found: float | None, least: float | None, most: float | None) -> dict[str, Any]:
    """Without `met` where nothing was found."""
    met = {} if found is None else {"met": (least is None or found >= least) and (most is None or found <= most)}
    limits = {name: value for name, value in (("at_least", least), ("at_most", most)) if value is not None}
    return {**met, "found": found, **limits}
