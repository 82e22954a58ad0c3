"""Vocoding block by block."""

import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.griffin_lim import GriffinLim
from audio_gen.pipelines import vocoder as module
from audio_gen.pipelines.vocoder import OVERLAP, Vocoder

SPEC = MelSpec(n_fft=256, hop_length=64, n_mels=20)
CHUNK = 100


@pytest.fixture
def vocoder(monkeypatch: pytest.MonkeyPatch) -> Vocoder:
    monkeypatch.setattr(module, "CHUNK", CHUNK)
    return Vocoder("mine", GriffinLim(SPEC, 2))


def mel(frames: int) -> torch.Tensor:
    return torch.randn(20, frames, generator=torch.Generator().manual_seed(0)) - 3


@pytest.mark.parametrize("frames", [2, 99, 100, 101, 102, 135, 136, 137, 300])
def test_however_it_is_divided(vocoder: Vocoder, frames: int) -> None:
    whole = vocoder(mel(frames)).samples
    assert whole.shape == (1, 64 * (frames - 1))
    for size in (1, 7, 35, 99, 100, 101, 1000):
        blocks = list(vocoder.blocks(iter(torch.split(mel(frames), size, 1))))
        assert torch.equal(torch.cat(blocks, 1), whole)
        assert max(block.shape[1] for block in blocks) <= 64 * CHUNK
    assert len(blocks) == (1 if frames <= CHUNK else 1 + -(-(frames - CHUNK) // (CHUNK - 1 - OVERLAP)))


def test_blocks_come_as_soon_as_they_can(vocoder: Vocoder) -> None:
    asked = 0

    def pieces():  # type: ignore[no-untyped-def]
        nonlocal asked
        for piece in torch.split(mel(300), 10, 1):
            asked += 1
            yield piece

    blocks = vocoder.blocks(pieces())
    next(blocks)
    assert asked == 11  # 110 frames, the first number over a chunk


def test_there_is_no_hole_where_pieces_join(vocoder: Vocoder) -> None:
    found = vocoder(torch.full((20, 400), -3.0)).samples[0]
    levels = found[1000:-1000].unfold(0, 500, 250).square().mean(1)
    assert levels.min() > 0.4 * levels.median()
    assert levels.max() < 2.5 * levels.median()


@pytest.mark.parametrize("pieces", [[], [torch.zeros(20, 1)], [torch.zeros(20, 0)], [torch.zeros(19, 30)]])
def test_too_little_and_other_bands_are_refused(vocoder: Vocoder, pieces: list[torch.Tensor]) -> None:
    with pytest.raises(ParameterError, match=r"\[20, frames\] with ≥ 2 frames"):
        list(vocoder.blocks(pieces))
