from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.pipelines.drum_kit import DrumKit, samples_at
from audio_gen.symbolic.score import Meter, Score, Tempo, Track, notes_of
from tests.pipelines import drum_nets

LABELS = ("kick", "snare", "hihat", "cymbal", "tom", "clap", "perc")


@pytest.fixture
def kit(tiny: Any) -> DrumKit:
    return DrumKit.load(tiny.generator("drums", LABELS, length=24), vocoder="griffin-lim")


def drums(*rows: tuple[int, int, int], tempi: tuple[Tempo, ...] = (Tempo(0, 120.0),)) -> Score:
    """Hits of (tick, pitch, velocity)."""
    return Score((Track(notes_of([(at, 60, pitch, loud) for at, pitch, loud in rows]), is_drum=True),), tempi=tempi)


def test_each_hit_is_on_its_sample(kit: DrumKit) -> None:
    tempi = (Tempo(0, 97.0), Tempo(1000, 133.0))
    rows = [(17, 36, 127), (4007, 38, 127), (9001, 46, 127)]
    clip = kit.play(drums(*rows, tempi=tempi))
    rate = kit.sample_rate
    assert clip.sample_rate == rate
    expected = torch.zeros(clip.samples.shape[1])
    for tick, pitch, _ in rows:
        seconds = tick * 60 / 480 / 97 if tick < 1000 else 1000 * 60 / 480 / 97 + (tick - 1000) * 60 / 480 / 133
        start, hit = round(seconds * rate), kit.hit(pitch)
        expected[start : start + len(hit)] += hit
    assert torch.allclose(clip.samples[0], expected, atol=1e-6)
    assert kit.hit(36).abs()[0] >= 0.01 * kit.hit(36).abs().max()  # it begins at once
    assert kit.hit(36) is kit.hit(35)


def test_velocity_is_gain_and_sounds_add_up(kit: DrumKit) -> None:
    loud, soft = (kit.play(drums((0, 38, velocity))).samples for velocity in (127, 64))
    assert torch.allclose(soft, loud * (64 / 127) ** 2, atol=1e-7)
    both = kit.play(drums((0, 38, 64), (0, 36, 50))).samples
    apart = kit.play(drums((0, 36, 50))).samples
    size = min(both.shape[1], apart.shape[1], soft.shape[1])
    assert torch.allclose(both[:, :size], (apart[:, :size] + soft[:, :size]), atol=1e-6)


def test_an_open_hi_hat_is_closed(kit: DrumKit) -> None:
    assert len(kit.hit(42)) < len(kit.hit(46))
    alone = kit.play(drums((0, 46, 100))).samples
    closed = kit.play(drums((0, 46, 100), (48, 42, 1))).samples  # after 50 ms
    at = round(0.05 * kit.sample_rate)
    assert torch.allclose(alone[:, :at], closed[:, :at], atol=1e-6)
    tail = slice(at + round(0.04 * kit.sample_rate), None)
    assert closed[:, tail].abs().max() < 0.01 * alone[:, tail].abs().max()


def test_seeds_give_kits(tiny: Any) -> None:
    path = tiny.generator("drums", LABELS, length=24)
    one, same, other = (DrumKit.load(path, seed=seed, vocoder="griffin-lim").hit(36) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not (len(one) == len(other) and torch.equal(one, other))


def test_other_tracks_are_played_by_a_soundfont(kit: DrumKit, monkeypatch: pytest.MonkeyPatch) -> None:
    from audio_gen.audio.clip import Clip
    from audio_gen.pipelines import drum_kit

    def silence(score: Score, **settings: Any) -> Clip:
        assert [track.is_drum for track in score.tracks] == [False]
        assert settings["sample_rate"] == kit.sample_rate
        return Clip(torch.full((2, 100), 0.125), kit.sample_rate)

    monkeypatch.setattr(drum_kit, "render_score", silence)
    score = drum_nets.flat(1)
    clip = kit.play(score)
    alone = kit.play(replace(score, tracks=score.tracks[1:]))
    assert clip.channels == 2
    assert torch.allclose(clip.samples[:, 100:], alone.samples[:, 100:].expand(2, -1))
    assert torch.allclose(clip.samples[:, :100] - 0.125, alone.samples[:, :100].expand(2, -1), atol=1e-6)


def test_samples_at_adds_up_tempi() -> None:
    score = Score((), (Meter(0, 4, 4),), (Tempo(0, 60.0), Tempo(480, 120.0), Tempo(960, 240.0)))
    assert samples_at(score, np.array([0, 240, 480, 960, 1920]), 1000) == [0, 500, 1000, 1500, 2000]


def test_what_is_no_kit_is_refused(tiny: Any, kit: DrumKit) -> None:
    with pytest.raises(CheckpointError, match=r"makes folk, techno; a kit needs one-shots of clap, cymbal"):
        DrumKit.load(tiny.generator("music"))
    with pytest.raises(CheckpointError, match="a kit needs"):
        DrumKit.load(tiny.generator("long", LABELS))
    with pytest.raises(ParameterError, match="no notes to play"):
        kit.play(Score(()))
