"""Audio files → log-mel spectrograms on disk, block by block, so that any length fits in memory."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from audio_gen.atomic import replacing
from audio_gen.audio.decode import BLOCK, open_audio
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.features.streaming import LogMelStream
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.feed import feed
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.npy import ColumnWriter
from audio_gen.pipelines.records import Record, success


class Extractor:
    """Turns sources into `.npy` files `[n_mels, N]` of log-mel frames, and says so in records.

    Args:
        spec: what the frames are like.
        folder: the output folder; records give outputs relative to it.
        dtype: of the files: "float16" or "float32".
        device: where to compute; None is the CPU.
        seconds: how much audio is transformed at once.
    """

    def __init__(
        self,
        spec: MelSpec,
        folder: Path,
        *,
        dtype: str = "float32",
        device: torch.device | None = None,
        seconds: float = BLOCK,
    ) -> None:
        self.spec, self.folder, self.dtype, self.seconds = spec, folder, dtype, seconds
        self._told = spec.to_dict()
        self._device = device or torch.device("cpu")
        self._log_mel = LogMel(spec).to(self._device)

    def describe(self, source: Source, output: Path) -> dict[str, Any]:
        """What the features of a source depend on: an equal description means equal features.

        `source_size` is in bytes, `source_mtime` in seconds since 1970.

        Raises:
            OSError: the source can't be reached.
        """
        status = os.stat(source.path)
        return {
            "output": output.relative_to(self.folder).as_posix(),
            "spec": self._told,
            "dtype": self.dtype,
            "source_size": status.st_size,
            "source_mtime": status.st_mtime,
        }

    def extract(self, source: Source, output: Path) -> Record:
        """Write the features of one file, whole or not at all.

        Raises:
            DecodeError: it isn't audio.
            OSError: the output can't be written.
        """
        with open_audio(source.path) as audio:
            described = self.describe(source, output)
            stream = LogMelStream(log_mel=self._log_mel)
            with replacing(output) as part, ColumnWriter(part, self.spec.n_mels, self.dtype) as columns:
                for block in self._sent(audio.mono(self.spec.sample_rate, self.seconds)):
                    stop_here_if_asked()
                    columns.append(stream.push(block).cpu().numpy())
                columns.append(stream.finish().cpu().numpy())
            features = {**described, "frames": columns.columns}
            return success(source.name, {"features": features}, duration_s=audio.seconds, sample_rate=audio.sample_rate)

    def _sent(self, blocks: Iterator[torch.Tensor]) -> Iterator[torch.Tensor]:
        """The blocks, to a GPU ahead of its kernels."""
        if self._device.type == "cpu":
            yield from blocks
            return
        with closing(feed([blocks], self._device, threads=1)) as fed:
            yield from next(fed)
