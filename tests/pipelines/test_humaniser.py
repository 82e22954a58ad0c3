from pathlib import Path

import numpy as np
import pytest

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.pipelines._feel import cells_of, felt, offsets_of
from audio_gen.pipelines.humaniser import Humaniser, Touch, compared
from audio_gen.symbolic.score import Meter, Notes, Score, Track, notes_of
from tests.pipelines import drum_nets


@pytest.fixture
def humaniser(tmp_path: Path) -> Humaniser:
    return Humaniser.load(drum_nets.feeling(tmp_path))


def kit(score: Score) -> Notes:
    return score.tracks[1].notes


def by_pitch(notes: Notes) -> Notes:
    return notes[np.lexsort((notes["onset"], notes["pitch"]))]


def test_drums_get_a_feel_and_all_else_stays(humaniser: Humaniser) -> None:
    score = drum_nets.flat(4)
    made = humaniser.humanise(score, style="funk")
    assert made.tracks[0] == score.tracks[0]
    assert (made.meters, made.tempi) == (score.meters, score.tempi)
    old, new = by_pitch(kit(score)), by_pitch(kit(made))
    assert np.array_equal(old["pitch"], new["pitch"])
    ours = old["pitch"] != 56
    assert np.array_equal(old[~ours], new[~ours])  # a cowbell is no drum of ours
    assert len(np.unique(new["velocity"][ours])) > 10
    assert (old["onset"] != new["onset"])[ours].mean() > 0.7
    assert np.abs(new["onset"][ours] - old["onset"][ours]).max() <= 60


def test_strength_goes_from_the_file_to_the_network(humaniser: Humaniser) -> None:
    score = drum_nets.flat(4)
    none, half, full = (humaniser.humanise(score, strength=strength) for strength in (0.0, 0.5, 1.0))
    assert none == score
    old = by_pitch(kit(score))
    alone = (old["onset"] % 960 != 0) & (old["pitch"] != 56)  # no cowbell is near that they mustn't pass
    for name in ("onset", "velocity"):
        changes = [by_pitch(kit(one))[name].astype(int) - old[name] for one in (half, full)]
        assert np.abs(changes[0] - changes[1] / 2)[alone].max() <= 1
        assert np.abs(changes[1]).max() > 5


def test_channels_and_seeds(humaniser: Humaniser) -> None:
    score = drum_nets.flat()
    loud, late = humaniser.humanise(score, timing=False), humaniser.humanise(score, velocity=False)
    assert np.array_equal(kit(loud)["onset"], kit(score)["onset"])
    assert not np.array_equal(kit(loud)["velocity"], kit(score)["velocity"])
    assert np.array_equal(by_pitch(kit(late))["velocity"], by_pitch(kit(score))["velocity"])
    assert not np.array_equal(kit(late)["onset"], kit(score)["onset"])
    assert humaniser.humanise(score, seed=1) == humaniser.humanise(score, seed=1) != humaniser.humanise(score, seed=2)
    assert humaniser.humanise(score, style="rock") != humaniser.humanise(score, style="funk")


def test_accents_of_the_file_are_kept(humaniser: Humaniser) -> None:
    rows = [(120 * step, 60, 42, 120 if step % 4 == 0 else 30) for step in range(64)]
    score = Score((Track(notes_of(rows), is_drum=True),))
    kept = humaniser.humanise(score, strength=1.0, timing=False)
    drawn = humaniser.humanise(score, strength=1.0, timing=False, keep_accents=False)
    strong = np.arange(64) % 4 == 0

    def apart(one: Score) -> float:
        velocity = one.tracks[0].notes["velocity"].astype(float)
        return float(velocity[strong].mean() - velocity[~strong].mean())

    assert apart(kept) > 50 > apart(drawn)
    flat = Score((Track(notes_of([(120 * step, 60, 42, 60) for step in range(64)]), is_drum=True),))
    means = [
        humaniser.humanise(flat, strength=1.0, keep_accents=keeps).tracks[0].notes["velocity"].mean()
        for keeps in (True, None)
    ]
    assert means[0] == pytest.approx(60, abs=1)
    assert abs(means[1] - 60) > 2


