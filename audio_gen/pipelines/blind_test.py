"""A blind listening test: recorded and machine-made music → a folder to give to listeners, and the truth apart.

Of kind "tell", each clip is judged by itself: recorded, or made by a machine? Half of the clips are either. Of kind
"ab", two renditions of one original are compared: which is nearer to it? Notes are played by one synthesizer, and shown
as piano rolls, with the MIDI of just what is heard.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audio_gen.atomic import replacing
from audio_gen.audio.encode import save
from audio_gen.audio.synth import find_soundfont
from audio_gen.errors import ParameterError
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.pipelines._blind_clips import Excerpt, equal
from audio_gen.pipelines._blind_draw import Plan, Trial, draw
from audio_gen.pipelines._blind_page import Player, page
from audio_gen.pipelines._figures import Media
from audio_gen.pipelines._pictures import spectrogram_png
from audio_gen.pipelines._roll_picture import roll_png, rows_of
from audio_gen.symbolic.files import write_notes

__all__ = ["Plan", "Summary", "make_test", "truth_file"]
PARTS = {"audio": ".wav", "midi": ".mid"}  # folders beside the page, and what they hold


@dataclass(frozen=True)
class Summary:
    """What came of it."""

    questions: int
    left_out: int  # files, or groups of files, that could not be used
    sample_rate: int  # Hz, of all clips: the lowest among the files


def make_test(plan: Plan, output: Path, truth: Path | None = None) -> Summary:
    """Write the folder `output` (index.html, audio/, of notes midi/) and, outside of it, the truth.

    The same plan gives the same bytes.

    Args:
        plan: what to make it of.
        output: the folder, written whole or not at all; an earlier test there is replaced.
        truth: the file for the truth; None is `truth_file(output)`.

    Raises:
        ParameterError: a plan that contradicts itself, too few files, a folder there that holds something else, or
            the truth inside of the folder.
    """
    truth = truth or truth_file(output)
    plan.check()
    if Path(os.path.realpath(truth)).is_relative_to(os.path.realpath(output)):
        raise ParameterError(f"the truth {str(truth)!r} would lie in the folder that listeners get; put it elsewhere")
    _refuse_others(output)
    trials, left_out = draw(plan)
    clips = iter(equal([excerpt.clip for trial in trials for excerpt in trial.excerpts]))
    heard = [[replace(excerpt, clip=next(clips)) for excerpt in trial.excerpts] for trial in trials]
    names = [f"{number:0{len(str(len(trials)))}}" for number in range(1, len(trials) + 1)]
    with _new_folder(output) as part:
        test = hashlib.sha256(plan.kind.encode())
        questions = []
        for name, sounds in zip(names, heard, strict=True):
            players = list(_players(part, name, sounds, pictures=plan.pictures))
            questions.append((name, players))
            for player in players:
                test.update((part / player.source).read_bytes())
        number = test.hexdigest()[:16]  # of what is heard, so that it tells nothing of the truth
        text = page(plan.title, plan.kind, number, questions, notes=trials[0].of_notes)
        (part / "index.html").write_bytes(text.encode("utf-8", "backslashreplace"))
        with replacing(truth) as file:
            file.write_text(json.dumps(_truth(plan, number, names, trials), indent=2) + "\n", "utf-8")
    return Summary(len(trials), left_out, heard[0][0].clip.sample_rate)


def truth_file(output: Path) -> Path:
    """Where the truth goes unless told otherwise: beside the folder, never in it."""
    folder = Path(os.path.abspath(output))
    return folder.with_name(f"{folder.name}.truth.json")


def _players(part: Path, name: str, heard: Sequence[Excerpt], *, pictures: bool) -> Iterator[Player]:
    heads = [""] if len(heard) == 1 else ["original", "x", "y"]
    for head, excerpt in zip(heads, heard, strict=True):
        stem = f"{name}{'-' if head else ''}{head}"
        source, midi = f"audio/{stem}.wav", f"midi/{stem}.mid" if pictures and excerpt.score is not None else ""
        save(part / source, excerpt.clip)
        if midi and excerpt.score is not None:
            (part / midi).parent.mkdir(exist_ok=True)
            write_notes(part / midi, excerpt.score)
        yield Player(source, head, _seen(excerpt) if pictures else Media(excerpt.clip.duration), midi)


def _seen(excerpt: Excerpt) -> Media:
    """The piano roll of notes, the spectrogram of a recording."""
    clip, score, spec = excerpt.clip, excerpt.score, MelSpec()
    if score is not None:
        return Media(clip.duration, roll_png(score, clip.duration), rows=rows_of([score]).ticks())
    mel = LogMel(spec)(clip.to(spec.sample_rate).samples)[0].numpy()
    return Media(clip.duration, spectrogram_png(mel, power=spec.power), spec)


def _truth(plan: Plan, number: str, names: Sequence[str], trials: Sequence[Trial]) -> dict[str, Any]:
    clips = [
        {"clip": name, "truth": trial.truth, "label": trial.label, "files": [_text(path) for path in trial.paths]}
        for name, trial in zip(names, trials, strict=True)
    ]
    folders = [_text(folder) for folder in plan.generated]
    font = {"soundfont": find_soundfont(plan.soundfont).name, "program": plan.program} if trials[0].of_notes else {}
    return {
        "schema": 1, "test": number, "kind": plan.kind, "seed": plan.seed, "seconds": plan.seconds,
        "pictures": plan.pictures, **font, "generated": folders, "clips": clips,
    }  # fmt: skip


def _text(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _refuse_others(folder: Path) -> None:
    """Only an earlier test (or nothing) may be replaced: `-o music --overwrite` shall not cost the music."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ParameterError(f"{str(folder)!r} is a file; -o wants a folder, one that isn't there yet")
    strange = [path for path in folder.iterdir() if path.name not in ("index.html", *PARTS)]
    strange += [path for name, ending in PARTS.items() for path in (folder / name).glob("*") if path.suffix != ending]
    if strange or (any(folder.iterdir()) and not (folder / "index.html").is_file()):
        example = f" ({str(strange[0])!r})" if strange else ""
        raise ParameterError(
            f"{str(folder)!r} holds something else than a blind test{example} and is not replaced; give another -o"
        )


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """Give a hidden neighbour to fill; it becomes `folder` when the block ends, and goes when it fails."""
    folder = Path(os.path.abspath(folder))
    part, old = (folder.with_name(f".{folder.name}.{kind}") for kind in ("part", "old"))
    for rest in (part, old):  # what a killed process left
        shutil.rmtree(rest, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    finally:
        for rest in (part, old):
            shutil.rmtree(rest, ignore_errors=True)
