import json
import logging
from pathlib import Path

import numpy as np
import pytest

from audio_gen.datasets import asap
from audio_gen.datasets._performances import PLAYED, WRITTEN, annotations, paired
from audio_gen.datasets._scores import score_of, scores
from audio_gen.errors import DatasetError, DecodeError
from audio_gen.pipelines.prepare import prepare
from audio_gen.symbolic.files import write_notes
from audio_gen.symbolic.score import Key, Meter, Score, Tempo, Track, notes_of
from audio_gen.training.played_pieces import partners

BEATS = 16
HANDS = (
    Track(notes_of([(480 * beat, 240, 72 + beat % 5, 64) for beat in range(BEATS)])),
    Track(notes_of([(960 * half, 960, 48, 64) for half in range(BEATS // 2)])),
)
TIMES = np.cumsum(np.concatenate([[2.0], np.linspace(0.4, 0.8, BEATS)]))[: BEATS + 1]  # it slows down all the way
LATE = 0.02


def performed(home: Path, name: str = "Shi05M") -> dict[str, object]:
    """A score of 90 bpm with two hands, and a performance of it with a beat of its own; what goes into the JSON."""
    home.mkdir(parents=True, exist_ok=True)
    write_notes(home / "midi_score.mid", Score(HANDS, (Meter(0, 3, 4),), (Tempo(0, 90.0),), (Key(0, 7, False),)))
    played = []
    for hand in HANDS:
        for onset, duration, pitch, _ in hand.notes.tolist():
            start, end = np.interp([onset, onset + duration], 480 * np.arange(BEATS + 1), TIMES)
            played.append((round(960 * (start + LATE)), round(960 * (end - start)), pitch, 40 + pitch // 2))
    write_notes(home / f"{name}.mid", Score((Track(notes_of(played)),)))  # 120 bpm: 960 ticks a second
    return {
        "score_and_performance_aligned": True,
        "midi_score_beats": (np.arange(BEATS) * 60 / 90).tolist(),
        "performance_beats": TIMES[:BEATS].tolist(),
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """ASAP with one pair, and one performance whose beats nobody aligned."""
    told = {
        "Bach/1/Shi05M.mid": performed(tmp_path / "Bach/1"),
        "Bach/1/Lee.mid": performed(tmp_path / "Bach/1", "Lee"),
    }
    told["Bach/1/Lee.mid"]["score_and_performance_aligned"] = False
    (tmp_path / "asap_annotations.json").write_text(json.dumps(told))
    lines = [f"Bach,Fugue,Bach/1/midi_score.mid,{name}" for name in told]
    (tmp_path / "metadata.csv").write_text("\n".join(["composer,title,midi_score,midi_performance", *lines]))
    return tmp_path


def test_a_performance_lies_on_the_beats_of_its_score(home: Path) -> None:
    pair, single = asap.items(home)
    assert (pair.targets, single.targets) == ({"paired": 1.0}, {})
    score = score_of(pair)
    written, played = score.tracks[WRITTEN].notes, score.tracks[PLAYED].notes
    assert len(written) == len(played) == sum(len(hand.notes) for hand in HANDS)
    assert (score.meters, score.keys) == ((Meter(0, 3, 4),), (Key(0, 7, False),))
    assert [tempo.bpm for tempo in score.tempi] == pytest.approx((60 / np.diff(TIMES[:BEATS])).tolist(), rel=1e-3)
    assert [tempo.onset for tempo in score.tempi] == [480 * beat for beat in range(BEATS - 1)]
    other = partners(written, played)
    assert (other >= 0).all()
    late = played["onset"][other] - written["onset"]
    beat = np.diff(TIMES)[np.minimum(written["onset"] // 480, BEATS - 2)]
    assert np.abs(late - 480 * LATE / beat).max() <= 1.5  # 20 ms in ticks at each beat's tempo
    longer = played["duration"][other] / written["duration"]
    assert np.abs(longer - 1).max() < 0.12  # what lasts through a change of tempo, begun late, isn't quite as long
    assert len(score_of(single).tracks) == 1


def test_pairs_travel_through_arrays(home: Path) -> None:
    arrays = prepare(["asap"], home, "score")
    found = {track.id: (track.targets, score) for track, score in scores(arrays)}
    assert [len(score.tracks) for _, score in found.values()] == [2, 1]
    targets, score = found["Bach/1/Shi05M.mid"]
    assert targets == {"paired": 1.0}
    original = score_of(asap.items(home)[0])
    assert score.tracks == original.tracks
    assert arrays.licence == "CC BY-NC-SA 4.0"


def test_notes_before_the_score_begins_are_left_out(home: Path) -> None:
    told = annotations(home / "asap_annotations.json")["Bach/1/Shi05M.mid"]
    written, played = home / "Bach/1/midi_score.mid", home / "Bach/1/Shi05M.mid"
    later = {**told, "performance_beats": [time + 1 for time in told["performance_beats"]]}
    assert len(paired(written, played, later).tracks[PLAYED].notes) < len(
        paired(written, played, told).tracks[PLAYED].notes
    )


def test_what_does_not_go_together_is_left_out(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = home / "asap_annotations.json"
    told = json.loads(path.read_text())
    still = {**told["Bach/1/Shi05M.mid"], "performance_beats": [3.0] * BEATS}
    path.write_text(json.dumps({**told, "Bach/1/Shi05M.mid": still}))
    with pytest.raises(DecodeError, match="don't rise"):
        score_of(asap.items(home)[0])
    with caplog.at_level(logging.WARNING):
        assert len(prepare(["asap"], home, "score").tracks) == 1
    assert "don't rise" in caplog.text
    path.write_text(json.dumps({**told, "Bach/1/Shi05M.mid": {**still, "performance_beats": [3.0]}}))
    assert not asap.items(home)[0].targets
    path.write_text("no JSON")
    with pytest.raises(DatasetError, match="as JSON"):
        asap.items(home)
    for wrong in ("[1]", '{"Bach/1/Shi05M.mid": 1}'):
        path.write_text(wrong)
        with pytest.raises(DatasetError, match="no annotations"):
            asap.items(home)
