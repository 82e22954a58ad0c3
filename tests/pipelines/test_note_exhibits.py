"""The page of new pieces beside real ones: rows, files, and a blind test of the same pieces."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_gen.audio.decode import load
from audio_gen.audio.encode import read_tags
from audio_gen.errors import ParameterError
from audio_gen.models import checkpoint
from audio_gen.pipelines import _blind_notes, _note_exhibits
from audio_gen.pipelines._note_exhibits import NoteExhibits
from audio_gen.pipelines._samples import Asked, Made
from audio_gen.pipelines.accompaniment import block_chords
from audio_gen.pipelines.piece import Piece, Wish
from audio_gen.symbolic.files import read_notes
from audio_gen.symbolic.score import TICKS, Chord, Key, Score, Tempo, Track, notes_of
from tests import notes
from tests.pipelines import note_layouts

BAR = 4 * TICKS
CHORDS = (Chord(0, 0, "maj", 0), Chord(BAR, 7, "7", 7))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, soundfont: None) -> None:
    monkeypatch.setattr(_note_exhibits, "BARS", 3)
    for module in (_note_exhibits, _blind_notes):
        monkeypatch.setattr(module, "RATE", 8000)


def sheet(seed: int, *, bars: int = 10, late: int = 0) -> Track:
    random = np.random.default_rng(seed)
    rows = [(n * TICKS + late, TICKS, int(60 + random.integers(12)), 100) for n in range(4 * bars)]
    return Track(notes_of(rows), "melody", 40)


def tunes(count: int = 5, **changes: Any) -> list[Made]:
    """Sheets as a dataset has them, and what a model made after each: with its chords played, and a name."""
    found = []
    for number in range(count):
        real = Score((sheet(number, late=13),), tempi=(Tempo(0, 120.0),), keys=(Key(0, 0, False),), chords=CHORDS)
        wish = Wish(style="<Jazz>", key="C major", meter="4/4", bpm=120.0, bars=10, chords="C | G7")
        new = Track(sheet(number if changes.get("same") else 50 + number).notes, "by a machine")
        score = Score((new, block_chords(CHORDS, 10 * BAR)), tempi=real.tempi, chords=CHORDS)
        found.append(Made(Asked(number, real, 10, wish), Piece(score, wish.to_dict(), {})))
    return found


def drums(count: int = 5) -> list[Made]:
    """Four bars of an electronic kit, and of ours."""
    found = []
    for number in range(count):
        real, new = (
            Score((Track(notes_of([(n * TICKS // 2, 33, pitch, 40 + n) for n in range(32)]), is_drum=True),))
            for pitch in (22, 42)
        )
        found.append(Made(Asked(number, real, 4, Wish(style="rock", meter="4/4", bpm=120.0)), Piece(new, {}, {})))
    return found


def written(folder: Path, made: list[Made], seed: int = 0) -> Path:
    home = folder / "page"
    kept = NoteExhibits(home, seed)
    seen = kept.watching(lambda pieces, _, __: pieces)
    assert list(seen(iter(made), "pieces", len(made))) == made
    assert list(seen(iter([1, 2]), "renders", 2)) == [1, 2]
    kept.write(checkpoint.load(notes.melody(folder, "tunes")), "openewld <valid>")
    return home


def test_rows_of_real_and_new_pieces(tmp_path: Path) -> None:
    home = written(tmp_path, tunes())
    assert {path.name for path in home.iterdir()} == {"index.html", "clips", "blind", "blind.truth.json"}
    page = (home / "index.html").read_text()
    assert page.count("<audio ") == page.count("data:image/png") == page.count('.mid" download') == 10
    for source in re.findall(r'(?:src|href)="(?!data:)([^"#]+)"', page):
        assert (home / source).is_file()
    assert "http" not in page.split("<body>")[1]
    assert "&lt;Jazz&gt;" in page
    assert "<Jazz>" not in page
    for cells in ("C | G7", "C major", "120</td><td>120</td><td>120", "4</td><td>4"):
        assert f"<td>{cells}</td>" in page
    new, real = (home / "clips" / kind / "01.wav" for kind in ("generated", "real"))
    assert read_tags(new)["generated_by"] == "machine"
    assert read_tags(new)["wish"]["chords"] == "C | G7"
    assert "generated_by" not in read_tags(real)
    assert load(new).duration > 6


def test_both_sides_are_played_alike(tmp_path: Path) -> None:
    """The same notes, that a dataset and a model hold each in its way, become the same files."""
    home = written(tmp_path, tunes(same=True))
    for number in range(1, 6):
        one, other = (home / "clips" / kind / f"{number:02}" for kind in ("real", "generated"))
        assert one.with_suffix(".mid").read_bytes() == other.with_suffix(".mid").read_bytes()
        assert (load(one.with_suffix(".wav")).samples == load(other.with_suffix(".wav")).samples).all()
    score = read_notes(home / "clips" / "real" / "01.mid")
    assert [len(track.notes) for track in score.tracks] == [12, 9]
    assert (score.tracks[0].notes["onset"] % 120 == 0).all()


def test_drums_are_of_one_kit(tmp_path: Path) -> None:
    home = written(tmp_path, drums())
    for kind in ("real", "generated"):
        (track,) = read_notes(home / "clips" / kind / "03.mid").tracks
        assert set(track.notes["pitch"].tolist()) == {42}
        assert track.notes["velocity"].tolist() == list(range(40, 64))
    assert "closed hi-hat" in (home / "index.html").read_text()


def test_the_blind_test_tells_nothing_and_the_truth_lies_beside(tmp_path: Path) -> None:
    home = written(tmp_path, tunes())
    truth = json.loads((home / "blind.truth.json").read_text())
    assert sorted(clip["truth"] for clip in truth["clips"]) == ["generated"] * 5 + ["real"] * 5
    for clip in truth["clips"]:
        assert f"/{clip['truth']}/" in clip["files"][0]
        assert clip["label"] == "<Jazz>"
    assert truth["seconds"] == 6
    for path in (home / "blind").rglob("*.*"):
        data = path.read_bytes()
        for word in (b"Jazz", b"jazz", b"melody", b"tunes", b"by a machine\x00", b"clips/"):
            assert word not in data


def test_pieces_are_drawn_by_chance_and_no_real_one_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_note_exhibits, "PAIRS", 2)
    made = drums(9)
    pages = []
    for seed in (0, 0, 1):
        folder = tmp_path / str(len(pages))
        folder.mkdir()
        home = written(folder, [*made, *made], seed)
        pages.append((home / "index.html").read_bytes())
        assert pages[-1].count(b"<audio ") == 4
        assert not (home / "blind").exists()  # too few for one
    assert pages[0] == pages[1]


def test_what_has_no_notes_costs_its_row_and_short_ones_their_question(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    made = drums(6)
    empty, single = (Score((Track(notes_of(rows), is_drum=True),)) for rows in ([], [(0, 60, 36, 90)]))
    made[0] = made[0]._replace(piece=Piece(empty, {}, {}))
    made[1] = made[1]._replace(piece=Piece(single, {}, {}))
    home = written(tmp_path, made)
    assert (home / "index.html").read_text().count("<audio ") == 10
    assert len(json.loads((home / "blind.truth.json").read_text())["clips"]) == 8
    assert "--seconds" not in caplog.text
    assert "1 of 5 pairs are too short for questions of" in caplog.text
    other = NoteExhibits(tmp_path / "other", 0)
    other.write(checkpoint.load(notes.melody(tmp_path, "tunes")), "groove valid")
    assert "no page" in caplog.text
    assert not (tmp_path / "other").exists()
    with pytest.raises(ParameterError, match="is no empty folder"):
        NoteExhibits(home, 0)


def test_an_evaluation_with_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from audio_gen.models.drum_rnn import DrumRnnNet
    from audio_gen.pipelines.evaluate_notes import evaluate_notes

    note_layouts.quick(monkeypatch)
    config = {"styles": 2, "width": 8}
    net = note_layouts.seeded(DrumRnnNet, config)
    name = str(notes.saved(tmp_path, "beats", "drum_rnn", net, config, ("funk", "rock")))
    note_layouts.groove(tmp_path, ["test"], 4)
    evaluate_notes(name, "groove", tmp_path, "test", count=3, page=tmp_path / "page")
    page = (tmp_path / "page" / "index.html").read_text()
    assert page.count("<audio ") == 6
    assert "groove test" in page
    assert page.count("CC0-1.0, made by a test") == 1
    with pytest.raises(ParameterError, match="leave out --page"):
        evaluate_notes(name, "groove", tmp_path, "test", count=0, page=tmp_path / "other")
