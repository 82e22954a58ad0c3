"""MIDI played by the fluidsynth program, where tinysoundfont is not installed."""

import subprocess
import tempfile
from pathlib import Path

import torch

from audio_gen.errors import ParameterError

GAIN = "0.4"  # fluidsynth's own default, 0.2, is soft for a single piano


def play(data: bytes, font: Path, sample_rate: int, seconds: float | None) -> torch.Tensor | None:
    """`[2, T]` float32, or None where the MIDI data holds no notes.

    Raises:
        ParameterError: fluidsynth fails, as it does on a broken SoundFont; the message holds its own words.
    """
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        midi, wave = Path(folder) / "in.mid", Path(folder) / "out.wav"
        midi.write_bytes(data)
        options = ["-n", "-i", "-q", "-f", "/dev/null", "-g", GAIN, "-r", str(sample_rate), "-T", "wav", "-O", "float"]
        command = ["fluidsynth", *options, "-F", str(wave), str(font.absolute()), str(midi)]
        run = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL)
        if run.returncode or not wave.is_file():
            raise ParameterError(
                f"fluidsynth failed with {str(font)!r}: {run.stderr.decode(errors='replace').strip()[:300]}"
            )
        frames, _ = soundfile.read(wave, dtype="float32", always_2d=True)
    samples = torch.from_numpy(frames).T.contiguous()
    if samples.shape[1] == 0 or not samples.abs().max() > 0:
        return None
    if seconds is None:
        return samples
    total = max(1, round(seconds * sample_rate))
    return torch.nn.functional.pad(samples, (0, max(0, total - samples.shape[1])))[:, :total]
