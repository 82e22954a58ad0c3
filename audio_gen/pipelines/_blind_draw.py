"""Which files a blind test takes and in which order: a plan → trials, by the plan's seed alone."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from audio_gen.audio.synth import find_soundfont
from audio_gen.errors import ParameterError
from audio_gen.pipelines._blind_answers import KINDS
from audio_gen.pipelines._blind_clips import Candidate, Cut, Excerpt, Taken, label_of, recorded, take
from audio_gen.pipelines._blind_notes import Band, are_notes, warn_of_instruments
from audio_gen.pipelines.inputs import Source, find_audio
from audio_gen.symbolic.files import NOTE_EXTENSIONS

FEWEST, MOST = 8, 200  # questions; with fewer, chance alone may well get all of them right
SHORTEST, LONGEST = 0.5, 60.0  # seconds of a clip


@dataclass(frozen=True)
class Plan:
    """What to make a test of.

    Args:
        real: folder of recordings, or of notes (MIDI, ABC, MusicXML) where no folder holds recordings.
        generated: folders of what a machine made: one, or the two that are compared ("ab").
        pairs: in place of both, a CSV with columns `real`, `generated` and, if wanted, `label`.
        kind: "tell" (recorded or made?) or "ab" (which of two is nearer to the original?).
        count: questions, an even number: half of the answers are of either kind.
        seconds: of each clip, from the middle of its file.
        seed: decides which files are taken, and their order.
        title: heading of the page; None is the question.
        pictures: show spectrograms beside the players; of notes piano rolls, and the excerpt as MIDI.
        notes: take files of notes also where there are recordings.
        soundfont: of notes: SF2 or SF3 file that plays all; None looks for one.
        program: of notes: General MIDI instrument of all tracks but drums, 0 to 127; None: each track's own.
    """

    real: Path | None = None
    generated: tuple[Path, ...] = ()
    pairs: Path | None = None
    kind: str = "tell"
    count: int = 20
    seconds: float = 6.0
    seed: int = 0
    title: str | None = None
    pictures: bool = True
    notes: bool = False
    soundfont: Path | None = None
    program: int | None = None

    def check(self) -> None:
        """Refuse what can't be.

        Raises:
            ParameterError: the parts contradict each other, or a number is out of range.
        """
        if self.kind not in KINDS:
            raise ParameterError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        given = (self.real is not None, len(self.generated), self.pairs is not None)
        if given not in {"tell": [(True, 1, False), (False, 0, True)], "ab": [(True, 2, False)]}[self.kind]:
            takes = {
                "tell": "one --real and one --generated, or --pairs in their place",
                "ab": "one --real (the originals) and two --generated (the renditions)",
            }
            told = ", ".join(
                f"{int(n)} {name}" for n, name in zip(given, ("--real", "--generated", "--pairs"), strict=True)
            )
            raise ParameterError(f"a test of kind {self.kind!r} takes {takes[self.kind]}; this has {told}")
        if self.count % 2 or not FEWEST <= self.count <= MOST:
            raise ParameterError(f"count must be an even number from {FEWEST} to {MOST}, not {self.count}")
        if not SHORTEST <= self.seconds <= LONGEST:
            raise ParameterError(f"seconds must be from {SHORTEST:g} to {LONGEST:g}, not {self.seconds:g}")
        if self.seed < 0:
            raise ParameterError(f"seed must be 0 or above, not {self.seed}")
        if self.program is not None and not 0 <= self.program <= 127:
            raise ParameterError(f"a program is 0 to 127, not {self.program}")


@dataclass(frozen=True, eq=False)
class Trial:
    """One question: its clips in the order of the page, and the right answer."""

    truth: str
    label: str
    paths: tuple[Path, ...]
    excerpts: tuple[Excerpt, ...]

    @property
    def of_notes(self) -> bool:
        """Whether a synthesizer played them."""
        return self.excerpts[0].score is not None


def draw(plan: Plan) -> tuple[list[Trial], int]:
    """The trials in their order, and how many files (or groups of them) had to be left out.

    Raises:
        ParameterError: a path that isn't there, no audio, or too little of it.
    """
    random = np.random.default_rng(plan.seed)
    return _ab(plan, random) if plan.kind == "ab" else _tell(plan, random)


def _tell(plan: Plan, random: np.random.Generator) -> tuple[list[Trial], int]:
    half = plan.count // 2
    if plan.pairs is not None:
        pairs, failed = _take(_listed(plan.pairs), half, random, plan, f"pairs in {str(plan.pairs)!r}")
        sides = [[_part(item, at) for item in pairs] for at in (0, 1)]
    else:
        folders = [folder for folder in (plan.real, *plan.generated) if folder is not None]
        sources = _sources(plan, folders, folders[::-1])
        if twice := {source.path.resolve() for source in sources[0]} & {source.path.resolve() for source in sources[1]}:
            raise ParameterError(f"{str(min(twice))!r} is among the real and among the generated; give two folders")
        found = [[Candidate((source.path,), source.relative) for source in side] for side in sources]
        kind = "files of notes" if are_notes(side[0].path for side in sources) else "audio files"
        taken = [
            _take(side, half, random, plan, f"{kind} in {str(folder)!r}")
            for side, folder in zip(found, folders, strict=True)
        ]
        failed = sum(left_out for _, left_out in taken)
        half = min(len(side) for side, _ in taken)
        sides = [side[:half] for side, _ in taken]
    warn_of_instruments([[item.excerpts[0] for item in side] for side in sides])
    trials = [
        Trial(truth, label_of(item.candidate), item.candidate.paths, item.excerpts)
        for truth, side in zip(KINDS["tell"], sides, strict=True)
        for item in side
    ]
    return [trials[index] for index in random.permutation(len(trials))], failed


def _part(item: Taken, at: int) -> Taken:
    whole = item.candidate
    return Taken(Candidate(whole.paths[at : at + 1], whole.relative, whole.label), item.excerpts[at : at + 1])


def _ab(plan: Plan, random: np.random.Generator) -> tuple[list[Trial], int]:
    folders = [folder for folder in (plan.real, *plan.generated) if folder is not None]
    by_name = [{one.relative.with_suffix(""): one for one in side} for side in _sources(plan, folders)]
    found = [
        Candidate(tuple(side[name].path for side in by_name), source.relative, aligned=True)
        for name, source in by_name[0].items()
        if all(name in side for side in by_name)
    ]
    taken, failed = _take(found, plan.count, random, plan, "file names that all three folders have")
    taken = taken[: len(taken) // 2 * 2]
    trials = []
    for item, at in zip(taken, (random.permutation(len(taken)) % 2).tolist(), strict=True):
        order = ((0, 2, 1), (0, 1, 2))[at]  # at 1 the first rendition is x
        paths = tuple(item.candidate.paths[i] for i in order)
        excerpts = tuple(item.excerpts[i] for i in order)
        trials.append(Trial(KINDS["ab"][at], label_of(item.candidate), paths, excerpts))
    return trials, failed


def _take(
    found: Sequence[Candidate], wanted: int, random: np.random.Generator, plan: Plan, what: str
) -> tuple[list[Taken], int]:
    """So many of them, drawn by chance; fewer only where some can't be used."""
    if len(found) < wanted:
        raise ParameterError(
            f"{len(found)} {what}, but --count {plan.count} needs {wanted}: give more of them, or a smaller --count "
            f"(from {FEWEST} on)"
        )
    order = random.permutation(len(found))
    taken, failed = take([found[index] for index in order], wanted, _cut(plan, found))
    fewest = FEWEST * wanted // plan.count
    if len(taken) < fewest:
        raise ParameterError(
            f"{len(taken)} of {len(found)} {what} can be used, and at least {fewest} have to be; "
            "the warnings above say what each of the others lacks"
        )
    return taken, failed


