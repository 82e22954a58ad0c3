"""What the report shows of a file: its spectrogram as a picture and its beginning as OGG, both in memory."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import open_audio
from audio_gen.audio.encode import save
from audio_gen.errors import AudioGenError, DecodeError, ParameterError
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.pipelines._figures import Media
from audio_gen.pipelines._pictures import Floats, spectrogram_png
from audio_gen.pipelines.tables import flatten, read_records

HEARD = 30.0  # seconds of each file in its player
RATES = (22050, 32000, 44100, 48000)  # Hz; a player gets one of these


@dataclass(frozen=True)
class Mel:
    """A feature file and the spec it was made with."""

    path: Path
    spec: MelSpec


def feature_files(folder: Path) -> dict[str, Mel]:
    """The feature files below `folder`, by the path that records give the source, as the manifest there says.

    Raises:
        ParameterError: no manifest there, or something else in it.
    """
    for kind in ("jsonl", "parquet"):
        manifest = folder / f"manifest.{kind}"
        if manifest.is_file():
            rows = [row for row in map(_features, read_records(manifest, kind)) if row]
            return {path: Mel(folder / output, MelSpec.from_dict(spec)) for path, output, spec in rows}
    raise ParameterError(
        f"no manifest.jsonl or manifest.parquet in {str(folder)!r}; give the folder that `audio-gen features` wrote to"
    )


def _features(record: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]] | None:
    flat = flatten(record)  # of a table's row, which is flat already, the same
    prefix = "results.features."
    output = flat.get(prefix + "output")
    names = MelSpec().to_dict()
    spec = {name: flat[f"{prefix}spec.{name}"] for name in names if f"{prefix}spec.{name}" in flat}
    return (str(record["path"]), output, spec) if isinstance(output, str) else None


def exhibit(path: Path, mel: Mel | None = None) -> Media:
    """Picture and player of the audio file `path`; of what can't be had, the note says why.

    The picture is drawn from `mel` and shows all of the file; without it, from what the player plays.
    """
    notes = []
    player, heard = b"", 0.0
    try:
        clip = excerpt(path)
        player, heard = as_ogg(clip), clip.duration
    except AudioGenError as error:
        clip = None
        notes.append(f"No player: {error}")
    spec = mel.spec if mel else MelSpec()
    picture, seconds = b"", heard
    try:
        frames = _load(mel) if mel else _frames(clip, spec) if clip else None
        if frames is not None:
            picture = spectrogram_png(frames, power=spec.power)
            seconds = max(heard, frames.shape[1] / spec.frame_rate) if mel else heard
    except DecodeError as error:
        notes.append(f"No picture: {error}")
    return Media(seconds, picture, spec, player, heard, " ".join(notes))


def excerpt(path: Path, seconds: float = HEARD) -> Clip:
    """The first `seconds` of a file, in mono or stereo, at a rate that every browser plays.

    Raises:
        DecodeError: that part can't be decoded.
    """
    blocks = []
    with open_audio(path) as source:
        for block in source.blocks(5.0):
            blocks.append(block)
            if source.seconds >= seconds:
                break
        clip = Clip(torch.cat(blocks, -1)[:, : round(seconds * source.sample_rate)], source.sample_rate)
    rate = clip.sample_rate if clip.sample_rate in RATES else 44100
    return clip.to(rate, channels=1 if clip.channels > 2 else None)


def as_ogg(clip: Clip) -> bytes:
    """The bytes of an OGG Vorbis file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.ogg")
        save(path, clip)
        return path.read_bytes()


def _frames(clip: Clip, spec: MelSpec) -> Floats:
    frames: Floats = LogMel(spec)(clip.to(spec.sample_rate, 1).samples)[0].numpy()
    return frames


def _load(mel: Mel) -> Floats:
    try:
        frames: Floats = np.load(mel.path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DecodeError(f"{str(mel.path)!r} is no feature file ({error}); run `audio-gen features` again") from error
    frames = frames.reshape(-1, frames.shape[-1]) if frames.ndim == 3 else frames
    if frames.ndim != 2 or frames.size == 0 or not np.issubdtype(frames.dtype, np.floating):
        shape = f"{frames.dtype} {list(frames.shape)}"
        raise DecodeError(f"{str(mel.path)!r} holds {shape}, not [mels, frames] of floats")
    return frames
