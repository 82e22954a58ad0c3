"""How loud a sound is (ITU-R BS.1770-4), measured block by block, and the gain that brings it to a target."""

import math
from array import array
from typing import Any

import numpy as np
import torch

from audio_gen.audio.resample import StreamResampler
from audio_gen.errors import ParameterError

TABLE_RATE = 48_000  # Hz, of the coefficients that BS.1770-4 prints in its tables 1 and 2: b0 b1 b2 a0 a1 a2
HEAD = (1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585)
LOW_CUT = (1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621)
MIN_RATE = 4_000  # Hz; the corner of the first filter lies at 1682 Hz
STEPS = 4  # of 100 ms in each 400 ms block, which is an overlap of 75 %
OFFSET = -0.691  # dB, so that 997 Hz at full scale is -3.01 LKFS
ABSOLUTE_GATE = -70.0  # LUFS
RELATIVE_GATE = -10.0  # LU
SURROUND = {5: (1.0, 1.0, 1.0, 1.41, 1.41), 6: (1.0, 1.0, 1.0, 0.0, 1.41, 1.41)}  # weights; any other channel has 1
OVERSAMPLING = 4
PIECE_SECONDS = 4  # what is filtered in one go

# z⁻¹ = (1 - s) / (1 + s), times (1 + s)²: [b0, b1, b2] of z⁻¹ to those of s², s and 1
_TO_ANALOGUE = np.array([[1.0, -1.0, 1.0], [2.0, 0.0, -2.0], [1.0, 1.0, 1.0]])


class Loudness:
    """Integrated loudness of a sound that arrives in blocks; how it was divided makes no difference.

    Mono and stereo channels weigh 1; of 5 and 6 (L R C [LFE] Ls Rs) the surrounds weigh 1.41 and LFE nothing.
    Keeps 80 bytes for each second of sound.

    Args:
        sample_rate: in Hz, at least 4000.
        channels: number of channels C.

    Raises:
        ParameterError: the rate is too low for the filter, or there are no channels.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        _check(sample_rate, channels, MIN_RATE)
        self.sample_rate, self.channels = sample_rate, channels
        self._weights = np.array(SURROUND.get(channels, (1.0,) * channels))
        self._filter = k_weighting(sample_rate)
        self._state = np.zeros((len(self._filter), channels, 2))
        self._step = round(sample_rate / 10)
        self._powers = array("d")  # mean square of each 100 ms, weighted and summed over channels
        self._rest = np.empty(0)  # squares of the step that has not ended

    def add(self, block: torch.Tensor) -> None:
        """Measure `[C, t]` more.

        Raises:
            ParameterError: a block of another shape.
        """
        from scipy.signal import sosfilt  # comes with librosa

        _check_block(block, self.channels)
        if not block.numel():
            return
        for piece in torch.split(block.detach(), PIECE_SECONDS * self.sample_rate, dim=1):
            wave, self._state = sosfilt(self._filter, piece.double().cpu().numpy(), axis=1, zi=self._state)
            squares = np.concatenate([self._rest, self._weights @ wave**2])
            whole = len(squares) // self._step * self._step
            self._powers.extend(squares[:whole].reshape(-1, self._step).mean(axis=1))
            self._rest = squares[whole:]

    @property
    def lufs(self) -> float:
        """Loudness of everything so far in LUFS; -inf for silence.

        From 400 ms on it is gated at -70 LUFS and at -10 LU below what that leaves. A shorter sound (one stroke of a
        drum) is measured as one block of its own length, with no gate. The standard leaves such sounds open.
        """
        steps = np.array(self._powers)
        if len(steps) < STEPS:
            count = len(steps) * self._step + len(self._rest)
            return _lufs((steps.sum() * self._step + self._rest.sum()) / max(1, count))
        blocks = np.lib.stride_tricks.sliding_window_view(steps, STEPS).mean(axis=1)
        loud = blocks[blocks > 10 ** ((ABSOLUTE_GATE - OFFSET) / 10)]
        if not len(loud):
            return -math.inf
        return _lufs(loud[loud > loud.mean() * 10 ** (RELATIVE_GATE / 10)].mean())


class TruePeak:
    """The peak between the samples, of a sound that arrives in blocks: at four times the rate (BS.1770-4, annex 2).

    Args:
        sample_rate: in Hz.
        channels: number of channels C.

    Raises:
        ParameterError: the rate or the channel count is below 1.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        _check(sample_rate, channels, 1)
        self._finished = False
        self._peak = 0.0
        self._piece = PIECE_SECONDS * sample_rate
        self._resampler = StreamResampler(sample_rate, OVERSAMPLING * sample_rate, channels)

    def add(self, block: torch.Tensor) -> None:
        """Measure `[C, t]` more.

        Raises:
            ParameterError: a block of another shape, or `dbtp` was read already, which ends the sound.
        """
        _check_block(block, self._resampler.channels)
        if self._finished:
            raise ParameterError("the true peak of this sound was read already; start a new TruePeak for another")
        for piece in torch.split(block.detach().float().cpu(), self._piece, dim=1):
            self._raise_to(piece)  # near half the rate the resampler takes some away
            self._raise_to(self._resampler.push(piece))

    @property
    def dbtp(self) -> float:
        """The peak in dB true peak; -inf for silence. Reading it ends the sound."""
        if not self._finished:
            self._finished = True
            self._raise_to(self._resampler.finish())
        return 20 * math.log10(self._peak) if self._peak > 0 else -math.inf

    def _raise_to(self, samples: torch.Tensor) -> None:
        if samples.numel():
            self._peak = max(self._peak, float(samples.abs().max()))


