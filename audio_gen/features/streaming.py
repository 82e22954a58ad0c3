"""LogMelStream: the log-mel spectrogram of audio that comes in blocks, in bounded memory."""

import torch

from audio_gen.errors import ParameterError
from audio_gen.features.log_mel import LogMel, floating
from audio_gen.features.mel_spec import MelSpec


class LogMelStream:
    """The same frames as `LogMel` of the whole: push blocks, then finish, and join what came along time.

    Args:
        spec: what the frames are like.
        log_mel: a LogMel of the same spec to work with; it decides the device of blocks and frames.

    Raises:
        ParameterError: `log_mel` has another spec.
    """

    def __init__(self, spec: MelSpec | None = None, *, log_mel: LogMel | None = None) -> None:
        self._log_mel = log_mel or LogMel(spec)
        self.spec = self._log_mel.spec
        if spec is not None and spec != self.spec:
            raise ParameterError(f"the LogMel has the spec {self.spec}, not {spec}")
        self._pad = self.spec.n_fft // 2
        self._buffer = torch.zeros(1, 0, device=self._log_mel.window.device)  # samples that are still needed
        self._next = 0  # where in the buffer the next frame starts
        self._begun = False  # whether the reflection before the first sample is in the buffer

    def push(self, block: torch.Tensor) -> torch.Tensor:
        """`[1, t] -> [rows, k]`: the frames that have become complete, k ≥ 0."""
        block = block.to(self._buffer.device)
        self._buffer = torch.cat([self._buffer, floating(block, self._buffer.dtype)], 1)
        if not self._begun:
            if self._buffer.shape[1] <= self._pad:
                return self._buffer.new_zeros(self._log_mel.rows, 0)
            self._begun = True
            self._buffer = torch.cat([self._buffer[:, 1 : self._pad + 1].flip(1), self._buffer], 1)
        frames = self._frames()
        done = max(0, min(self._next, self._buffer.shape[1] - self._pad - 1))  # the end's reflection needs pad + 1
        self._buffer, self._next = self._buffer[:, done:], self._next - done
        return frames

    def finish(self) -> torch.Tensor:
        """`[rows, k]`: the last frames, over the reflection at the end.

        Raises:
            ParameterError: no sample was pushed.
        """
        if not self._begun:
            short: torch.Tensor = self._log_mel(self._buffer)[0]
            return short
        self._buffer = torch.cat([self._buffer, self._buffer[:, -self._pad - 1 : -1].flip(1)], 1)
        return self._frames()

    def _frames(self) -> torch.Tensor:
        n_fft, hop = self.spec.n_fft, self.spec.hop_length
        count = max(0, (self._buffer.shape[1] - self._next - n_fft) // hop + 1)
        if not count:
            return self._buffer.new_zeros(self._log_mel.rows, 0)
        start = self._next
        self._next += count * hop
        return self._log_mel.from_padded(self._buffer[:, start : start + n_fft + (count - 1) * hop])[0]