def _cut(plan: Plan, found: Sequence[Candidate]) -> Cut:
    """What makes excerpts of them."""
    if not are_notes(path for candidate in found for path in candidate.paths):
        return partial(recorded, seconds=plan.seconds)
    return partial(Band(find_soundfont(plan.soundfont), plan.program).played, seconds=plan.seconds)


def _sources(plan: Plan, folders: Sequence[Path], without: Sequence[Path | None] = ()) -> list[list[Source]]:
    """The recordings in each folder, or notes in each, where that is all there is.

    Args:
        plan: whether it is notes that are looked for.
        folders: where.
        without: for each of them another, which is passed over where it lies inside; without any, nothing is.

    Raises:
        ParameterError: a folder that isn't there, or neither recordings in all of them nor notes in all.
    """

    def found(extensions: Sequence[str] | None) -> list[list[Source]]:
        pairs = zip(folders, without or [None] * len(folders), strict=True)
        return [find_audio([folder], extensions=extensions, exclude=other) for folder, other in pairs]

    if plan.notes:
        return found(NOTE_EXTENSIONS)
    try:
        return found(None)
    except ParameterError as error:
        try:
            return found(NOTE_EXTENSIONS)
        except ParameterError as other:
            raise error if str(error) == str(other) else ParameterError(f"{error}; nor notes: {other}") from None


def _listed(table: Path) -> list[Candidate]:
    """The rows of the CSV; its paths count from the folder that it lies in."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ParameterError(f"can't read the pairs {str(table)!r}: {reason}; give a CSV in UTF-8") from error
    columns = list(rows[0]) if rows else []
    if not {"real", "generated"} <= set(columns):
        raise ParameterError(
            f"{str(table)!r} needs the columns real, generated and, if wanted, label; it has {columns}"
        )
    found = []
    for number, row in enumerate(rows, 1):
        real, generated = (Path(os.path.join(table.parent, row[name] or "")) for name in ("real", "generated"))
        for path in (real, generated):
            if not path.is_file():
                raise ParameterError(f"pair {number} of {str(table)!r}: no such file: {str(path)!r}")
        found.append(Candidate((real, generated), Path(), row.get("label") or ""))
    return found
