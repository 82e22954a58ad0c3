"""MelSpec: the one description of a mel spectrogram that models, vocoders and files agree on."""

from dataclasses import asdict, dataclass
from typing import Any

from audio_gen.errors import ParameterError


@dataclass(frozen=True)
class MelSpec:
    """How a waveform becomes a log-mel spectrogram (Hann, centred, reflect padding, Slaney mels and norm).

    Args:
        sample_rate: in Hz.
        n_fft: length of window and FFT, in samples.
        hop_length: samples from frame to frame.
        n_mels: number of mel bands.
        fmin: lower edge of the lowest band, Hz.
        fmax: upper edge of the highest band, Hz; None is half the sample rate.
        power: exponent of the magnitude: 1 magnitude, 2 power.
        log: "ln", the natural logarithm.
        floor: the smallest value before the logarithm.

    Raises:
        ParameterError: a value outside its range.
    """

    sample_rate: int = 22050
    n_fft: int = 1024
    hop_length: int = 256
    n_mels: int = 128
    fmin: float = 0.0
    fmax: float | None = None
    power: float = 1.0
    log: str = "ln"
    floor: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "hop_length", "n_mels", "power", "floor"):
            if not getattr(self, name) > 0:
                raise ParameterError(f"MelSpec.{name} must be above 0, not {getattr(self, name)}")
        if not 0 <= self.fmin < self.top <= self.sample_rate / 2:
            raise ParameterError(
                f"MelSpec needs 0 <= fmin < fmax <= {self.sample_rate / 2} Hz, not {self.fmin} and {self.fmax}"
            )
        if self.log != "ln":
            raise ParameterError(f"MelSpec.log must be 'ln', not {self.log!r}")

    @property
    def top(self) -> float:
        """Upper edge of the highest band, Hz."""
        return self.sample_rate / 2 if self.fmax is None else self.fmax

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.hop_length

    def frames(self, samples: int) -> int:
        """Number of frames that `samples` samples give: 1 + samples // hop_length."""
        return 1 + samples // self.hop_length

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "MelSpec":
        """From what `to_dict` gave.

        Raises:
            ParameterError: a name that MelSpec doesn't have.
        """
        try:
            return cls(**values)
        except TypeError as error:
            raise ParameterError(f"not a MelSpec: {error}") from error
