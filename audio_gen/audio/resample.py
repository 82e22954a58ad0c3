"""Change of sample rate (soxr HQ): a stream that owns the filter's state, and a function that uses it once."""

from typing import Any

import torch

from audio_gen.errors import ParameterError


class StreamResampler:
    """Resamples a signal that arrives in blocks of any length.

    The blocks that come out, joined, equal `resample` of the blocks that went in, joined:
    `[C, T] -> [C, max(1, round(T * target_rate / source_rate))]`.

    Args:
        source_rate: of what comes in, in Hz.
        target_rate: of what goes out, in Hz.
        channels: number of channels C.

    Raises:
        ParameterError: a rate or the channel count is below 1.
    """

    def __init__(self, source_rate: int, target_rate: int, channels: int) -> None:
        if min(source_rate, target_rate, channels) < 1:
            raise ParameterError(
                f"rates and channels must be at least 1, not {source_rate} Hz to {target_rate} Hz, {channels} channels"
            )
        self.source_rate, self.target_rate, self.channels = source_rate, target_rate, channels
        self._taken = self._given = 0  # samples in and out so far
        self._stream = None if source_rate == target_rate else _soxr_stream(source_rate, target_rate, channels)

    def push(self, block: torch.Tensor) -> torch.Tensor:
        """`[C, t] -> [C, t']`: what is ready; the filter keeps back about its own length."""
        return self._feed(block, last=False)

    def finish(self) -> torch.Tensor:
        """`-> [C, t']`: the rest. Nothing may be pushed afterwards."""
        rest = self._feed(torch.empty(self.channels, 0), last=True)
        if self._taken == 0:
            return rest
        # soxr rounds the length by itself, and gives nothing for a signal shorter than half an output sample
        missing = max(1, round(self._taken * self.target_rate / self.source_rate)) - self._given
        return torch.nn.functional.pad(rest, (0, missing)) if missing else rest

    def _feed(self, block: torch.Tensor, last: bool) -> torch.Tensor:
        self._taken += block.shape[-1]
        if self._stream is None:
            ready = block
        else:
            frames = block.detach().T.contiguous().numpy()  # [t, C]
            ready = torch.from_numpy(self._stream.resample_chunk(frames, last=last).copy()).T.contiguous()
        if last:
            limit = max(1, round(self._taken * self.target_rate / self.source_rate)) - self._given
            ready = ready[:, : max(0, limit)]
        self._given += ready.shape[-1]
        return ready


def resample(samples: torch.Tensor, source_rate: int, target_rate: int) -> torch.Tensor:
    """`[C, T] -> [C, max(1, round(T * target_rate / source_rate))]`, float32.

    Raises:
        ParameterError: a rate below 1 Hz or no channel.
    """
    stream = StreamResampler(source_rate, target_rate, samples.shape[0])
    return torch.cat([stream.push(samples), stream.finish()], dim=-1)


def _soxr_stream(source_rate: int, target_rate: int, channels: int) -> Any:
    import soxr

    return soxr.ResampleStream(source_rate, target_rate, channels, dtype="float32", quality="HQ")
