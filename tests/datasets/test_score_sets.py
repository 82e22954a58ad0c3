"""What the datasets of notes say beyond the common contract."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from audio_gen.datasets import asap, groove, jsb, maestro, nottingham, openewld
from audio_gen.datasets._scores import score_of
from audio_gen.errors import DatasetError
from audio_gen.symbolic.score import Chord, Meter, Score
from tests.datasets import layouts

ALL = layouts.SPLITS


def lines(score: Score | None) -> list[list[tuple[int, int, int]]]:
    """Onset, duration and pitch of each track's notes."""
    assert score is not None
    return [[note[:3] for note in track.notes.tolist()] for track in score.tracks]


def chorales(home: Path, *pieces: Any) -> list[Score]:
    (home / "jsb-chorales-16th.json").write_text(json.dumps({"train": pieces}))
    return [item.score for item in jsb.items(home) if item.score is not None]


def song(home: Path, **changes: Any) -> Score:
    told = {**layouts.OPENEWLD_SONG, "file": "a.mxl", "split": "test", **changes}
    (home / "openewld.jsonl").write_text(json.dumps(told))
    (item,) = openewld.items(home)
    assert item.score is not None
    return item.score


def test_groove_tells_style_tempo_metre_and_drummer(tmp_path: Path) -> None:
    layouts.groove_archive(tmp_path / "groove", ALL)
    items = groove.items(tmp_path)
    assert [item.split for item in items] == [split for split in ALL for _ in range(4)]
    item = items[1]
    assert (item.label, item.targets) == ("jazz", {"bpm": 116.5, "fill": 1})
    assert item.extra["style"] == "jazz/funk"
    assert item.extra["time_signature"] == "4/4"
    assert item.extra["beat_type"] == "fill"
    assert item.group == item.id
    assert [len(groove.items(tmp_path, split)) for split in ALL] == [4, 4, 4]
    with pytest.raises(DatasetError, match=r"'all'; there are: test \(4\)"):
        groove.items(tmp_path, "all")


def test_groove_of_an_unknown_style_is_told(tmp_path: Path) -> None:
    layouts.groove_archive(tmp_path, ["train"])
    table = tmp_path / "info.csv"
    table.write_text(table.read_text().replace("latin/samba", "polka/fast"))
    with pytest.raises(DatasetError, match=r"style 'polka' is not one of afrobeat, .* soul; mend"):
        groove.items(tmp_path)


def test_openewld_is_one_voice_with_chords_metre_and_key(tmp_path: Path) -> None:
    layouts.openewld(tmp_path, ALL)
    bare, full, *_ = openewld.items(tmp_path)
    assert bare.score is not None
    assert (bare.label, bare.score.notes, bare.score.keys) == (None, 0, ())
    assert full.label == "Pop"
    told = {"title": "A Song", "authors": "Some One, An Other", "styles": "Vocal, Swing", "time_signature": "3/4"}
    assert full.extra == {"package": "OpenEWLD", **told}
    score = full.score
    assert lines(score) == [[(480, 240, 67), (720, 160, 71), (880, 480, 74), (1440, 1440, 67)]]
    assert score is not None
    assert score.meters == (Meter(0, 3, 4),)
    assert score.keys[0][1:] == (7, False)
    assert score.chords[:2] == (Chord(0, 7, "maj", 7), Chord(1440, 2, "7", 6))
    assert score.chords[2] == Chord(2160, 7, "7", 7)  # told where D7/F# is: halfway to the next
    assert score.chords[3] == Chord(2880, 11, "7", 11)  # C flat


def test_openewld_melodies_have_one_voice(tmp_path: Path) -> None:
    score = song(tmp_path, notes=[[0, 4, 60], [1, 1, 64], [1, 2, 67], [4, 0.0001, 60]])
    assert lines(score) == [[(0, 480, 60), (480, 960, 67), (1920, 1, 60)]]


def test_openewld_chords_that_say_nothing_new_or_nothing_at_all(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chords = [[0, "C"], [2, "C"], [4, "C"], [4, "C"], [8, "what"], [9, "F"], [9, "G"], [9.001, "A"]]
    with caplog.at_level(logging.WARNING, "audio_gen"):
        score = song(tmp_path, chords=chords)
    told = [(chord.onset, chord.root, chord.quality) for chord in score.chords]
    thirds = [(4320, 5, "maj"), (4800, 7, "maj"), (5280, 9, "maj")]  # of a bar, for three at one place
    assert told == [(0, 0, "maj"), (3840, 0, ""), *thirds]
    assert "'what' is no chord" in caplog.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", r"line 1 is no JSON"),
        ("[1]", r"line 1 is no JSON"),
        ('{"file": "a"}', r"line 1 lacks notes"),
        ('{"file": "a", "notes": [[0, 1]]}', r"song 'a' can't be read"),
        ('{"file": "a", "notes": [[-1, 1, 60]]}', r"song 'a' can't be read .*onset from 0"),
        ('{"file": "a", "notes": [], "time_signature": "waltz"}', r"song 'a' can't be read"),
        ('{"file": "a", "notes": []}\n{"file": "a", "notes": []}', r"more than once"),
        ("", r"nothing of any split"),
    ],
)
def test_openewld_lines_that_are_none_are_told(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "openewld.jsonl").write_text(text)
    with pytest.raises(DatasetError, match=told):
        openewld.items(tmp_path)


