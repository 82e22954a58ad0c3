import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.features.streaming import LogMelStream

SMALL = MelSpec(sample_rate=8000, n_fft=64, hop_length=16, n_mels=8)
SPECS = [
    SMALL,
    MelSpec(sample_rate=8000, n_fft=63, hop_length=16, n_mels=8),
    MelSpec(sample_rate=8000, n_fft=64, hop_length=50, n_mels=8),  # hop above half a window
    MelSpec(sample_rate=8000, n_fft=64, hop_length=100, n_mels=8),  # and above a whole one
]


def streamed(samples: torch.Tensor, sizes: list[int], spec: MelSpec) -> torch.Tensor:
    stream = LogMelStream(spec)
    parts = [stream.push(block) for block in samples.split(sizes, 1)]
    return torch.cat([*parts, stream.finish()], 1)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("length", [1, 2, 31, 32, 33, 64, 65, 100, 999, 1000])
def test_equals_the_whole(spec: MelSpec, length: int) -> None:
    generator = torch.Generator().manual_seed(length)
    samples = torch.randn(1, length, generator=generator)
    whole = LogMel(spec)(samples)[0]
    for step in (1, 7, 64, 333, length):
        sizes = [step] * (length // step) + ([length % step] if length % step else [])
        parts = streamed(samples, sizes, spec)
        assert parts.shape == whole.shape == (8, parts.shape[1])
        assert torch.allclose(parts, whole, rtol=0, atol=1e-5)


def test_the_blocks_matter() -> None:
    samples = torch.randn(1, 1000, generator=torch.Generator().manual_seed(0))
    right = streamed(samples, [500, 500], SMALL)
    assert not torch.allclose(streamed(samples.flip(1), [500, 500], SMALL), right, atol=1e-2)


@pytest.mark.parametrize("spec", SPECS)
def test_keeps_no_more_than_it_needs(spec: MelSpec) -> None:
    stream = LogMelStream(spec)
    for _ in range(100):
        stream.push(torch.zeros(1, 400))
        assert stream._buffer.shape[1] <= 2 * spec.n_fft + spec.hop_length


def test_frames_come_as_soon_as_they_are_complete() -> None:
    assert LogMelStream(SMALL).push(torch.zeros(1, 32 + 16)).shape[1] == 2
    assert LogMelStream(SMALL).push(torch.zeros(1, 32)).shape[1] == 0


def test_refuses_nothing_and_another_spec() -> None:
    with pytest.raises(ParameterError, match="at least one sample"):
        LogMelStream(SMALL).finish()
    with pytest.raises(ParameterError, match="spec"):
        LogMelStream(MelSpec(), log_mel=LogMel(SMALL))
