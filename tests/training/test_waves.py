from dataclasses import replace

import pytest
import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.errors import DatasetError
from audio_gen.training.waves import FULL_SCALE, Waves


def test_pieces_lie_inside_their_tracks(waves: Arrays) -> None:
    torch.manual_seed(0)
    drawn = Waves(waves, "train", 500)
    pieces = drawn.draw(20)
    assert pieces.shape == (20, 500)
    whole = torch.from_numpy(waves.mel).float() / FULL_SCALE
    for track in range(4):
        first, last = waves.index[track], waves.index[track + 1]
        assert torch.equal(drawn.piece(track, 0.0), whole[first : first + 500])
        assert torch.equal(drawn.piece(track, 1.0), whole[last - 500 : last])


def test_short_tracks_are_left_out_and_none_is_refused(waves: Arrays) -> None:
    assert len(Waves(waves, "train", 10000).bounds) == 2
    with pytest.raises(DatasetError, match="is 99999 samples long"):
        Waves(waves, "train", 99999)
    with pytest.raises(DatasetError, match="no track of split 'other'"):
        Waves(replace(waves), "other", 10)
