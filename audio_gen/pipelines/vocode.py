"""vocode: log-mel → waveform → WAV; an audio file goes through its mel and back."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import open_audio
from audio_gen.audio.encode import save
from audio_gen.errors import DecodeError, ParameterError
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.records import Record, success
from audio_gen.pipelines.vocoder import Vocoder

MAX_SECONDS = 3600


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
