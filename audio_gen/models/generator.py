"""The generator: class-conditional noise → log-mel of any length, with 1-D convolutions over time.

Mel bands are channels. Noise comes at four speeds: one global vector and a slow sequence (a Gaussian anchor every
1.5 s, interpolated) after Musika (Pasini & Schlüter, ISMIR 2022), a vector a coarse step (93 ms) after UNAGAN (Liu et
al., Interspeech 2020), and grain a frame, fed in at every stage. Residual blocks without normalisation are R3GAN's
(Huang et al., NeurIPS 2024).
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.models.blocks import Up

FAMILY = "generator"
ANCHOR = 16  # coarse steps from one noise anchor to the next
EDGE = 4  # coarse steps at each end that see the padding and are cut away
REACH = 8  # coarse steps around a piece that can be heard in it
PIECE = 128  # coarse steps that are made at once


class Noise(NamedTuple):
    """What clips are made from, all standard normal.

    Args:
        glob: `[B, glob, 1]`, one vector for the whole clip, or `[B, glob, coarse steps]` for one that changes.
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

    def part(self, first: int, steps: int, stride: int) -> "Noise":
        """The noise of `steps` coarse steps from `first` on, of `stride` frames each."""
        chosen, frames = slice(first, first + steps), slice(first * stride, (first + steps) * stride)
        return self._replace(
            glob=self.glob if self.glob.shape[2] == 1 else self.glob[..., chosen],
            offset=self.offset + first,
            steps=self.steps[..., chosen],
            grain=self.grain[..., frames],
        )

    def within(self, radius: float) -> "Noise":
        """Scaled towards its mean, but for the grain, without which the texture would blur."""
        return self._replace(glob=radius * self.glob, anchors=radius * self.anchors, steps=radius * self.steps)


class GeneratorNet(Up):
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
        if classes < 1:
            raise ParameterError(f"a generator takes a class or more, not {classes}")
        super().__init__(glob + embedding + local + fine, n_mels, widths, grain, blocks)
        self.classes, self.length = classes, length
        self.glob, self.local, self.fine, self.grain = glob, local, fine, grain
        self.embedding = nn.Linear(classes, embedding, bias=False)
        self.place = nn.Parameter(torch.zeros(widths[0], self.coarse(length))) if length else None

    def coarse(self, frames: int) -> int:
        """Coarse steps, edges included, that `frames` frames need."""
        return -(-frames // self.stride) + 2 * EDGE

    def anchors(self, frames: int) -> int:
        """Noise anchors that `frames` frames need, whatever the offset."""
        return (self.coarse(frames) + ANCHOR - 1) // ANCHOR + 2

    def forward(self, noise: Noise, classes: torch.Tensor, frames: int) -> torch.Tensor:
        """`classes [B, classes, 1]` (one-hot or a mixture) → standardised log-mel `[B, n_mels, frames]`, about [-1, 1].

        Args:
            noise: for `coarse(frames)` steps.
            classes: `[B, classes, coarse steps]` where they change.
            frames: how many.

        Raises:
            ParameterError: a one-shot of another length than its own.
        """
        if self.length and frames != self.length:
            raise ParameterError(f"this generator makes one-shots of {self.length} frames, not {frames}")
        steps = self.coarse(frames)
        asked = self.embedding(classes.transpose(1, 2)).transpose(1, 2).expand(-1, -1, steps)
        glob = noise.glob.expand(-1, -1, steps)
        x = self.first(torch.cat([glob, asked, self._between_anchors(noise, steps), noise.steps], 1))
        if self.place is not None:
            x = x + self.place
        edge = EDGE * self.stride
        return self.up(x, noise.grain)[..., edge : edge + frames]

    def pieces(self, noise: Noise, classes: torch.Tensor, frames: int) -> Iterator[torch.Tensor]:
        """What `forward` gives, piece by piece, in memory that doesn't grow with the length."""
        if self.length:
            yield self(noise, classes, frames)
            return
        total = -(-frames // self.stride)
        for start in range(0, total, PIECE):
            made = self.section(noise, classes, start, min(total, start + PIECE))
            yield made[..., : frames - start * self.stride]

    def section(self, noise: Noise, classes: torch.Tensor, start: int, stop: int) -> torch.Tensor:
        """Frames `[B, n_mels, stride * (stop - start)]` of coarse steps `start` to `stop`, as the whole has them."""
        total = noise.steps.shape[2] - 2 * EDGE
        first, last = max(0, start - REACH), min(total, stop + REACH)
        steps = last - first + 2 * EDGE
        asked = classes if classes.shape[2] == 1 else classes[..., first : first + steps]
        made = self(noise.part(first, steps, self.stride), asked, (last - first) * self.stride)
        part: torch.Tensor = made[..., (start - first) * self.stride : (stop - first) * self.stride]
        return part

    def _between_anchors(self, noise: Noise, steps: int) -> torch.Tensor:
        position = (torch.arange(steps, device=noise.offset.device) + noise.offset[:, None]) / noise.spacing[:, None]
        left = position.long()
        share = (position - left)[:, None]
        index = left[:, None].expand(-1, self.local, -1)
        mixed = noise.anchors.gather(2, index) * (1 - share) + noise.anchors.gather(2, index + 1) * share
        return mixed / torch.sqrt((1 - share) ** 2 + share**2)  # unit variance between anchors too

    def draw(self, frames: int, count: int = 1, generator: torch.Generator | None = None) -> Noise:
        """The noise of `count` clips, on the CPU, from `generator` or torch's own."""
        steps = self.coarse(frames)
        return Noise(
            glob=torch.randn(count, self.glob, 1, generator=generator),
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
            glob=torch.randn(1, self.glob, 1, generator=generator),
            anchors=torch.randn(1, self.local, anchors, generator=generator)[..., needed],
            offset=torch.tensor([steps - EDGE]),
            spacing=torch.tensor([spacing]),
            steps=torch.randn(1, self.fine, steps, generator=generator)[..., around],
            grain=torch.randn(1, self.grain, frames, generator=generator)[..., frame],
        )
