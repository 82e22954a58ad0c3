"""The generator: class-conditional noise → log-mel of any length, with 1-D convolutions over time.

Mel bands are channels. Noise comes at four speeds: one global vector and a slow sequence (a Gaussian anchor every
1.5 s, interpolated) after Musika (Pasini & Schlüter, ISMIR 2022), a vector a coarse step (93 ms) after UNAGAN (Liu et
al., Interspeech 2020), and grain a frame, fed in at every stage. Residual blocks without normalisation are R3GAN's
(Huang et al., NeurIPS 2024).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError

FAMILY = "generator"
ANCHOR = 16  # coarse steps from one noise anchor to the next
EDGE = 4  # coarse steps at each end that see the padding and are cut away
MOST_BLOCKS = 16


class Noise(NamedTuple):
    """What clips are made from, all standard normal.

    Args:
        glob: `[B, glob]`, one vector for the whole clip.
        anchors: `[B, local, A]`, interpolated: what changes over seconds.
        offset: `[B]`, how many coarse steps after its first anchor the clip starts.
        spacing: `[B]`, coarse steps from one anchor to the next.
        steps: `[B, fine, coarse steps]`: what happens from step to step.
        grain: `[B, grain, frames]`, edges included: the texture from frame to frame.
    """

    glob: torch.Tensor
    anchors: torch.Tensor
    offset: torch.Tensor
    spacing: torch.Tensor
    steps: torch.Tensor
    grain: torch.Tensor

    def within(self, radius: float) -> "Noise":
        """Scaled towards its mean, but for the grain, without which the texture would blur."""
        return self._replace(glob=radius * self.glob, anchors=radius * self.anchors, steps=radius * self.steps)


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


class GeneratorNet(nn.Module):
    """Noise and class weights → log-mel `[B, n_mels, N]`.

    Args:
        classes: number of classes.
        n_mels: mel bands.
        widths: channels of the stages; each stage after the first doubles the frame rate.
        local: size of a noise anchor.
        glob: size of the global noise.
        fine: size of the noise of a coarse step.
        grain: size of the noise of a frame.
        embedding: size of a class's embedding.
        blocks: residual blocks a stage.
        length: frames of a one-shot, a sound that begins with the clip: each coarse step is told apart by a vector that
            is learnt, and nothing longer can be made. 0 is music of any length, every part of it like every other.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self,
        classes: int,
        n_mels: int = 128,
        widths: tuple[int, ...] = (256, 192, 128, 128),
        local: int = 32,
        glob: int = 64,
        fine: int = 32,
        grain: int = 8,
        embedding: int = 64,
        blocks: int = 2,
        length: int = 0,
    ) -> None:
        super().__init__()
        if not 1 <= blocks <= MOST_BLOCKS or min(classes, n_mels, *widths) < 1:
            given = f"{blocks}, {classes}, {n_mels} and {widths}"
            raise ParameterError(f"a generator takes 1 to {MOST_BLOCKS} blocks, a class, a band or more, not {given}")
        self.classes, self.length = classes, length
        self.glob, self.local, self.fine, self.grain = glob, local, fine, grain
        self.stride: int = 2 ** (len(widths) - 1)
        self.embedding = nn.Linear(classes, embedding, bias=False)
        self.first = nn.Conv1d(glob + embedding + local + fine, widths[0], 3, padding=1, padding_mode="replicate")
        self.place = nn.Parameter(torch.zeros(widths[0], self.coarse(length))) if length else None
        self.stages = nn.ModuleList()
        for narrow, wide in zip((widths[0], *widths), widths, strict=False):
            enter = nn.Conv1d(narrow + grain, wide, 1)
            self.stages.append(nn.Sequential(enter, *(ResidualBlock1d(wide) for _ in range(blocks))))
        self.last = nn.Conv1d(widths[-1], n_mels, 3, padding=1, padding_mode="replicate")
        self.register_buffer("mean", torch.zeros(n_mels, 1))
        self.register_buffer("std", torch.ones(n_mels, 1))

    def coarse(self, frames: int) -> int:
        """Coarse steps, edges included, that `frames` frames need."""
        return -(-frames // self.stride) + 2 * EDGE

    def anchors(self, frames: int) -> int:
        """Noise anchors that `frames` frames need, whatever the offset."""
        return (self.coarse(frames) + ANCHOR - 1) // ANCHOR + 2

    def forward(self, noise: Noise, classes: torch.Tensor, frames: int) -> torch.Tensor:
        """`classes [B, classes]` (one-hot or a mixture) → standardised log-mel `[B, n_mels, frames]`, about [-1, 1].

        Raises:
            ParameterError: a one-shot of another length than its own.
        """
        if self.length and frames != self.length:
            raise ParameterError(f"this generator makes one-shots of {self.length} frames, not {frames}")
        steps = self.coarse(frames)
        steady = torch.cat([noise.glob, self.embedding(classes)], 1)[:, :, None].expand(-1, -1, steps)
        x = self.first(torch.cat([steady, self._between_anchors(noise, steps), noise.steps], 1))
        if self.place is not None:
            x = x + self.place
        for number, stage in enumerate(self.stages):
            if number:
                x = F.interpolate(x, scale_factor=2, mode="linear")
            every = self.stride >> number
            x = stage(torch.cat([x, noise.grain[..., ::every]], 1))
        edge = EDGE * self.stride
        y: torch.Tensor = self.last(F.leaky_relu(x, 0.2))[..., edge : edge + frames]
        return y

    def _between_anchors(self, noise: Noise, steps: int) -> torch.Tensor:
        position = (torch.arange(steps, device=noise.offset.device) + noise.offset[:, None]) / noise.spacing[:, None]
        left = position.long()
        share = (position - left)[:, None]
        index = left[:, None].expand(-1, self.local, -1)
        mixed = noise.anchors.gather(2, index) * (1 - share) + noise.anchors.gather(2, index + 1) * share
        return mixed / torch.sqrt((1 - share) ** 2 + share**2)  # unit variance between anchors too

    def standardise(self, log_mel: torch.Tensor) -> torch.Tensor:
        """Log-mel → what `forward` gives: a third of each band's standard scores, within [-1, 1]."""
        return ((log_mel - self.mean) / (3 * self.std)).clamp(-1, 1)

    def restore(self, standardised: torch.Tensor) -> torch.Tensor:
        """The way back from `standardise`."""
        return standardised.clamp(-1, 1) * (3 * self.std) + self.mean

    def draw(self, frames: int, count: int = 1, generator: torch.Generator | None = None) -> Noise:
        """The noise of `count` clips, on the CPU, from `generator` or torch's own."""
        steps = self.coarse(frames)
        return Noise(
            glob=torch.randn(count, self.glob, generator=generator),
            anchors=torch.randn(count, self.local, self.anchors(frames), generator=generator),
            offset=torch.randint(ANCHOR, (count,), generator=generator),
            spacing=torch.full((count,), float(ANCHOR)),
            steps=torch.randn(count, self.fine, steps, generator=generator),
            grain=torch.randn(count, self.grain, steps * self.stride, generator=generator),
        )

    def draw_loop(self, frames: int, generator: torch.Generator | None = None) -> Noise:
        """The noise of one clip whose end flows into its beginning: all of it comes round after `frames`.

        Raises:
            ParameterError: `frames` is no multiple of the stride, or shorter than the edges.
        """
        steps, rest = divmod(frames, self.stride)
        if rest or steps < EDGE:
            raise ParameterError(f"a loop takes a multiple of {self.stride} frames, {EDGE} or more of it, not {frames}")
        around = (torch.arange(steps + 2 * EDGE) - EDGE) % steps
        anchors = max(2, round(steps / ANCHOR))
        spacing = steps / anchors
        needed = torch.arange(int((2 * steps + EDGE) / spacing) + 2) % anchors
        frame = (around[:, None] * self.stride + torch.arange(self.stride)).flatten()
        return Noise(
            glob=torch.randn(1, self.glob, generator=generator),
            anchors=torch.randn(1, self.local, anchors, generator=generator)[..., needed],
            offset=torch.tensor([steps - EDGE]),
            spacing=torch.tensor([spacing]),
            steps=torch.randn(1, self.fine, steps, generator=generator)[..., around],
            grain=torch.randn(1, self.grain, frames, generator=generator)[..., frame],
        )
