"""Sample-rate conversion: lengths, tones, and streams of any block size against one piece."""

import pytest
import torch

from audio_gen.audio.resample import StreamResampler, resample
from audio_gen.errors import ParameterError

RATES = [(44100, 22050), (48000, 22050), (22050, 44100), (8000, 22050), (96000, 22050), (44100, 44100), (11025, 48000)]


def tone(hertz: float, rate: int, seconds: float = 1.0) -> torch.Tensor:
    return torch.sin(2 * torch.pi * hertz * torch.arange(round(rate * seconds), dtype=torch.float64) / rate)[
        None
    ].float()


@pytest.mark.parametrize(("source", "target"), RATES)
@pytest.mark.parametrize("length", [1, 2, 3, 10, 511, 10_001])
def test_length_is_the_rounded_ratio(source: int, target: int, length: int) -> None:
    result = resample(torch.ones(2, length), source, target)
    assert result.shape == (2, max(1, round(length * target / source)))
    assert result.dtype == torch.float32
    assert torch.isfinite(result).all()


@pytest.mark.parametrize(("source", "target"), RATES)
@pytest.mark.parametrize("blocks", [[1, 7, 100, 4000, 5], [20_000], [4096] * 4, [0, 10, 0]])
def test_a_stream_equals_one_piece(source: int, target: int, blocks: list[int]) -> None:
    samples = torch.randn(2, 20_001, generator=torch.Generator().manual_seed(0))
    whole = resample(samples, source, target)
    stream = StreamResampler(source, target, 2)
    pieces = list(torch.split(samples, [*blocks, 20_001 - sum(blocks)], dim=1))
    joined = torch.cat([*(stream.push(piece) for piece in pieces), stream.finish()], dim=1)
    torch.testing.assert_close(joined, whole, atol=1e-5, rtol=0)


def test_a_tone_stays_and_what_the_new_rate_cannot_hold_goes() -> None:
    low = resample(tone(1000, 44100), 44100, 22050)
    torch.testing.assert_close(low[:, 500:-500], tone(1000, 22050)[:, 500:-500], atol=1e-4, rtol=0)
    high = resample(tone(15_000, 44100), 44100, 22050)
    assert high[:, 500:-500].abs().max() < 1e-3


def test_the_input_is_untouched_and_may_require_a_gradient() -> None:
    samples = torch.randn(1, 1000, requires_grad=True)
    before = samples.detach().clone()
    resample(samples, 8000, 22050)
    assert torch.equal(samples.detach(), before)


def test_an_empty_stream_ends_empty() -> None:
    assert StreamResampler(8000, 22050, 2).finish().shape == (2, 0)


@pytest.mark.parametrize("arguments", [(0, 22050, 1), (22050, -1, 1), (22050, 22050, 0)])
def test_impossible_rates_are_refused(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(ParameterError, match="at least 1"):
        StreamResampler(*arguments)