def gain_for(lufs: float, dbtp: float, target_lufs: float | None, ceiling_dbtp: float = -1.0) -> float:
    """The factor that brings a sound to the target, less where its true peak would go over the ceiling.

    Without a target only the ceiling limits. Silence keeps its factor of 1.
    """
    wanted = 1.0 if target_lufs is None or lufs == -math.inf else 10 ** ((target_lufs - lufs) / 20)
    return min(wanted, 10 ** ((ceiling_dbtp - dbtp) / 20)) if dbtp > -math.inf else wanted


def k_weighting(sample_rate: int) -> np.ndarray:
    """`[2, 6]` second-order sections of the K filter at any rate.

    BS.1770-4 prints coefficients for 48 kHz. The bilinear transform the other way round gives the analogue filters they
    come from, in units of tan(π f / 48000); scaled so that each corner stays at its frequency (f₀ from the
    denominator s² c₂ + s c₁ + c₀: tan(π f₀ / 48000) = √(c₀ / c₂)), they go through the transform again.
    The curve stays within 0.1 dB of that at 48 kHz from 16 kHz on, and within 0.3 dB from 8 kHz on.
    """
    return np.array([_at_rate(np.array(section), sample_rate) for section in (HEAD, LOW_CUT)])


def _at_rate(section: np.ndarray, sample_rate: int) -> np.ndarray:
    analogue = section.reshape(2, 3) @ _TO_ANALOGUE.T  # rows: numerator, denominator; of s², s, 1
    corner = math.sqrt(analogue[1, 2] / analogue[1, 0])
    scale = corner / math.tan(math.atan(corner) * TABLE_RATE / sample_rate)
    digital: np.ndarray = (analogue * scale ** np.array([2, 1, 0])) @ np.linalg.inv(_TO_ANALOGUE).T
    flat: np.ndarray = (digital / digital[1, 0]).ravel()
    return flat


def _lufs(power: Any) -> float:
    return OFFSET + 10 * math.log10(power) if power > 0 else -math.inf


def _check(sample_rate: int, channels: int, least: int) -> None:
    if sample_rate < least or channels < 1:
        raise ParameterError(
            f"loudness needs at least {least} Hz and one channel, not {sample_rate} Hz and {channels}; resample first"
        )


def _check_block(block: torch.Tensor, channels: int) -> None:
    if block.ndim != 2 or block.shape[0] != channels:
        raise ParameterError(f"a block must be [{channels}, t], not {list(block.shape)}")
