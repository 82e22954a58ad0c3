"""What must not be in two splits, or under two labels."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from audio_gen.datasets._arrays import Arrays
from audio_gen.datasets._arrays import Track as Labels
from audio_gen.errors import DatasetError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.symbolic.score import Score, Track, notes_of
from audio_gen.symbolic.table import to_rows
from audio_gen.training.leakage import check_leakage


def changed(arrays: Arrays, number: int, **values: Any) -> Arrays:
    tracks = list(arrays.tracks)
    tracks[number] = tracks[number]._replace(**values)
    return replace(arrays, tracks=tuple(tracks))


def copied(arrays: Arrays, source: int, target: int) -> Arrays:
    """The first picture of `target` becomes that of `source`."""
    mel = arrays.mel.copy()
    mel[np.flatnonzero(arrays.index == target)[0]] = mel[np.flatnonzero(arrays.index == source)[0]]
    return replace(arrays, mel=mel)


def test_clean_data_pass(pictures: Arrays, emotions: Arrays, mels: Arrays) -> None:
    for arrays in (pictures, emotions, mels):
        assert check_leakage(arrays) == []


def test_the_same_audio_in_two_splits(pictures: Arrays) -> None:
    leaky = copied(pictures, 0, 32)  # both are drums; 32 is of valid
    with pytest.raises(DatasetError, match=r"'made/train/0' \(train\) and 'made/valid/32' \(valid\)"):
        check_leakage(leaky)


def test_the_same_audio_under_two_labels(pictures: Arrays) -> None:
    with pytest.raises(DatasetError, match=r"two classes share a file: 'made/train/0' \(drums\) and 'made/train/1'"):
        check_leakage(copied(pictures, 0, 1))


def test_the_same_audio_twice_in_a_class_is_a_note(pictures: Arrays) -> None:
    (note,) = check_leakage(copied(pictures, 0, 4))
    assert note.startswith("the same audio twice in train: 'made/train/0' and 'made/train/4'")


def test_a_track_may_repeat_itself(pictures: Arrays) -> None:
    mel = pictures.mel.copy()
    mel[pictures.index == 1] = mel[np.flatnonzero(pictures.index == 1)[0]]
    assert check_leakage(replace(pictures, mel=mel)) == []


def test_silence_is_no_copy(pictures: Arrays, mels: Arrays) -> None:
    mel = pictures.mel.copy()
    for number in (0, 1, 32):
        mel[pictures.index == number] = 0
    assert check_leakage(replace(pictures, mel=mel)) == []
    quiet = mels.mel.copy()
    for number in (0, 1, 9):
        quiet[mels.index[number] : mels.index[number + 1]] = -11.5
    assert check_leakage(replace(mels, mel=quiet)) == []


def test_log_mels_are_checked_too(mels: Arrays) -> None:
    index = mels.index.copy()
    mel = np.concatenate([mels.mel, mels.mel[: index[1]]])
    tracks = (*mels.tracks, mels.tracks[0]._replace(id="copy", split="valid", group="other"))
    with pytest.raises(DatasetError, match="'copy'"):
        check_leakage(replace(mels, mel=mel, index=np.append(index, len(mel)), tracks=tracks))


def scored(*told: tuple[str, str, list[tuple[int, int, int, int]]]) -> Arrays:
    """Arrays of kind "score": split, label and notes of each track."""
    tables = [to_rows(Score((Track(notes_of(notes)),))) for _, _, notes in told]
    labels = [(f"{n}", "drums", split, f"{n}", label, {}) for n, (split, label, _) in enumerate(told)]
    about = tuple(Labels(*label) for label in labels)
    index = np.cumsum([0, *map(len, tables)])
    return Arrays("score", np.concatenate(tables), index, about, MelSpec(), ("funk", "jazz"), "CC0")


BEAT = [(0, 120, 36, 90), (480, 120, 38, 100)]
LATER = [(onset + 960, *rest) for onset, *rest in BEAT]
OTHER = [(0, 120, 36, 91), (480, 120, 38, 100)]


def test_scores_are_checked_by_their_notes() -> None:
    assert check_leakage(scored(("train", "funk", BEAT), ("valid", "funk", OTHER), ("test", "jazz", []))) == []
    assert check_leakage(scored(("train", "funk", []), ("valid", "funk", []))) == []  # no notes are no copy
    with pytest.raises(DatasetError, match=r"two splits share the same notes: '0' \(train\) and '1' \(valid\)"):
        check_leakage(scored(("train", "funk", BEAT), ("valid", "funk", LATER)))


def test_a_pattern_may_be_of_two_styles() -> None:
    (note,) = check_leakage(scored(("train", "funk", BEAT), ("train", "jazz", BEAT)))
    assert note.startswith("the same notes twice in train: '0' and '1'")


def test_a_group_in_two_splits(pictures: Arrays) -> None:
    torn = changed(pictures, 32, group="group 0")
    with pytest.raises(DatasetError, match=r"group 'group 0' is in two splits: 'made/train/0' .* 'made/valid/32'"):
        check_leakage(torn)
    assert check_leakage(changed(torn, 32, dataset="other", group="group 0")) == []  # another dataset's name
    assert check_leakage(changed(torn, 32, split="aside", group="group 0")) == []  # takes no part
    assert check_leakage(changed(changed(pictures, 0, group=""), 32, group="")) == []  # no group is told
