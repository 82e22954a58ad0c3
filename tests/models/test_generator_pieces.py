"""Pieces of a long log-mel, and one-shots: what `test_generator` leaves out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.models import generator
from audio_gen.models.generator import EDGE, PIECE, REACH, GeneratorNet, Noise

WIDTHS = (8, 8, 8, 8)


def small(length: int = 0) -> GeneratorNet:
    random = torch.Generator().manual_seed(0)
    net = GeneratorNet(3, n_mels=12, widths=WIDTHS, length=length).eval()
    for weight in net.parameters():
        if weight.ndim > 1:
            weight.data = torch.randn(weight.shape, generator=random) / weight[0].numel() ** 0.5
    return net


def draw(net: GeneratorNet, frames: int) -> Noise:
    return net.draw(frames, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> int:
    """Frames of a piece."""
    monkeypatch.setattr(generator, "PIECE", 16)
    return 16 * 8


@torch.no_grad()
def test_pieces_of_any_length_are_those_of_the_whole(short_pieces: int) -> None:
    net = small()
    one = torch.eye(3)[:1, :, None]
    for frames in (1, 7, 8, short_pieces - 1, short_pieces, short_pieces + 1, 2 * short_pieces, 2 * short_pieces + 9):
        noise = draw(net, frames)
        pieces = list(net.pieces(noise, one, frames))
        assert len(pieces) == -(-frames // short_pieces)
        assert max(piece.shape[-1] for piece in pieces) <= short_pieces
        assert torch.allclose(torch.cat(pieces, -1), net(noise, one, frames), atol=1e-5)


@torch.no_grad()
def test_pieces_where_noise_and_classes_change(short_pieces: int) -> None:
    net, frames = small(), 3 * short_pieces - 20
    noise, steps = draw(net, frames), net.coarse(frames)
    random = torch.Generator().manual_seed(1)
    noise = noise._replace(glob=torch.randn(1, net.glob, steps, generator=random))
    classes = torch.rand(1, 3, steps, generator=random)
    whole = net(noise, classes, frames)
    assert torch.allclose(torch.cat(list(net.pieces(noise, classes, frames)), -1), whole, atol=1e-5)
    assert torch.allclose(net.section(noise, classes, 17, 20), whole[..., 17 * 8 : 20 * 8], atol=1e-5)
    assert not torch.allclose(net.section(noise, classes[..., :1], 17, 20), whole[..., 17 * 8 : 20 * 8], atol=1e-3)


@torch.no_grad()
def test_a_loop_in_pieces(short_pieces: int) -> None:
    net, frames = small(), 2 * short_pieces + 40
    noise, one = net.draw_loop(frames, torch.Generator().manual_seed(0)), torch.eye(3)[:1, :, None]
    assert torch.allclose(torch.cat(list(net.pieces(noise, one, frames)), -1), net(noise, one, frames), atol=1e-5)


def resident() -> int:
    """Bytes of memory that this process holds."""
    return 4096 * int(Path("/proc/self/statm").read_text().split()[1])


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc/self/statm to read the memory from")
@torch.no_grad()
def test_an_hour_in_flat_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = 3600 * 22050 // 256  # as 128 bands they are 159 MB
    net = GeneratorNet(2, 128, (4, 4, 4, 4), local=2, glob=2, fine=2, grain=1, embedding=2, blocks=1).eval()
    widest = 0
    forward = net.forward

    def watched(noise: Noise, classes: torch.Tensor, frames: int) -> torch.Tensor:
        nonlocal widest
        widest = max(widest, noise.steps.shape[2])
        return forward(noise, classes, frames)

    monkeypatch.setattr(net, "forward", watched)

    def levels(pieces: Iterator[torch.Tensor]) -> Iterator[tuple[int, int]]:
        for number, piece in enumerate(pieces):
            yield piece.shape[-1], resident() if number % 16 == 15 else 0

    found = list(levels(net.pieces(draw(net, frames), torch.eye(2)[:1, :, None], frames)))
    assert sum(count for count, _ in found) == frames
    assert widest <= PIECE + 2 * (REACH + EDGE)
    held = [level for _, level in found if level]
    assert len(held) > 10
    assert max(held) - held[0] < 40e6


@torch.no_grad()
@pytest.mark.parametrize("length", [40, 41])
def test_one_shots_tell_their_places_apart(length: int) -> None:
    net = small(length)
    assert net.place is not None
    assert net.place.shape == (8, net.coarse(length))
    noise, one = draw(net, length), torch.eye(3)[:1, :, None]
    made = net(noise, one, length)
    assert made.shape == (1, 12, length)
    (piece,) = net.pieces(noise, one, length)
    assert torch.equal(piece, made)
    net.place.data = net.place.data.roll(3, 1)
    assert not torch.allclose(net(noise, one, length), made, atol=1e-2)
    for other in (length - 8, length + 8):
        with pytest.raises(ParameterError, match=f"one-shots of {length} frames, not {other}"):
            net(draw(net, other), one, other)


def test_music_has_no_places() -> None:
    assert small().place is None
    assert not [name for name in small().state_dict() if "place" in name]
