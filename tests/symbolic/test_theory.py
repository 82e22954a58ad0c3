import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_gen.errors import ParameterError
from audio_gen.symbolic import theory
from audio_gen.symbolic.score import Chord, Key, notes_of

LEAD_SHEETS = Path(__file__).parents[3] / "shared/data/symbolic/openewld/openewld.jsonl"

roots, qualities = st.integers(0, 11), st.sampled_from(theory.QUALITIES)


@given(roots, qualities, roots)
def test_chords_are_read_as_they_are_named(root: int, quality: str, bass: int) -> None:
    assert theory.parse_chord(theory.chord_name(root, quality, bass)) == (root, quality, bass)


def test_every_chord_has_a_code_of_its_own() -> None:
    parts = [theory.chord_of_code(code) for code in range(theory.NO_CHORD + 1)]
    assert len(set(parts)) == 109
    assert [theory.chord_code(*part) for part in parts] == list(range(109))
    assert parts[theory.NO_CHORD] == (0, "")
    assert theory.chord_code(2, "m7") == 9 * 2 + 5


@pytest.mark.parametrize("wrong", [-1, 109])
def test_a_code_outside_is_refused(wrong: int) -> None:
    with pytest.raises(ParameterError, match="0-108"):
        theory.chord_of_code(wrong)


def test_a_chord_of_unknown_parts_is_refused() -> None:
    with pytest.raises(ParameterError, match="'m9'"):
        theory.chord_code(0, "m9")
    with pytest.raises(ParameterError, match="12"):
        theory.chord_code(12, "maj")


@pytest.mark.parametrize(
    ("spellings", "quality"),
    [
        ("C C6 C6/9 C69 Cadd9 C5 CM Cmaj C2", "maj"),
        ("Cm Cmin Cm6 Cm(maj7) CmM7 Cm69", "min"),
        ("Cdim Co7 C°7 Cdim7 Co", "dim"),
        ("C+ Caug C7+ C+7 C7#5 C9#5", "aug"),
        ("C7 C9 C13 C7b9 C7(b9,#11) C7b5 Calt C7alt C7+9 C7no5", "7"),
        ("Cm7 Cmin7 Cmi7 Cm9 Cm11", "m7"),
        ("Cmaj7 CM7 CΔ7 C^7 Cma7 Cmaj9 CM9 C7M", "maj7"),
        ("Cm7b5 Cø7 Cø Cm7-5 Cm9b5", "m7b5"),
        ("Csus4 Csus2 Csus C7sus4 C9sus", "sus"),
    ],
)
def test_spellings_fold_into_nine_qualities(spellings: str, quality: str) -> None:
    for spelling in spellings.split():
        assert theory.parse_chord(spelling) == (0, quality, 0), spelling


@pytest.mark.parametrize(
    ("spelling", "parts"),
    [
        ("B-7/D", (10, "7", 2)),
        ("Bb/Ab", (10, "maj", 8)),
        ("E-7/A alter b5", (3, "7", 9)),
        ("E-o7/B--", (3, "dim", 9)),
        ("Gsus/C add 7", (7, "sus", 0)),
        ("C6/9/E", (0, "maj", 4)),
        ("F♯m7", (6, "m7", 6)),
        ("D9 alter #5", (2, "aug", 2)),
        ("N.C.", (0, "", 0)),
    ],
)
def test_roots_basses_and_music21s_spellings(spelling: str, parts: tuple[int, str, int]) -> None:
    assert theory.parse_chord(spelling) == parts


@pytest.mark.parametrize("text", ["", "H7", "c", "m7", "Cfoo", "C7x", "C/", "C/H", "C8", "C4"])
def test_what_is_no_chord_is_refused_with_a_list(text: str) -> None:
    with pytest.raises(ParameterError, match="m7b5"):
        theory.parse_chord(text)


@pytest.mark.real
def test_every_chord_of_the_lead_sheets_is_read() -> None:
    if not LEAD_SHEETS.exists():
        pytest.skip(f"no {LEAD_SHEETS}")
    sheets = [json.loads(line) for line in LEAD_SHEETS.read_text().splitlines()]
    labels = {label for sheet in sheets for _, label in sheet["chords"]}
    assert len(labels) > 400
    assert {theory.parse_chord(label)[1] for label in labels} == set(theory.QUALITIES)


def test_a_chords_tones_are_its_own() -> None:
    assert np.flatnonzero(theory.chord_tones(7, "7")).tolist() == [2, 5, 7, 11]
    assert not theory.chord_tones(0, "").any()
    for quality in theory.QUALITIES:
        assert np.array_equal(theory.chord_tones(5, quality), np.roll(theory.chord_tones(0, quality), 5))
        assert theory.chord_tones(5, quality)[5]


def test_bars_of_chords() -> None:
    d, g, c = (2, "m7", 2), (7, "7", 7), (0, "maj7", 0)
    assert theory.parse_chords("| Dm7 G7 | Cmaj7 ||") == [[d, g], [c]]
    assert theory.parse_chords("Dm7 . G7 % | % | | Cmaj7") == [[d, d, g, g], [d, d, g, g], [d, d, g, g], [c]]
    assert theory.parse_chords("N.C. | Dm7") == [[(0, "", 0)], [d]]


