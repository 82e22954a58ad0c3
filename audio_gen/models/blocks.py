"""The 1-D convolutions over time that generator, discriminator and autoencoder are made of; mel bands are channels.

Residual blocks without normalisation are R3GAN's (Huang et al., NeurIPS 2024).
"""

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError

MOST_BLOCKS = 16


class ResidualBlock1d(nn.Module):
    """`[B, C, N] -> [B, C, N]`; starts as the identity (the last convolution is zero)."""

    def __init__(self, channels: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, padding_mode="replicate")
        self.conv2 = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, padding_mode="replicate")
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = x + self.conv2(F.leaky_relu(self.conv1(F.leaky_relu(x, 0.2)), 0.2))
        return y


class Standard(nn.Module):
    """Keeps each band's mean and standard deviation, and turns log-mels into standard scores and back."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, n_mels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_mels, 1))
        self.register_buffer("std", torch.ones(n_mels, 1))

    def standardise(self, log_mel: torch.Tensor) -> torch.Tensor:
        """Log-mel → a third of each band's standard scores, within [-1, 1]."""
        return ((log_mel - self.mean) / (3 * self.std)).clamp(-1, 1)

    def restore(self, standardised: torch.Tensor) -> torch.Tensor:
        """The way back from `standardise`."""
        return standardised.clamp(-1, 1) * (3 * self.std) + self.mean


class Down(nn.Module):
    """`[B, n_mels, N] -> [B, widths[-1], N // stride]`: each stage after the first halves the frame rate.

    Args:
        n_mels: mel bands.
        widths: channels of the stages.
        blocks: residual blocks a stage.
        length: frames of one-shots, whose places in time are told apart by what is learnt; 0 for music.

    Raises:
        ParameterError: a size below 1, or more than 16 blocks.
    """

    def __init__(self, n_mels: int, widths: tuple[int, ...], blocks: int = 2, length: int = 0) -> None:
        super().__init__()
        _check(blocks, n_mels, *widths)
        self.stride: int = 2 ** (len(widths) - 1)
        self.first = nn.Conv1d(n_mels, widths[0], 3, padding=1, padding_mode="replicate")
        self.place = nn.Parameter(torch.zeros(widths[0], length)) if length else None
        self.stages = nn.ModuleList()
        for narrow, wide in zip((widths[0], *widths), widths, strict=False):
            layers: list[nn.Module] = [nn.Conv1d(narrow, wide, 1)] if narrow != wide else []
            self.stages.append(nn.Sequential(*layers, *(ResidualBlock1d(wide) for _ in range(blocks))))

    def down(self, x: torch.Tensor) -> torch.Tensor:
        """All stages."""
        x = self.first(x)
        if self.place is not None:
            x = x + self.place
        for number, stage in enumerate(self.stages):
            if number:
                x = F.avg_pool1d(x, 2)
            x = stage(x)
        return F.leaky_relu(x, 0.2)


class Up(Standard):
    """`[B, inputs, steps] -> [B, n_mels, stride * steps]`: each stage after the first doubles the frame rate.

    Args:
        inputs: channels that come in.
        n_mels: mel bands.
        widths: channels of the stages.
        grain: channels of noise that each stage hears beside.
        blocks: residual blocks a stage.

    Raises:
        ParameterError: a size below 1, or more than 16 blocks.
    """

    def __init__(self, inputs: int, n_mels: int, widths: tuple[int, ...], grain: int = 0, blocks: int = 2) -> None:
        super().__init__(n_mels)
        _check(blocks, inputs, n_mels, *widths)
        self.stride: int = 2 ** (len(widths) - 1)
        self.first = nn.Conv1d(inputs, widths[0], 3, padding=1, padding_mode="replicate")
        self.stages = nn.ModuleList()
        for narrow, wide in zip((widths[0], *widths), widths, strict=False):
            enter = nn.Conv1d(narrow + grain, wide, 1)
            self.stages.append(nn.Sequential(enter, *(ResidualBlock1d(wide) for _ in range(blocks))))
        self.last = nn.Conv1d(widths[-1], n_mels, 3, padding=1, padding_mode="replicate")

    def up(self, x: torch.Tensor, grain: torch.Tensor | None = None) -> torch.Tensor:
        """All stages, from what `first` gives; `grain` is `[B, grain, stride * steps]`."""
        for number, stage in enumerate(self.stages):
            if number:
                x = F.interpolate(x, scale_factor=2, mode="linear")
            if grain is not None:
                x = torch.cat([x, grain[..., :: self.stride >> number]], 1)
            x = stage(x)
        y: torch.Tensor = self.last(F.leaky_relu(x, 0.2))
        return y


def _check(blocks: int, *sizes: int) -> None:
    if not 1 <= blocks <= MOST_BLOCKS or min(sizes) < 1:
        raise ParameterError(f"1 to {MOST_BLOCKS} blocks, and sizes of 1 or more, are allowed, not {blocks}, {sizes}")
