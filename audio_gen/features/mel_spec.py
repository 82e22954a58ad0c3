"""MelSpec: the one description of a mel spectrogram that models, vocoders and files agree on."""

from dataclasses import asdict, dataclass
from typing import Any

from audio_gen.errors import ParameterError

LARGEST = 1_000_000
LARGEST_BANK = 1 << 24  # a spec out of a damaged or hostile file shall not fill the memory


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
        for name in ("sample_rate", "n_fft", "hop_length", "n_mels"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= LARGEST:
                raise ParameterError(f"MelSpec.{name} must be a whole number from 1 to {LARGEST}, not {value!r}")
        for name, number in {"fmin": self.fmin, "fmax": self.top, "power": self.power, "floor": self.floor}.items():
            if type(number) not in (int, float) or not 0 <= number <= LARGEST or (number == 0 and name != "fmin"):
                raise ParameterError(f"MelSpec.{name} must be a finite number above 0 (fmin from 0 on), not {number!r}")
        if self.n_fft * self.n_mels > LARGEST_BANK:
            raise ParameterError(
                f"MelSpec.n_fft * n_mels may be {LARGEST_BANK} at most, not {self.n_fft} * {self.n_mels}"
            )
        if not self.fmin < self.top <= self.sample_rate / 2:
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
        """Number of frames that `samples` samples give: 1 + samples // hop_length, one sample less for an odd n_fft."""
        return 1 + (samples - self.n_fft % 2) // self.hop_length

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
