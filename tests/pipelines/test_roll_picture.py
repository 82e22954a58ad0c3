"""Piano rolls: notes lie where their time, pitch and drum say."""

import io

import numpy as np
import pytest
from PIL import Image

from audio_gen.pipelines._roll_picture import COLOURS, OTHER, roll, roll_png, rows_of
from audio_gen.symbolic.encoders.drums import DRUMS
from audio_gen.symbolic.score import TICKS, Score, Tempo, Track, notes_of

SIZE = (400, 260)


def coloured(score: Score, seconds: float) -> np.ndarray:
    """Where something is drawn that isn't grey, `[height, width]`."""
    picture = np.asarray(roll(score, seconds, size=SIZE)).astype(int)
    return (picture.max(-1) - picture.min(-1)) > 20


def test_time_runs_right_and_pitch_up() -> None:
    low, high = (0, 2 * TICKS, 60, 100), (2 * TICKS, TICKS, 72, 100)
    score = Score((Track(notes_of([low, high])),))
    rows = rows_of([score])
    assert (rows.low, rows.pitches, rows.drums) == (59, 15, ())
    assert [name for _, name in rows.ticks()] == ["C4", "C5"]
    drawn = coloured(score, 2.0)  # four quarters
    for place, start, end in ((0, 0, 200), (1, 200, 300)):
        y = round(SIZE[1] * (1 - rows.ticks()[place][0]))
        where = np.flatnonzero(drawn[y])
        assert where[0] == pytest.approx(start, abs=3)
        assert where[-1] == pytest.approx(end, abs=3)
    assert drawn.any(1).mean() < 3 / 15


def test_a_slower_bar_is_wider() -> None:
    rows = [(n * TICKS, TICKS // 2, 60, 100) for n in range(8)]
    score = Score((Track(notes_of(rows)),), tempi=(Tempo(0, 120.0), Tempo(4 * TICKS, 60.0)))
    steps = np.flatnonzero(np.diff(coloured(score, 6.0).any(0).astype(int)) == 1)
    assert np.diff(steps).tolist() == pytest.approx([33, 33, 33, 67, 67, 67], abs=2)


def test_louder_is_darker_and_tracks_have_colours() -> None:
    score = Score((Track(notes_of([(0, TICKS, 60, 30), (TICKS, TICKS, 60, 120)])), Track(notes_of([(0, 1, 67, 120)]))))
    picture = np.asarray(roll(score, 1.0, size=SIZE)).astype(int)
    y = round(SIZE[1] * (1 - rows_of([score]).ticks()[0][0]))
    assert picture[y, 100].sum() > picture[y, 300].sum() + 100
    assert tuple(picture[y, 300]) == tuple(bytes.fromhex(COLOURS[0][1:]))
    assert (picture.reshape(-1, 3) == list(bytes.fromhex(COLOURS[1][1:]))).all(1).any()


def test_each_drum_has_a_row() -> None:
    kit = [(0, 60, pitches[0], 90) for pitches in DRUMS.values()]
    drums = Track(notes_of(kit), is_drum=True)
    rows = rows_of([Score((drums,))])
    assert [name for _, name in rows.ticks()] == list(DRUMS)
    assert rows_of([Score((Track(notes_of(kit[:1]), is_drum=True),))]) == rows  # all nine, also where one plays
    cowbell = Track(notes_of([(0, 60, 56, 90)]), is_drum=True)
    assert rows_of([Score((drums, cowbell))]).drums[-1] == OTHER
    tune = Track(notes_of([(0, TICKS, 60, 90)]))
    both = rows_of([Score((tune, Track(notes_of(kit[:2]), is_drum=True)))])
    assert both.drums == ("kick", "snare")
    assert [name for _, name in both.ticks()] == ["kick", "snare", "C4"]
    drawn = coloured(Score((tune, Track(notes_of(kit[1:2]), is_drum=True))), 1.0)
    assert drawn[-SIZE[1] // 14 // 2].any()  # the snare, below all pitches


def test_two_scores_share_rows() -> None:
    scores = [Score((Track(notes_of([(0, TICKS, pitch, 90)])),)) for pitch in (40, 80)]
    rows = rows_of(scores)
    assert rows.low <= 40
    assert rows.low + rows.pitches > 80
    roll(scores[0], 1.0, rows)


@pytest.mark.parametrize(
    "score",
    [
        Score(()),
        Score((Track(notes_of([]), is_drum=True),)),
        Score((Track(notes_of([(0, 1, 0, 1), (5, 10**6, 127, 127)])),)),
    ],
)
def test_any_score_is_a_small_png(score: Score) -> None:
    data = roll_png(score, 0.5)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "PNG"
    assert len(data) < 40_000
    assert roll_png(score, 0.5) == data
