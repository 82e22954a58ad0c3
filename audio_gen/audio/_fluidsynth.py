"""MIDI played by the fluidsynth program, where tinysoundfont is not installed."""

import subprocess
import tempfile
from pathlib import Path

import torch

from audio_gen.audio._midi import Event
from audio_gen.errors import ParameterError

GAIN = "1.5"  # a piano then peaks near a third of full scale; more than full scale stays, as the samples are floats
TICKS = 10_000  # a second; fluidsynth loses a little time at each change of tempo, so it gets none


def play(events: list[Event], font: Path, sample_rate: int, total: int | None) -> torch.Tensor:
    """`-> [2, T]` float32; T is `total`, or as long as fluidsynth goes on.

    Raises:
        ParameterError: fluidsynth fails, as it does on a broken SoundFont; the message holds its own words.
    """
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        midi, wave = Path(folder) / "in.mid", Path(folder) / "out.wav"
        _write_midi(midi, events)
        options = ["-n", "-i", "-q", "-f", "/dev/null", "-g", GAIN, "-r", str(sample_rate), "-T", "wav", "-O", "float"]
        command = ["fluidsynth", *options, "-F", str(wave), str(font.absolute()), str(midi)]
        run = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL)
        if run.returncode or not wave.is_file():
            words = run.stderr.decode(errors="replace").strip()[:300]
            raise ParameterError(f"fluidsynth can't play with {str(font)!r} ({words}); give an SF2 or SF3")
        frames, _ = soundfile.read(wave, dtype="float32", always_2d=True)
    samples = torch.from_numpy(frames).T.contiguous()
    if total is None:
        return samples
    return torch.nn.functional.pad(samples, (0, max(0, total - samples.shape[1])))[:, :total]


def _write_midi(path: Path, events: list[Event]) -> None:
    import mido

    track, now = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1_000_000)]), 0
    for event in events:
        ticks = round(event.seconds * TICKS)
        track.append(event.message.copy(time=ticks - now))
        now = ticks
    mido.MidiFile(type=0, ticks_per_beat=TICKS, tracks=[track]).save(path)