def test_jsb_holds_neighbours_and_rests_where_a_voice_is_absent(tmp_path: Path) -> None:
    layouts.jsb(tmp_path, ["test"])
    item, _ = jsb.items(tmp_path, "test")
    assert item.score is not None
    assert [track.name for track in item.score.tracks] == ["soprano", "alto", "tenor", "bass"]
    assert lines(item.score) == [
        [(0, 480, 72), (720, 240, 74)],
        [(0, 480, 67), (720, 240, 67)],
        [(0, 480, 60)],  # 74, 67 and 48 come after the rest: the tenor, of all, is away
        [(0, 480, 48), (720, 240, 48)],
    ]
    assert len(item.score.keys) == 1


def test_jsb_rests_may_be_written_down_and_voices_may_cross(tmp_path: Path) -> None:
    (score,) = chorales(tmp_path, [[60, 67, -1, 48.0], [60, 67, 55, 48], [62, 60, 55, 48]])
    assert lines(score) == [
        [(0, 240, 60), (240, 120, 62)],
        [(0, 240, 67), (240, 120, 60)],
        [(120, 240, 55)],
        [(0, 360, 48)],
    ]


@pytest.mark.parametrize("piece", [[[60, 61, 62, 63, 64]], [["C"]], [60], [[200, 60, 50, 40]], 7])
def test_jsb_pieces_that_are_none_are_told(piece: Any, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"chorale train/0 is no list of up to four pitches"):
        chorales(tmp_path, piece)


def test_nottingham_keeps_the_first_of_two_versions(tmp_path: Path) -> None:
    tune = layouts.abc_tune(1)
    other = tune.replace('"C"', '"Am7"c2|').replace("K:C", "K:Eb\nM:3/4").replace("Tune 1", "By Another Name")
    (tmp_path / "waltzes.abc").write_text(f"X: 1\n{tune}X: 2\n{other}X: 3\n{layouts.abc_tune(2)}")
    items = nottingham.items(tmp_path)
    assert [(item.id, item.label, item.extra["title"]) for item in items] == [
        ("waltzes/1", "waltz", "Tune 1"),
        ("waltzes/3", "waltz", "Tune 2"),
    ]
    assert [item.split for item in items] == [nottingham.split_of(layouts.abc_tune(number)) for number in (1, 2)]
    assert len(score_of(items[0]).tracks[0].notes) == 128


def test_nottingham_as_cloned(tmp_path: Path) -> None:
    layouts.nottingham_copy(tmp_path / "nottingham" / "ABC_cleaned", ["train"])
    (tmp_path / "nottingham" / "other.abc").write_text("X: 1\n")
    assert {item.label for item in nottingham.items(tmp_path)} == {"jig", "reel"}


def test_nottingham_splits_are_about_a_tenth_each() -> None:
    splits = [nottingham.split_of(layouts.abc_tune(seed)) for seed in range(500)]
    assert all(30 <= splits.count(split) <= 70 for split in ("valid", "test"))


def test_maestro_groups_by_composition_and_misses_files_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layouts.maestro(tmp_path, ALL)
    items = maestro.items(tmp_path, "valid")
    assert [item.group for item in items] == ["Franz Liszt: valid 0"] * 2 + ["Franz Liszt: valid 1"]
    assert items[0].extra["year"] == "2018"
    (tmp_path / "2018" / "valid0.midi").unlink()
    assert len(maestro.items(tmp_path, "valid")) == 2
    assert "1 of 3 files" in caplog.text


def test_asap_pairs_a_performance_with_its_score(tmp_path: Path) -> None:
    layouts.asap_copy(tmp_path, ALL)
    items = asap.items(tmp_path)
    pieces = {item.group: item.split for item in items}
    assert len(items) == 2 * len(pieces) == 60
    assert set(pieces.values()) == set(ALL)
    assert all(item.path and item.path.parent == (tmp_path / item.extra["midi_score"]).parent for item in items)
    assert "xml_score" not in items[0].extra
