"""What the melody and line makers promise: hard conditions hold, given notes stay, a seed tells all."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.pipelines.accompaniment import NAME, diatonic
from audio_gen.pipelines.composer import Composer, load_maker
from audio_gen.pipelines.line_maker import LineMaker
from audio_gen.pipelines.maker import Gap
from audio_gen.pipelines.melody_maker import MelodyMaker
from audio_gen.pipelines.piece import REDRAWS, Wish
from audio_gen.symbolic.encoders.melody import FIRST
from audio_gen.symbolic.encoders.voices import LOWEST, PITCH, REST
from audio_gen.symbolic.score import Chord, Meter, Notes, Score, Track, notes_of
from audio_gen.symbolic.theory import chord_code, parse_key, scale_mask
from tests import notes as tiny_notes


@pytest.fixture(scope="module")
def singer(tmp_path_factory: pytest.TempPathFactory) -> MelodyMaker:
    return MelodyMaker(checkpoint.load(tiny_notes.melody(tmp_path_factory.mktemp("melody"))))


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> LineMaker:
    return LineMaker(checkpoint.load(tiny_notes.composer(tmp_path_factory.mktemp("composer"))))


def voice(ticks: list[tuple[int, int]], pitch: int = 62) -> Notes:
    """A voice of (rest before, duration) each, anywhere off the grid."""
    rows, now = [], 0
    for number, (rest, duration) in enumerate(ticks):
        now += rest
        rows.append((now, duration, pitch + 5 * (number % 3) - number % 2, 40 + number))
        now += duration
    return notes_of(rows)


VOICES = st.lists(st.tuples(st.integers(0, 700), st.integers(1, 1500)), min_size=1, max_size=8).map(voice)


@pytest.mark.parametrize(
    ("meter", "key", "chords"), [("3/4", "D minor", None), ("7/8", "F#", "C#7 F# | Bm"), ("2/2", "Bb", None)]
)
@pytest.mark.parametrize("kind", ["singer", "lines"])
def test_hard_conditions_hold(
    kind: str, meter: str, key: str, chords: str | None, request: pytest.FixtureRequest
) -> None:
    maker = request.getfixturevalue(kind)
    wish = Wish(key=key, meter=meter, bpm=97, bars=3, chords=chords, pitches="G3-A5", seed=4)
    made = maker.make(wish)
    notes = made.score.tracks[0].notes
    found = made.measured
    assert (found["bars"], found["meter"], found["bpm"]) == (3, meter, 97)
    assert len(made.score.bars()) == 3
    assert notes["pitch"].min() >= 55
    assert notes["pitch"].max() <= 81
    if chords is None:
        assert scale_mask(*wish.tonality or (0, False))[notes["pitch"] % 12].all()
        assert found["in_key_share"] == 1
    else:
        assert made.score.chords == wish.placed(3, made.score.meters[0].bar)
        assert made.score.tracks[-1].name == NAME


@pytest.mark.parametrize(
    ("pitches", "near", "octaves"),
    [
        ("C2-C3", "C4-C5", 2),
        ("E1-E2", "E4-E5", 3),
        ("C6-C7", "C4-C5", -2),
        ("A2-A3", "A4-A5", 2),
        ("F3-F4", "F4-F5", 1),
        ("G3-G4", "G3-G4", 0),
        ("C5-C6", "C5-C6", 0),
        ("D5-D6", "D4-D5", -1),
        ("C3-C6", "C3-C6", 0),
    ],
)
def test_a_range_that_is_hardly_known_is_sung_octaves_away(
    pitches: str, near: str, octaves: int, singer: MelodyMaker
) -> None:
    wish = Wish(bars=4, seed=2, chords="C | F", key="C", pitches=pitches)
    low, high = wish.span or (0, 0)
    made, usual = (singer.make(one).score.tracks[0].notes for one in (wish, replace(wish, pitches=near)))
    assert low <= made["pitch"].min() <= made["pitch"].max() <= high
    assert (made["pitch"].astype(int) + 12 * octaves == usual["pitch"]).all()
    assert np.array_equal(made["onset"], usual["onset"])


def test_what_comes_before_a_far_range_is_heard_near_it(singer: MelodyMaker) -> None:
    tune = Track(voice([(0, 480), (0, 480), (0, 960)], pitch=64))
    low = Track(voice([(0, 480), (0, 480), (0, 960)], pitch=64 - 24))
    wish = Wish(bars=2, seed=1, key="C", pitches="C2-C3")
    new = [singer.continued(Score((track,)), wish).score.tracks[0].notes[3:] for track in (tune, low)]
    assert np.array_equal(*new)
    assert new[0]["pitch"].max() <= 48
    assert len(new[0]) > 1


def test_an_asked_key_holds_for_chords_that_are_made_too(lines: LineMaker) -> None:
    for key in ("D minor", "E"):
        made = lines.make(Wish(key=key, bars=8, seed=3))
        codes = [chord_code(chord.root, chord.quality) for chord in made.score.chords if chord.quality]
        assert len(set(codes)) > 2
        assert diatonic(*parse_key(key))[codes].all()
        assert made.measured["chords_in_key_share"] == 1
        assert made.more["key_told"] in (key, f"{key} major")
    assert lines.make(Wish(bars=8, seed=3)).measured["chords_in_key_share"] < 1
    asked = lines.make(Wish(key="C", chords="C | F#7", bars=2, seed=3))
    assert [(chord.root, chord.quality) for chord in asked.score.chords] == [(0, "maj"), (6, "7")]
    assert asked.measured["chords_in_key_share"] == 0.5
    tune = Score((Track(voice([(0, 960), (0, 960)] * 4)),))
    told = lines.harmonised(tune, Wish(voices="chords", key="C", seed=1))
    assert told.measured["chords_in_key_share"] == 1


def test_the_key_of_asked_chords_is_told(singer: MelodyMaker, lines: LineMaker) -> None:
    for maker in (singer, lines):
        assert maker.make(Wish(chords="Em7 A7 | Dmaj7", bars=2)).more["key_told"] == "D major"


def test_a_tune_off_its_chords_is_told(singer: MelodyMaker, lines: LineMaker) -> None:
    for maker, scores, first in ((singer, singer.net.out, FIRST), (lines, lines.net.symbols, PITCH)):
        found = []
        kept = scores.bias.data.clone()
        for pitch in (60, 61):
            scores.bias.data[first + pitch - LOWEST] += 30
            try:
                found.append(maker.make(Wish(bars=4, seed=1, chords="C", redraws=0)).measured)
            finally:
                scores.bias.data = kept.clone()
        assert [(one["chord_tone_share"], one["off_chords"]) for one in found] == [(1, False), (0, True)]
    assert not singer.make(Wish(bars=4, seed=1)).measured["off_chords"]


def test_four_voices_are_composed_each_without_overlap(lines: LineMaker) -> None:
    score = lines.make(Wish(voices="satb", bars=2, seed=3)).score
    assert [track.name for track in score.tracks] == ["soprano", "alto", "tenor", "bass"]
    assert not any(track.polyphonic for track in score.tracks)
    assert len(score.bars()) == 2


def test_even_who_would_rather_be_silent_sounds_in_the_last_bar(singer: MelodyMaker, lines: LineMaker) -> None:
    for maker, scores in ((singer, singer.net.out), (lines, lines.net.symbols)):
        kept = scores.bias.data.clone()
        scores.bias.data[: FIRST if maker is singer else REST + 1] += 30
        try:
            made = maker.make(Wish(bars=3, seed=1)).score
        finally:
            scores.bias.data = kept
        last = made.tracks[0].notes[-1]
        assert 2 * 1920 < last["onset"] + last["duration"] <= 3 * 1920
        assert len(made.tracks[0].notes) < 9


@pytest.mark.parametrize("kind", ["singer", "lines"])
def test_a_seed_tells_all(kind: str, request: pytest.FixtureRequest) -> None:
    maker = request.getfixturevalue(kind)
    wish = Wish(bars=2, seed=5)
    first = maker.make(wish)
    torch.manual_seed(0)
    assert maker.make(wish).score == first.score
    assert maker.make(Wish(bars=2, seed=6)).score != first.score
    assert maker.make(Wish(bars=2, seed=5, index=1)).score != first.score


@pytest.mark.parametrize("kind", ["singer", "lines"])
def test_the_best_take_is_made_again_by_its_number(kind: str, request: pytest.FixtureRequest) -> None:
    maker = request.getfixturevalue(kind)
    best = maker.make(Wish(bars=2, seed=5, density="low", best_of=4))
    thin = min(maker.make(Wish(bars=2, seed=5, take=take)).measured["notes_a_quarter"] for take in range(2))
    assert best.measured["notes_a_quarter"] <= thin
    assert best.wish["density"] == "low"
    assert 0 <= best.wish["take"] < 4


@settings(max_examples=12)
@given(notes=VOICES, other=VOICES)
def test_a_primer_is_kept_to_the_tick(singer: MelodyMaker, notes: Notes, other: Notes) -> None:
    score = Score((Track(other, "pad", 4), Track(notes, "tune")), (Meter(0, 3, 4),))
    made = singer.continued(score, Wish(bars=1, seed=1), track=2).score
    assert made.tracks[0] == score.tracks[0]
    kept, new = made.tracks[1].notes[: len(notes)], made.tracks[1].notes[len(notes) :]
    assert np.array_equal(kept, score.tracks[1].notes)
    assert len(new)
    assert new["onset"].min() >= (notes["onset"] + notes["duration"]).max()
    assert len(made.bars()) == len(score.bars()) + 1


@settings(max_examples=12)
@given(parts=st.tuples(VOICES, VOICES, VOICES, VOICES), data=st.data())
def test_locked_notes_stay_to_the_tick(lines: LineMaker, parts: tuple[Notes, ...], data: Any) -> None:
    score = Score(tuple(Track(part) for part in parts))
    bars = score.bars()
    first = data.draw(st.integers(1, len(bars)))
    last = data.draw(st.integers(first, min(first + 1, len(bars))))
    chosen = data.draw(st.sampled_from([(), (2,), (1, 4)]))
    made = lines.infilled(score, Wish(seed=1), Gap(first, last, chosen)).score
    start, end = bars[first - 1].start, bars[last - 1].end
    for number, (before, after) in enumerate(zip(score.tracks, made.tracks, strict=True), start=1):
        if chosen and number not in chosen:
            assert after == before
            continue
        inside = (after.notes["onset"] >= start) & (after.notes["onset"] < end)
        locked = (before.notes["onset"] < start) | (before.notes["onset"] >= end)
        assert np.array_equal(after.notes[~inside], before.notes[locked])
        assert not after.polyphonic
        assert (after.notes[inside]["onset"] % 40 == 0).all()


def test_a_melody_is_harmonised_and_stays(lines: LineMaker) -> None:
    score = Score((Track(voice([(13, 470), (7, 900), (0, 481)]), "tune"),), chords=(Chord(0, 2, "min", 2),))
    voices = lines.harmonised(score, Wish(seed=2, voices="satb"), None).score
    assert voices.tracks[0] == score.tracks[0]
    assert [track.name for track in voices.tracks[1:]] == ["alto", "tenor", "bass"]
    assert voices.chords == score.chords
    told = lines.harmonised(score, Wish(seed=2, voices="chords", redraws=3), None)
    chords = told.score
    assert chords.tracks[0] == score.tracks[0]
    assert chords.chords
    assert told.measured["notes_a_quarter"] == round(3 / 4, 4)  # three notes of one bar, none of them new
    assert not told.measured["thin"]


def test_new_voices_are_told_thin_where_they_are(singer: MelodyMaker, lines: LineMaker) -> None:
    for maker, scores in ((singer, singer.net.out), (lines, lines.net.symbols)):
        kept = scores.bias.data.clone()
        scores.bias.data[: FIRST if maker is singer else REST + 1] += 30
        try:
            made = maker.make(Wish(bars=8, seed=1))
        finally:
            scores.bias.data = kept
        assert made.measured["thin"]
    assert not singer.make(Wish(bars=8, seed=1)).measured["thin"]


def test_long_gaps_are_filled_chunk_by_chunk(lines: LineMaker) -> None:
    made = lines.make(Wish(bars=35, meter="2/4", seed=1)).score
    assert len(made.bars()) == 35
    assert not made.tracks[0].polyphonic
    score = lines.continued(made, Wish(bars=2, seed=1)).score
    assert len(score.bars()) == 37
    assert np.array_equal(score.tracks[0].notes[: len(made.tracks[0].notes)], made.tracks[0].notes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"style": "polka"}, "it knows: Classical, Jazz, Rock"),
        ({"key": "H"}, "is no key"),
        ({"chords": "X7"}, "is no chord"),
        ({"meter": "5/32"}, "can't count 5/32"),
        ({"meter": "4/5"}, "is no metre"),
        ({"pitches": "C5-C4"}, "is no range"),
        ({"pitches": "C-1-B0"}, "leaves no pitch"),
        ({"bars": 0}, "bars are 1 to"),
        ({"top_p": 0.0}, "top_p"),
    ],
)
def test_what_is_wrong_is_told_with_what_is_allowed(changes: dict[str, Any], told: str, singer: MelodyMaker) -> None:
    with pytest.raises(ParameterError, match=told):
        singer.make(Wish(**changes))


def test_what_does_not_fit_says_why(singer: MelodyMaker, lines: LineMaker) -> None:
    chord = Track(notes_of([(0, 480, 60, 80), (0, 480, 64, 80)]))
    tune = Track(voice([(0, 480)]))
    with pytest.raises(ParameterError, match="needs one voice"):
        singer.continued(Score((chord,)), Wish())
    with pytest.raises(ParameterError, match="can't count 33/16"):
        singer.continued(Score((tune,), (Meter(0, 33, 16),)), Wish())
    with pytest.raises(ParameterError, match="can't infill"):
        singer.infilled(Score((tune,)), Wish(), Gap(1, 1))
    with pytest.raises(ParameterError, match="bars 1 to 1"):
        lines.infilled(Score((tune,)), Wish(), Gap(2, 3))
    with pytest.raises(ParameterError, match="leave out chords"):
        lines.make(Wish(voices="satb", chords="C"))


def test_composer_loads_by_family(tiny: Any) -> None:
    tiny_notes.melody(tiny.folder)
    score = Composer.load("melody").compose(key="D minor", bars=2, seed=7)
    assert score == load_maker("melody").make(Wish(key="D minor", bars=2, seed=7, top_p=0.95, redraws=REDRAWS)).score
    harp = Composer.load("melody").compose(key="D minor", bars=2, seed=7, programs=(46,))
    assert (harp.tracks[0].program, harp.tracks[0].notes.tolist()) == (46, score.tracks[0].notes.tolist())
    tiny.classifier()
    with pytest.raises(CheckpointError, match="writes no notes of its own; take `melody`, `composer`, `drums-rnn`"):
        Composer.load("genre")


def test_rows_are_thought_of_as_in_training(lines: LineMaker, tunes: Any) -> None:
    """Row by row, with keys and values kept, the network thinks what it thinks of all rows at once."""
    from audio_gen.datasets._scores import scores
    from audio_gen.models.composer import Query, Row
    from audio_gen.models.composer_pieces import everything, piece_of, setting_of, whole
    from audio_gen.models.composer_rows import batch_of
    from audio_gen.models.composer_sampling import Teller

    score = scores(tunes)[0][1]
    piece = piece_of(score, 0, *setting_of(score))
    query, row, asked = batch_of([piece.rows(everything(piece))])
    with torch.no_grad():
        at_once = lines.net(query, row, whole([piece]), torch.ones_like(asked))[0]
    teller = Teller(lines.net, whole([piece]))
    for place in (0, *range(5, 12)):
        part = slice(0, 5) if place == 0 else slice(place, place + 1)
        now, said = Query(*(one[:, part] for one in query)), Row(*(one[:, part] for one in row))
        thought = teller.think(now, said)
        torch.testing.assert_close(thought[0], at_once[part.stop - 1], atol=1e-5, rtol=1e-4)
        teller.say(Query(*(one[:, -1:] for one in now)), Row(*(one[:, -1:] for one in said)))
