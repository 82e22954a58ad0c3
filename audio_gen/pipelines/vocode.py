"""vocode: log-mel → waveform → WAV; an audio file goes through its mel and back."""

import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import open_audio
from audio_gen.audio.encode import save
from audio_gen.errors import CheckpointError, DecodeError, ParameterError
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models import checkpoint
from audio_gen.models.griffin_lim import GriffinLim
from audio_gen.models.vocoder import FAMILY, VocoderNet
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.records import Record, success

GRIFFIN_LIM = "griffin-lim"
MAX_SECONDS = 3600
CHUNK = 8192  # frames vocoded at once; longer log-mels go in pieces that overlap
OVERLAP = 64


class Vocoder:
    """Turns log-mels of one spec into sound: `vocoder(log_mel)`, `[n_mels, N]` or `[1, n_mels, N]`, gives a Clip."""

    def __init__(self, name: str, module: GriffinLim | VocoderNet, device: torch.device | None = None) -> None:
        self.name = name
        self.device = device or torch.device("cpu")
        self.module = module.to(self.device)

    @property
    def spec(self) -> MelSpec:
        """The mel spec that it understands."""
        return self.module.spec

    @classmethod
    def load(
        cls, name: str = GRIFFIN_LIM, *, spec: MelSpec | None = None, device: torch.device | None = None
    ) -> "Vocoder":
        """The vocoder called `name` for log-mels of `spec`.

        Args:
            name: "griffin-lim" (no weights, any spec), or a checkpoint of family "vocoder" by name or path.
            spec: what it has to understand; None is its own (Griffin-Lim: MelSpec's defaults).
            device: where to compute; None is the CPU.

        Raises:
            CheckpointError: no such checkpoint, one that is no vocoder, or one of another spec.
        """
        if name == GRIFFIN_LIM:
            return cls(name, GriffinLim(spec), device)
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
        return cls(model.name, checkpoint.build(partial(VocoderNet, model.spec), model), device)

    def __call__(self, log_mel: torch.Tensor) -> Clip:
        mel = log_mel.to(self.device, torch.float32)
        mel = mel[0] if mel.ndim == 3 and len(mel) == 1 else mel
        if mel.ndim != 2:
            raise ParameterError(f"a vocoder takes one log-mel [n_mels, frames], not {list(log_mel.shape)}")
        with one_thread(), torch.no_grad():
            return Clip(self._long(mel)[None].cpu(), self.spec.sample_rate)

    def _long(self, mel: torch.Tensor) -> torch.Tensor:
        hop, total = self.spec.hop_length, mel.shape[1]
        out = torch.zeros(hop * (total - 1), device=mel.device)
        # the phases of two pieces are strangers, so the powers add: sin² + cos² = 1, over a short part of the overlap
        ramp = torch.linspace(-3.5, 4.5, hop * OVERLAP, device=mel.device).clamp(0, 1)
        fade = torch.sin(ramp * (torch.pi / 2))
        for start in range(0, max(1, total - 1 - OVERLAP), CHUNK - 1 - OVERLAP):
            piece = self.module(mel[:, start : start + CHUNK])
            if start:
                piece[: len(fade)] *= fade
            if start + CHUNK < total:
                piece[-len(fade) :] *= fade.flip(0)
            out[hop * start : hop * start + len(piece)] += piece
        return out


def require_same_spec(what: str, given: MelSpec, vocoder: Vocoder) -> None:
    """Refuse a vocoder of another spec.

    Raises:
        CheckpointError: with both specs in the message.
    """
    if given != vocoder.spec:
        raise CheckpointError(f"{what} and vocoder {vocoder.name!r} don't fit: {given} against {vocoder.spec}")


def vocode_file(source: Source, output: Path, vocoder: Vocoder, *, subtype: str | None = None) -> Record:
    """One log-mel `.npy` or audio file → one audio file at `output`, with its record.

    Raises:
        DecodeError: the input is neither.
        ParameterError: audio of more than an hour.
    """
    if source.path.suffix.lower() == ".npy":
        mel = read_mel(source.path, vocoder.spec)
        source_rate = vocoder.spec.sample_rate
        clip = vocoder(mel if mel.shape[-1] > 1 else torch.cat([mel, mel], -1))
    else:
        samples, source_rate = _mono(source.path, vocoder.spec.sample_rate)
        length, hop = samples.shape[1], vocoder.spec.hop_length
        mel = LogMel(vocoder.spec)(F.pad(samples, (0, -length % hop)))
        clip = Clip(vocoder(mel).samples[:, :length], vocoder.spec.sample_rate)
    peak = save(output, clip, subtype=subtype, tags={"software": "audio_gen", "vocoder": vocoder.name})
    result: dict[str, Any] = {"output": str(output), "vocoder": vocoder.name, "frames": mel.shape[-1], "peak": peak}
    return success(source.name, {"vocode": result}, duration_s=clip.duration, sample_rate=source_rate)


def _mono(path: Path, rate: int) -> tuple[torch.Tensor, int]:
    """`[1, T]` at `rate`, and the file's own rate; it stays in memory, so what unpacks to hours is refused in time."""
    blocks, total = [], 0
    with open_audio(path) as audio:
        for block in audio.mono(rate):
            stop_here_if_asked()
            blocks.append(block)
            total += block.shape[1]
            if total > MAX_SECONDS * rate:
                raise ParameterError(f"{str(path)!r} is longer than {MAX_SECONDS // 60} minutes; cut it into pieces")
        return torch.cat(blocks, 1), audio.sample_rate


def read_mel(path: Path, spec: MelSpec) -> torch.Tensor:
    """`[n_mels, N]` float32 from a `.npy` file.

    Raises:
        DecodeError: not such an array.
    """
    advice = f"give a float .npy of shape [{spec.n_mels}, frames], as `audio-gen features` writes it"
    try:
        with path.open("rb") as file:
            array = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DecodeError(f"{str(path)!r} can't be read as an array ({error}); {advice}") from error
    if not isinstance(array, np.ndarray) or array.ndim not in (2, 3) or array.dtype.kind != "f":
        raise DecodeError(f"{str(path)!r} holds no log-mel; {advice}")
    mel = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
    mel = mel[0] if mel.ndim == 3 and len(mel) == 1 else mel
    if mel.ndim != 2 or mel.shape[0] != spec.n_mels or mel.shape[1] < 1 or not bool(torch.isfinite(mel).all()):
        raise DecodeError(f"{str(path)!r} holds {list(array.shape)}, or values that aren't finite; {advice}")
    return mel
