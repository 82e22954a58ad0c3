"""Autoencoder: log-mels as short sequences of latent vectors, to compare, to mix, and to draw new ones from."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.autoencoder import FAMILY, AutoencoderNet
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.generate import Generated, Wish, clip_generator, samples_for
from audio_gen.pipelines.mix import shares
from audio_gen.pipelines.vocoder import DEFAULT, Vocoder, fitting

REACH = 12  # coarse steps around a piece that can be heard in it
PIECE = 128  # coarse steps that are decoded at once


class Autoencoder:
    """`model.decode(model.encode(log_mel))` is nearly the log-mel; `model.make(Wish("folk"))` is a new one.

    It can stand where a `Generator` can, for what needs no noise of the GAN's: `generate`, `evaluate`.
    """

    def __init__(self, model: checkpoint.Checkpoint, device: torch.device | None = None) -> None:
        self.checkpoint = model
        self.device = device or torch.device("cpu")
        self.net: AutoencoderNet = checkpoint.build(AutoencoderNet, model).to(self.device).requires_grad_(False)
        if self.net.classes != max(1, len(model.labels)):
            raise CheckpointError(f"{model.name!r} has {self.net.classes} classes but {len(model.labels)} labels")

    @classmethod
    def load(cls, name: str | Path = "vae", *, device: torch.device | None = None) -> "Autoencoder":
        """The autoencoder called `name`, or at that path.

        Raises:
            CheckpointError: missing, damaged, or no autoencoder.
        """
        return cls(checkpoint.load(name, family=FAMILY), device)

    @property
    def labels(self) -> tuple[str, ...]:
        """Whose sequences can be drawn."""
        return self.checkpoint.labels

    @torch.no_grad()
    def encode(self, log_mel: torch.Tensor) -> torch.Tensor:
        """`[n_mels, N] -> [latent, ceil(N / 8)]`: the means of the latent vectors.

        Raises:
            ParameterError: another number of bands than the spec's, or no frame.
        """
        n_mels = self.checkpoint.spec.n_mels
        if log_mel.ndim != 2 or log_mel.shape[0] != n_mels or log_mel.shape[1] < 1:
            raise ParameterError(f"a log-mel to encode is [{n_mels}, frames], not {list(log_mel.shape)}")
        with one_thread():
            scores = self.net.decoder.standardise(log_mel.to(self.device, torch.float32))
            return self.net.encode(scores[None]).mean[0].cpu()

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """`[latent, steps] -> [n_mels, 8 steps]` log-mel."""
        return torch.cat(list(self.pieces(latent)), 1)

    def interpolate(self, first: torch.Tensor, second: torch.Tensor, share: float) -> torch.Tensor:
        """The log-mel between two log-mels in latent space, as long as the shorter; 0 is the first, 1 the second."""
        one, other = self.encode(first), self.encode(second)
        steps = min(one.shape[1], other.shape[1])
        frames = min(first.shape[1], second.shape[1])
        return self.decode(one[:, :steps] * (1 - share) + other[:, :steps] * share)[:, :frames]

    def make(self, wish: Wish) -> Generated:
        """A new clip from the sequences of a class; see `Generator.make`. `variety` scales what is new at each step.

        Raises:
            ParameterError: unknown label, no length, a variety outside 0 to 1, or a loop.
        """
        asked = torch.zeros(len(self.labels))
        for name, share in shares(wish.label, self.labels).items():
            asked[self.labels.index(name)] = share
        if wish.loop or wish.glob:
            raise ParameterError(f"{self.checkpoint.name!r} is an autoencoder: it makes no loops; take a generator")
        if not 0 <= wish.variety <= 1:
            raise ParameterError(f"variety must lie between 0 and 1, not {wish.variety}")
        spec = self.checkpoint.spec
        samples = samples_for(wish.seconds, spec)
        frames = 1 + -(-samples // spec.hop_length)
        random = clip_generator(wish.seed, wish.index, wish.take)
        latent = self.net.draw(asked, -(-frames // self.net.stride), random, wish.variety)[0]
        told = {**asdict(wish), "seconds": samples / spec.sample_rate}
        return Generated(lambda: self.pieces(latent, frames), samples, told)

    @torch.no_grad()
    def pieces(self, latent: torch.Tensor, frames: int | None = None) -> Iterator[torch.Tensor]:
        """Pieces `[n_mels, n]` of the log-mel of `[latent, steps]`, `frames` in all, in bounded memory."""
        stride, total = self.net.stride, latent.shape[1]
        left = total * stride if frames is None else frames
        for start in range(0, total, PIECE):
            first, stop = max(0, start - REACH), min(total, start + PIECE)
            with one_thread():
                part = latent[None, :, first : stop + REACH].to(self.device)
                mel = self.net.decoder.restore(self.net.decode(part))[0].cpu()
            piece = mel[:, (start - first) * stride : (stop - first) * stride][:, :left]
            left -= piece.shape[1]
            yield piece

    def vocoder(self, vocoder: Vocoder | str = DEFAULT) -> Vocoder:
        """A vocoder that fits.

        Raises:
            CheckpointError: it doesn't.
        """
        return fitting(vocoder, f"autoencoder {self.checkpoint.name!r}", self.checkpoint.spec, self.device)
