"""Vocoder: a log-mel → its sound, whole or block by block, by an algorithm or by a checkpoint."""

from collections.abc import Iterable, Iterator
from functools import partial

import torch

from audio_gen.audio.clip import Clip
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models import checkpoint
from audio_gen.models.griffin_lim import GriffinLim
from audio_gen.models.vocoder import FAMILY, VocoderNet
from audio_gen.pipelines.device import one_thread

GRIFFIN_LIM, MEL_GRIFFIN_LIM = "griffin-lim", "mel-griffin-lim"
DEFAULT = MEL_GRIFFIN_LIM
CHUNK = 2048  # frames vocoded at once; longer log-mels go in pieces that overlap
OVERLAP = 64


class Vocoder:
    """Turns log-mels of one spec into sound: `vocoder(log_mel)`, `[n_mels, N]` or `[1, n_mels, N]`, gives a Clip."""

    def __init__(
        self,
        name: str,
        module: GriffinLim | VocoderNet,
        device: torch.device | None = None,
        *,
        sha256: str = "",
        licence: str = "",
    ) -> None:
        self.name, self.sha256, self.licence = name, sha256, licence
        self.device = device or torch.device("cpu")
        self.module = module.to(self.device)

    @property
    def spec(self) -> MelSpec:
        """The mel spec that it understands."""
        return self.module.spec

    @classmethod
    def load(cls, name: str = DEFAULT, *, spec: MelSpec | None = None, device: torch.device | None = None) -> "Vocoder":
        """The vocoder called `name` for log-mels of `spec`.

        Args:
            name: "mel-griffin-lim" or "griffin-lim" (no weights, any spec; the second changes phases only), or a
                checkpoint of family "vocoder" by name or path.
            spec: what it has to understand; None is its own (Griffin-Lim: MelSpec's defaults).
            device: where to compute; None is the CPU.

        Raises:
            CheckpointError: no such checkpoint, one that is no vocoder, or one of another spec.
        """
        if name in (GRIFFIN_LIM, MEL_GRIFFIN_LIM):
            better = name == MEL_GRIFFIN_LIM
            return cls(name, GriffinLim(spec, steady=better, refine=better), device)
        vocoder = cls.of(checkpoint.load(name, family=FAMILY), device)
        if spec is not None:
            require_same_spec("what is to be vocoded", spec, vocoder)
        return vocoder

    @classmethod
    def of(cls, model: checkpoint.Checkpoint, device: torch.device | None = None) -> "Vocoder":
        """The vocoder of a checkpoint that is loaded already.

        Raises:
            CheckpointError: its parts don't fit each other.
        """
        net = checkpoint.build(partial(VocoderNet, model.spec), model)
        return cls(model.name, net, device, sha256=model.sha256, licence=model.licence)

    def __call__(self, log_mel: torch.Tensor) -> Clip:
        mel = log_mel[0] if log_mel.ndim == 3 and len(log_mel) == 1 else log_mel
        if mel.ndim != 2:
            raise ParameterError(f"a vocoder takes one log-mel [n_mels, frames], not {list(log_mel.shape)}")
        return Clip(torch.cat(list(self.blocks([mel])), 1), self.spec.sample_rate)

    @torch.no_grad()
    def blocks(self, pieces: Iterable[torch.Tensor]) -> Iterator[torch.Tensor]:
        """Pieces `[n_mels, n]` of one log-mel, in order → its sound in blocks `[1, t]`, in bounded memory.

        Raises:
            ParameterError: fewer than two frames in all, or another number of bands than the spec's.
        """
        mel = torch.empty(self.spec.n_mels, 0, device=self.device)
        # the phases of two pieces are strangers, so the powers add: sin² + cos² = 1, over a short part of the overlap
        ramp = torch.linspace(-3.5, 4.5, self.spec.hop_length * OVERLAP, device=self.device).clamp(0, 1)
        fade = torch.sin(ramp * (torch.pi / 2))
        tail = torch.empty(0, device=self.device)
        for piece in pieces:
            mel = torch.cat([mel, piece.to(self.device, torch.float32)], 1) if mel.shape[1] else piece.to(self.device)
            while mel.shape[1] > CHUNK:
                made = self._joined(mel[:, :CHUNK], tail, fade)
                tail = made[-len(fade) :] * fade.flip(0)
                mel = mel[:, CHUNK - 1 - OVERLAP :]
                yield made[None, : -len(fade)].cpu()
        yield self._joined(mel, tail, fade)[None].cpu()

    def _joined(self, mel: torch.Tensor, tail: torch.Tensor, fade: torch.Tensor) -> torch.Tensor:
        """`[n_mels, n]` → `[t]`, faded in over what is left of the piece before."""
        with one_thread():
            made: torch.Tensor = self.module(mel.float())
        if len(tail):
            made[: len(fade)] = made[: len(fade)] * fade + tail
        return made


def fitting(vocoder: Vocoder | str, what: str, spec: MelSpec, device: torch.device) -> Vocoder:
    """A vocoder, or the one of that name, for log-mels that `what` makes.

    Raises:
        CheckpointError: it understands another spec.
    """
    if isinstance(vocoder, str):
        vocoder = Vocoder.load(vocoder, spec=spec, device=device)
    require_same_spec(what, spec, vocoder)
    return vocoder


def require_same_spec(what: str, given: MelSpec, vocoder: Vocoder) -> None:
    """Refuse a vocoder of another spec.

    Raises:
        CheckpointError: with both specs in the message.
    """
    if given != vocoder.spec:
        raise CheckpointError(f"{what} and vocoder {vocoder.name!r} don't fit: {given} against {vocoder.spec}")
