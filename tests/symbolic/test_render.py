"""Scores as sound: at the time and pitch that they tell, with drums."""

from pathlib import Path

import pytest
import torch

from audio_gen.audio.synth import find_soundfont
from audio_gen.errors import DecodeError, ParameterError
from audio_gen.symbolic.render import render_score
from audio_gen.symbolic.score import Score, Tempo, Track, notes_of

RATE = 22050


@pytest.fixture(scope="module")
def font() -> Path:
    try:
        return find_soundfont()
    except ParameterError as error:
        pytest.skip(str(error))


def test_notes_sound_at_their_pitch_and_time(font: Path) -> None:
    score = Score(
        (Track(notes_of([(480, 960, 69, 100)]), program=19),), tempi=(Tempo(0, 60.0),)
    )  # an organ, from 1 s on
    clip = render_score(score, soundfont=font, sample_rate=RATE)
    assert (clip.sample_rate, clip.channels) == (RATE, 2)
    level = clip.samples.abs().amax(0)
    start = int((level > 0.02 * level.max()).nonzero()[0]) / RATE
    assert 0.99 < start < 1.05
    sound = clip.samples.mean(0)[int(1.3 * RATE) : int(2.3 * RATE)]
    power = torch.fft.rfft(sound * torch.hann_window(len(sound)), n=1 << 17).abs()
    near = slice(round(400 * (1 << 17) / RATE), round(480 * (1 << 17) / RATE))
    hertz = (near.start + int(power[near].argmax())) * RATE / (1 << 17)
    assert hertz == pytest.approx(440, rel=0.006)  # ten cents


def test_the_same_score_sounds_the_same_and_drums_differ(font: Path) -> None:
    notes = notes_of([(0, 240, 42, 100), (240, 240, 42, 100)])
    piano, drums = (Score((Track(notes, is_drum=is_drum),)) for is_drum in (False, True))
    sounds = [render_score(one, soundfont=font, sample_rate=RATE, seconds=0.5).samples for one in (piano, drums, piano)]
    assert torch.equal(sounds[0], sounds[2])
    assert not torch.allclose(sounds[0], sounds[1])
    assert all(sound.shape == (2, RATE // 2) for sound in sounds)


def test_what_can_not_be_played_is_refused() -> None:
    with pytest.raises(DecodeError, match="no notes"):
        render_score(Score(()))
    with pytest.raises(ParameterError, match="100"):
        render_score(Score((Track(notes_of([(0, 1, 60, 80)])),)), sample_rate=100)
    with pytest.raises(DecodeError, match="at most 3600 s"):
        render_score(Score((Track(notes_of([(480 * 8000, 1, 60, 80)])),)))
