"""render_notes: a file of notes → SoundFont → WAV."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audio_gen.audio import synth
from audio_gen.audio.clip import Clip
from audio_gen.errors import ParameterError
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.records import Record, success
from audio_gen.pipelines.render import Finish, render_clip, tell_of_peak
from audio_gen.symbolic.files import is_midi, read_notes
from audio_gen.symbolic.render import render_score

SLOWEST, FASTEST = 8000, 192000  # Hz


@dataclass(frozen=True)
class Instruments:
    """What plays the notes.

    Args:
        soundfont: SF2 or SF3 file.
        sample_rate: in Hz, 8000 to 192000.

    Raises:
        ParameterError: another rate.
    """

    soundfont: Path = field(default_factory=synth.find_soundfont)
    sample_rate: int = 44100

    def __post_init__(self) -> None:
        if not SLOWEST <= self.sample_rate <= FASTEST:
            raise ParameterError(f"the sample rate is {SLOWEST} to {FASTEST} Hz, not {self.sample_rate}")


def render_file(source: Source, output: Path, instruments: Instruments, finish: Finish) -> Record:
    """One MIDI, ABC or MusicXML file → one WAV at `output`, with its record; the same bytes for the same notes.

    MIDI is played as it stands, controllers and pitch bends too; a Score wouldn't hold those.

    Raises:
        DecodeError: no notes that can be read, or over an hour of them.
        ParameterError: what reads or plays them isn't there.
    """
    clip = _played(source.path, instruments)
    stop_here_if_asked()
    tags = {"software": "audio_gen", "soundfont": instruments.soundfont.name}
    measured = render_clip(output, clip, finish, tags)
    tell_of_peak(output, measured, finish)
    result: dict[str, Any] = {"output": str(output), "soundfont": instruments.soundfont.name, **measured.to_dict()}
    return success(source.name, {"render": result}, duration_s=clip.duration, sample_rate=clip.sample_rate)


def _played(path: Path, instruments: Instruments) -> Clip:
    if _midi(path):
        return synth.render(path, soundfont=instruments.soundfont, sample_rate=instruments.sample_rate)
    return render_score(read_notes(path), soundfont=instruments.soundfont, sample_rate=instruments.sample_rate)


def _midi(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_midi(file.read(12))
    except OSError:
        return False  # `read_notes` says what is wrong