def test_accents_are_never_drowned(humaniser: Humaniser) -> None:
    rows = [(120 * step, 60, 42, 90) for step in range(128)]
    rows += [(480 * step, 60, 36 if step % 2 else 38, 110) for step in range(32)]
    score = Score((Track(notes_of(rows), is_drum=True),))
    for strength, least in ((0.7, 0.8), (1.0, 0.7)):
        made = humaniser.humanise(score, strength=strength, timing=False)
        velocity = made.tracks[0].notes["velocity"].astype(float)
        assert np.corrcoef(velocity, score.tracks[0].notes["velocity"])[0, 1] > least
        assert len(np.unique(velocity)) > 10
    free = humaniser.humanise(score, timing=False, keep_accents=False).tracks[0].notes["velocity"]
    assert np.corrcoef(free, score.tracks[0].notes["velocity"])[0, 1] < 0.7


def test_the_further_apart_accents_are_the_more_ups_and_downs_there_are(humaniser: Humaniser) -> None:
    def changes(accent: int) -> float:
        rows = [(120 * step, 60, 42, 60 if step % 4 else accent) for step in range(64)]
        hats = Score((Track(notes_of(rows), is_drum=True),))
        made = humaniser.humanise(hats, strength=1.0, timing=False)
        old, new = (one.tracks[0].notes["velocity"].astype(float) for one in (hats, made))
        return float((new - old).std())

    assert 0 < changes(62) < 1.5 < changes(90)


def test_notes_keep_their_order_and_number(humaniser: Humaniser) -> None:
    onsets = [0, 3, 6, 118, 121, 125, 300, 301, 302, 480]
    rows = [(onset, 40, (36, 38, 42)[place % 3], 90) for place, onset in enumerate(onsets)]
    score = Score((Track(notes_of(rows), is_drum=True),))
    made = humaniser.humanise(score, strength=1.0)
    notes = made.tracks[0].notes
    assert notes["pitch"].tolist() == [row[2] for row in rows]
    assert (np.diff(notes["onset"].astype(int)) > 0).all()
    assert not np.array_equal(notes["onset"], onsets)


def test_grace_notes_go_with_their_stroke() -> None:
    notes = Track(notes_of([(460, 9, 38, 40), (480, 60, 38, 110), (700, 60, 36, 90)]), is_drum=True).notes
    cells = cells_of(notes)
    assert cells.head.tolist() == [1, 1, 2]
    assert offsets_of(notes, cells).tolist() == [-20, 0, -20]
    moved = felt(notes, cells, np.array([9.0, 5.0, -7.0]), np.array([40.0, 10.0, 3.0]))
    assert moved["onset"].tolist() == [470, 490, 703]
    assert moved["velocity"].tolist() == [45, 115, 83]


def test_any_metre_and_track(humaniser: Humaniser) -> None:
    score = drum_nets.flat(meter=Meter(0, 7, 8))
    assert humaniser.humanise(score, track=2) != score
    twice = Score((*score.tracks, score.tracks[1]), score.meters, score.tempi)
    with pytest.raises(ParameterError, match="use --track 2 or 3"):
        humaniser.humanise(twice)
    made = humaniser.humanise(twice, track=3)
    assert made.tracks[:2] == twice.tracks[:2]
    assert made.tracks[2] != twice.tracks[2]


def test_what_changed_is_told(humaniser: Humaniser) -> None:
    score, touch = drum_nets.flat(), Touch(strength=1.0)
    piece = compared(score, humaniser.touched(score, touch), touch)
    assert piece.wish["strength"] == 1.0
    assert piece.measured["shift_ms"] > 0
    assert piece.measured["velocity_sd"][0] < piece.measured["velocity_sd"][1]
    assert "shift_ms" not in compared(score, score, touch).measured


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strength": 1.5}, "between 0 and 1, not 1.5"),
        ({"style": "polka"}, "it knows: funk, rock"),
        ({"track": 1}, "track 1 isn't that"),
    ],
)
def test_what_cannot_be_is_refused(humaniser: Humaniser, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        humaniser.humanise(drum_nets.flat(), **changes)  # type: ignore[arg-type]


def test_files_without_drums_of_ours_say_why(humaniser: Humaniser, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="needs drums"):
        humaniser.humanise(drum_nets.tune())
    bell = Score((Track(notes_of([(0, 60, 56, 90)]), is_drum=True),))
    with pytest.raises(ParameterError, match="none of its 1 notes is a drum that we know: kick"):
        humaniser.humanise(bell)
    far = Score((Track(notes_of([(80_000_000, 60, 36, 90)]), is_drum=True),))
    with pytest.raises(ParameterError, match="65536 are the most"):
        humaniser.humanise(far)
    with pytest.raises(CheckpointError, match="of family 'drum_rnn'"):
        Humaniser.load(drum_nets.rnn(tmp_path))