@pytest.mark.parametrize("text", ["", " | ", "% C", ".", "C | Xm"])
def test_bars_that_say_nothing_are_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        theory.parse_chords(text)


def test_chords_share_their_bars_and_begin_anew() -> None:
    d, g, c = (2, "m7", 2), (7, "7", 7), (0, "maj7", 0)
    placed = theory.place_chords([[d, g], [c]], [0, 1440, 2880, 4320, 5760])
    assert placed == (Chord(0, *d), Chord(720, *g), Chord(1440, *c), Chord(2880, *d), Chord(3600, *g), Chord(4320, *c))
    assert theory.place_chords([[d, d], [d]], [0, 1920, 3840]) == (Chord(0, *d),)


@given(st.integers(0, 11), st.booleans())
def test_keys_are_read_as_they_are_named(tonic: int, minor: bool) -> None:
    assert theory.parse_key(theory.key_name(tonic, minor)) == (tonic, minor)
    assert theory.key_of_number(theory.key_number(tonic, minor)) == (tonic, minor)
    assert theory.key_one_hot(tonic, minor).sum() == 1
    assert theory.key_one_hot(tonic, minor)[theory.key_number(tonic, minor)] == 1


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("D minor", (2, True)),
        ("Dm", (2, True)),
        ("d MINOR", (2, True)),
        ("F# major", (6, False)),
        ("Bb", (10, False)),
        ("B-", (10, False)),
        ("bb min", (10, True)),
        ("CM", (0, False)),
        ("E♭maj", (3, False)),
    ],
)
def test_spellings_of_keys(text: str, key: tuple[int, bool]) -> None:
    assert theory.parse_key(text) == key


@pytest.mark.parametrize("text", ["", "H", "d", "D dorian", "D# b", "minor", "C C"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="D minor"):
        theory.parse_key(text)


def test_scales() -> None:
    assert np.flatnonzero(theory.scale_mask(2, False)).tolist() == [1, 2, 4, 6, 7, 9, 11]
    assert np.flatnonzero(theory.scale_mask(9, True)).tolist() == [0, 2, 4, 5, 7, 8, 9, 11]


TUNE = [(0, 480, 60, 90), (480, 480, 64, 90), (960, 480, 65, 90), (1440, 480, 67, 90), (1920, 960, 71, 90)]
TUNE += [(2880, 960, 72, 90), (3840, 480, 69, 90), (4320, 480, 62, 90), (4800, 1920, 60, 90)]


@given(st.integers(-12, 12), st.integers(1, 8))
def test_the_key_follows_a_transposition_and_no_tempo(steps: int, factor: int) -> None:
    tune = notes_of([(factor * onset, factor * length, pitch + steps, v) for onset, length, pitch, v in TUNE])
    assert theory.estimate_key(tune) == Key(0, steps % 12, False)


def test_the_key_is_that_of_the_best_correlation() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        rows = [(i, int(random.integers(1, 999)), int(random.integers(40, 80)), 80) for i in range(12)]
        weights = [sum(length for _, length, pitch, _ in rows if pitch % 12 == c) for c in range(12)]
        likeness = {
            (tonic, minor): np.corrcoef(weights, [theory.PROFILES[minor][(c - tonic) % 12] for c in range(12)])[0, 1]
            for tonic in range(12)
            for minor in (False, True)
        }
        best = max(likeness, key=lambda key: likeness[key])
        assert theory.estimate_key(notes_of(rows)) == Key(0, *best)


def test_no_notes_have_no_key() -> None:
    with pytest.raises(ParameterError, match="no notes"):
        theory.estimate_key(notes_of([]))


@given(st.integers(0, 127), st.integers(0, 11))
def test_pitches_come_back_from_their_parts(pitch: int, tonic: int) -> None:
    assert 12 * (theory.octave(pitch) + 1) + theory.pitch_class(pitch) == pitch
    assert (theory.degree(pitch, tonic) + tonic) % 12 == theory.pitch_class(pitch)
    assert theory.degree(pitch + 1, tonic + 1) == theory.degree(pitch, tonic)


def test_duration_classes() -> None:
    assert len(theory.DURATIONS) == 32
    assert list(theory.DURATIONS) == sorted(set(theory.DURATIONS))
    assert theory.duration_class(theory.DURATIONS).tolist() == list(range(32))
    assert theory.duration_class([1, 10**6]).tolist() == [0, 31]
    with pytest.raises(ParameterError, match="1 tick"):
        theory.duration_class([480, 0])


@given(st.integers(1, 20000))
def test_a_duration_class_is_the_nearest_by_ratio(ticks: int) -> None:
    ratios = np.abs(np.log(np.divide(theory.DURATIONS, ticks)))
    assert ratios[theory.duration_class(ticks)] == pytest.approx(ratios.min())
