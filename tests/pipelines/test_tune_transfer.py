from dataclasses import replace

import pytest
import torch
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.models import checkpoint
from audio_gen.pipelines.leaning import leaning
from audio_gen.pipelines.line_maker import LineMaker
from audio_gen.pipelines.piece import Wish
from audio_gen.pipelines.tune_transfer import retuned
from audio_gen.symbolic.score import Meter, Track, notes_of
from tests import notes as tiny_notes
from tests.pipelines import drum_nets

JAZZ = Wish(style="Jazz", seed=3)


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> LineMaker:
    return LineMaker(checkpoint.load(tiny_notes.composer(tmp_path_factory.mktemp("composer"))))


def test_a_tune_keeps_its_notes_and_its_drums(maker: LineMaker) -> None:
    tune = drum_nets.tune(meter=Meter(0, 4, 4))
    chords = Track(notes_of([(0, 900, 50, 60), (0, 900, 54, 60)]), "old chords")
    drums = Track(notes_of([(0, 60, 42, 90)]), is_drum=True)
    piece = retuned(maker, replace(tune, tracks=(chords, *tune.tracks, drums)), JAZZ)
    assert [track.name for track in piece.score.tracks] == ["melody", "block chords", ""]
    assert piece.score.tracks[0] == tune.tracks[0]
    assert piece.score.tracks[2] == drums
    assert piece.score.chords
    assert piece.wish["guidance"] == 3
    with pytest.raises(ParameterError, match="name a style: Classical, Jazz, Rock"):
        retuned(maker, tune, Wish())
    with pytest.raises(ParameterError, match="guidance is 0"):
        retuned(maker, tune, JAZZ, guidance=-1)


def test_without_guidance_styles_are_one_and_with_much_they_part(maker: LineMaker) -> None:
    tune = drum_nets.tune(meter=Meter(0, 4, 4))
    made = {
        guidance: [retuned(maker, tune, replace(JAZZ, style=style), guidance=guidance).score for style in maker.labels]
        for guidance in (0.0, 1.0, 100.0)
    }
    assert made[0.0][0] == made[0.0][1] == made[0.0][2]
    assert len({score.chords for score in made[100.0]}) == 3
    assert made[1.0][1] == maker.harmonised(tune, replace(JAZZ, voices="chords")).score


def test_leaning_goes_on_from_any_style_through_the_style() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.style, self.other = nn.Embedding(3, 2), nn.Embedding(3, 2)

    net = nn.Sequential(Net(), Net())
    far = leaning(net, 1, 4.0)
    for before, after in zip(net, far, strict=True):
        old, new = before.style.weight, after.style.weight
        torch.testing.assert_close(new[1] - old[2], 4 * (old[1] - old[2]))
        assert torch.equal(new[[0, 2]], old[[0, 2]])
        assert torch.equal(after.other.weight, before.other.weight)
