"""MIDI -> Clip: notes played by a SoundFont, with tinysoundfont or else the fluidsynth program."""

import importlib.util
import os
import shutil
from pathlib import Path

from audio_gen.audio import _fluidsynth, _tinysoundfont
from audio_gen.audio._midi import check_midi
from audio_gen.audio.clip import Clip
from audio_gen.errors import DecodeError, ParameterError

MIDI_EXTENSIONS = (".mid", ".midi")
FOLDERS = (Path("/usr/share/sounds/sf2"), Path("/usr/share/sounds/sf3"), Path("/usr/share/soundfonts"))
FAVOURITES = ("FluidR3_GM.sf2", "default-GM.sf2", "default-GM.sf3")
ADVICE = "name a .sf2 or .sf3 file, set AUDIO_GEN_SOUNDFONT, or `pip install pretty_midi`, which brings a small one"


def render(
    midi_path: str | Path,
    *,
    soundfont: str | Path | None = None,
    sample_rate: int = 44100,
    seconds: float | None = None,
) -> Clip:
    """Play a MIDI file: a stereo Clip, the same for the same arguments whatever was rendered before.

    Args:
        midi_path: Standard MIDI File.
        soundfont: SF2 or SF3 file; None looks for one (`find_soundfont`).
        sample_rate: in Hz, 8000 to 192000.
        seconds: exact length, cut or filled with silence; None is the last note and what of it rings on.

    Raises:
        DecodeError: the MIDI file is unreadable, broken off or holds no notes.
        ParameterError: no SoundFont or no back end is there, or an argument is out of range.
    """
    if not 8000 <= sample_rate <= 192000:
        raise ParameterError(f"sample_rate must be 8000 to 192000 Hz, not {sample_rate}")
    if seconds is not None and not 0 < seconds <= 36000:
        raise ParameterError(f"seconds must be above 0 and at most 36000, not {seconds}")
    data = check_midi(Path(midi_path))
    font = find_soundfont(soundfont)
    if importlib.util.find_spec("tinysoundfont"):
        samples = _tinysoundfont.play(data, font, sample_rate, seconds)
    elif shutil.which("fluidsynth"):
        samples = _fluidsynth.play(data, font, sample_rate, seconds)
    else:
        raise ParameterError("no synthesizer: `pip install --no-deps tinysoundfont`, or install the program fluidsynth")
    if samples is None:
        raise DecodeError(f"{str(midi_path)!r} holds no notes; check that it is the right MIDI file")
    # the synthesizers add up voices without a ceiling: a loud chord is scaled down as a whole, never clipped
    return Clip(samples / samples.abs().max().clamp_min(1.0), sample_rate)


def find_soundfont(soundfont: str | Path | None = None) -> Path:
    """The SoundFont to use: the argument, $AUDIO_GEN_SOUNDFONT, the system's, or the one in pretty_midi's package.

    Raises:
        ParameterError: what was named is no file, or there is none anywhere.
    """
    named = soundfont or os.environ.get("AUDIO_GEN_SOUNDFONT")
    if named:
        if not Path(named).is_file():
            raise ParameterError(f"no SoundFont at {str(named)!r}; {ADVICE}")
        return Path(named)
    for path in _candidates():
        if path.is_file():
            return path
    raise ParameterError(f"no SoundFont found; {ADVICE}")


def _candidates() -> list[Path]:
    found = [folder / name for name in FAVOURITES for folder in FOLDERS]
    for folder in FOLDERS:
        found += sorted([*folder.glob("*.sf2"), *folder.glob("*.sf3")])
    package = importlib.util.find_spec("pretty_midi")  # finds the folder without running the package
    for place in (package.submodule_search_locations or []) if package else []:
        found.append(Path(place) / "TimGM6mb.sf2")
    return found
