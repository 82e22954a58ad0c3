import numpy as np
import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.models.performer import TEMPO, PerformerNet
from audio_gen.models.performer_pieces import FACTS, HEARD, batch_of, bpm_at, mean_bpm, piece_of, pitched
from audio_gen.symbolic.score import Meter, Score, Tempo, Track, notes_of

RIGHT = Track(notes_of([(0, 480, 72, 80), (480, 480, 74, 80), (720, 120, 76, 80), (1920, 240, 72, 80)]))
LEFT = Track(notes_of([(0, 1920, 48, 60), (0, 1920, 55, 60), (1920, 480, 48, 60)]))
DRUMS = Track(notes_of([(0, 60, 36, 100)]), is_drum=True)
SCORE = Score((RIGHT, DRUMS, LEFT), (Meter(0, 4, 4), Meter(1920, 6, 8)), (Tempo(0, 60.0), Tempo(1200, 120.0)))


def test_the_pianist_plays_all_but_the_drums_in_order() -> None:
    found = pitched(SCORE)
    assert found.notes["pitch"].tolist() == [48, 55, 72, 74, 76, 48, 72]
    assert found.track.tolist() == [2, 2, 0, 0, 0, 2, 0]
    assert all(
        SCORE.tracks[track].notes[place] == note
        for note, track, place in zip(found.notes, found.track, found.place, strict=True)
    )
    with pytest.raises(ParameterError, match="no pitched notes"):
        pitched(Score((DRUMS,)))


def test_facts_say_what_is_written() -> None:
    piece = piece_of(pitched(SCORE).notes, SCORE)
    assert piece.onset.tolist() == [0, 0, 0, 1, 2, 3, 3]
    chord = piece.facts[:3]
    assert (4 * chord[:, 3]).tolist() == [0, 1, 2]  # below in the chord
    assert (4 * chord[:, 4]).tolist() == [2, 1, 0]
    assert chord[:, 5].tolist() == [1, 0, 0]
    assert chord[:, 6].tolist() == [0, 0, 1]
    written = piece.facts[:, HEARD:]
    assert written[:, 0].tolist() == [1] * 7
    assert written[:, 7].tolist() == [1, 1, 1, 0, 0, 1, 1]  # begins a bar
    assert written[:, 8].tolist() == [1, 1, 1, 1, 0, 1, 1]  # begins a beat
    assert written[:, 10].tolist() == [0] * 5 + [1] * 2  # beats of three
    apart = 2 ** (2 * piece.facts[:, 1] - 2)  # seconds from the onset before
    assert apart[3] == pytest.approx(60 / mean_bpm(SCORE))
    alone = piece_of(pitched(SCORE).notes, SCORE, written=False)
    assert np.array_equal(alone.facts[:, :HEARD], piece.facts[:, :HEARD])
    assert not alone.facts[:, HEARD:].any()


def test_tempo_is_quarters_over_minutes() -> None:
    assert mean_bpm(SCORE) == pytest.approx(5 / (2.5 / 60 + 2.5 / 120))
    assert bpm_at(SCORE, np.array([0, 1199, 1200, 5000])).tolist() == [60, 60, 120, 120]


def test_batched_equals_one_by_one_and_a_chord_has_one_tempo() -> None:
    torch.manual_seed(0)
    net = PerformerNet(16).eval()
    long = piece_of(pitched(SCORE).notes, SCORE)
    short = long.cut(3, 3)
    assert short.onset.tolist() == [0, 1, 2]
    together = net(batch_of([short, long]))
    assert together.shape == (2, 7, 4)
    torch.testing.assert_close(together[0, :3], net(batch_of([short]))[0])
    torch.testing.assert_close(together[1], net(batch_of([long]))[0])
    tempo = together[1, :, TEMPO]
    torch.testing.assert_close(tempo[:3], tempo[:1].expand(3))
    assert (tempo[3:6] - tempo[0]).abs().min() > 1e-4
    assert long.facts.shape == (7, FACTS)


def test_a_network_of_no_width_is_none() -> None:
    with pytest.raises(ParameterError, match="start at 1, not 0"):
        PerformerNet(0)
