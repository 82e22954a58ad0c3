import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.features.graphed import Graphed
from audio_gen.features.log_mel import LogMel


def test_a_graph_needs_a_gpu() -> None:
    with pytest.raises(ParameterError, match="on a GPU, not on cpu"):
        Graphed(LogMel(), torch.zeros(1, 22050))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_graph_equals_what_it_was_made_of() -> None:
    log_mel = LogMel().cuda()
    clips = torch.randn(3, 1, 22050, generator=torch.Generator().manual_seed(0)).cuda()
    graphed = Graphed(log_mel, clips[0])
    found = [graphed(clip).clone() for clip in clips]
    assert all(torch.equal(one, log_mel(clip)) for one, clip in zip(found, clips, strict=True))
    assert not torch.equal(found[0], found[1])
    with pytest.raises(ParameterError, match=r"\[1, 22050\] on cuda:0, not .*\[1, 9\]"):
        graphed(clips[0, :, :9])
