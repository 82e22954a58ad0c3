"""evaluate a model of notes: what it makes of real music, and how its own music stands beside real music.

New pieces are made after the pattern of real ones (style, tempo, length; of tunes also key, metre and chords), so that
nothing but the notes tells them apart. All that is done with real pieces in 4/4, cut into equal windows.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from audio_gen.errors import ParameterError
from audio_gen.models import checkpoint, composer, drum_rnn, drum_vae, humaniser, melody
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.pipelines._drum_samples import drum_samples
from audio_gen.pipelines._note_exhibits import NoteExhibits
from audio_gen.pipelines._note_pieces import Split, read_split
from audio_gen.pipelines._notes_heard import NoteEars
from audio_gen.pipelines._samples import Progress
from audio_gen.pipelines._tune_samples import tune_samples
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.composer import DRUMS, load_maker
from audio_gen.pipelines.evaluate_composer import foretell_rows
from audio_gen.pipelines.evaluate_drum_vae import reconstruct_drums
from audio_gen.pipelines.evaluate_drums import foretell_drums
from audio_gen.pipelines.evaluate_humaniser import evaluate_humaniser
from audio_gen.pipelines.evaluate_melody import foretell_melodies

FORETELL: dict[str, Callable[[Checkpoint, Split], dict[str, Any]]] = {
    drum_rnn.FAMILY: foretell_drums,
    drum_vae.FAMILY: reconstruct_drums,
    humaniser.FAMILY: evaluate_humaniser,
    melody.FAMILY: foretell_melodies,
    composer.FAMILY: foretell_rows,
}
SAMPLES = {melody.FAMILY: tune_samples, composer.FAMILY: tune_samples, **dict.fromkeys(DRUMS, drum_samples)}
FAMILIES = tuple(dict.fromkeys((*FORETELL, *SAMPLES)))


def evaluate_notes(
    name: str,
    dataset: str,
    root: Path,
    split: str,
    *,
    count: int | None = None,
    seed: int = 0,
    listeners: Sequence[Classifier] = (),
    page: Path | None = None,
    progress: Progress = lambda pieces, _, __: pieces,
) -> dict[str, Any]:
    """Figures of a model of notes on one split, each with its interval over pieces, and `details`.

    Works where nothing but that split lies; floors and copies that need the split "train" then aren't told, and the
    details say so.

    Args:
        name: a checkpoint of one of `FAMILIES`, by name or path.
        dataset: name of a plug whose items have notes.
        root: where it lies.
        split: of it.
        count: new pieces; None is one after each real piece in 4/4; 0 leaves out all that needs any.
        seed: of new pieces, controls and folds.
        listeners: classifiers that hear new and real pieces, controls too, all rendered; nothing is without any.
        page: an empty folder for some new pieces beside real ones, to see and hear, and a blind test of them.
        progress: wraps the passage of new pieces, given what they are and how many.

    Raises:
        DatasetError: the dataset or split isn't there, or has no piece that this model is made for.
        ParameterError: something is to be rendered, but there is no synthesizer or SoundFont, or nothing is made.
    """
    model = checkpoint.load(name)
    makes = count != 0 and model.family in SAMPLES
    for wanted, option, use in ((listeners, "--rendered", "render"), (page, "--page", "show")):
        if wanted and not makes:
            leave = f"{option} or --count 0" if model.family in SAMPLES else option
            raise ParameterError(f"there are no new pieces of {model.name!r} to {use}; leave out {leave}")
    ears = NoteEars(listeners, seed, progress) if listeners else None
    kept = NoteExhibits(page, seed) if page else None
    read = read_split(dataset, root, split)
    found = FORETELL[model.family](model, read) if model.family in FORETELL else {"details": {}}
    figures = {key: value for key, value in found.items() if key != "details"}
    about = {"model": model.name, "sha256": model.sha256, "dataset": dataset, "split": split, "failed": read.failed}
    details = {**about, **found["details"]}
    if makes:
        seen = kept.watching(progress) if kept else progress
        accuracy, samples = SAMPLES[model.family](load_maker(name), read, count, seed, seen, ears)
        figures |= {"real_or_not": accuracy} if accuracy else {}
        details |= samples
    if kept:
        kept.write(model, f"{dataset} {split}")
    return {**figures, "details": details}
