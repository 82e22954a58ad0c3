"""MIDI -> Clip: notes played by a SoundFont, with tinysoundfont or else the fluidsynth program."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from audio_gen.audio import _fluidsynth, _tinysoundfont
from audio_gen.audio._midi import MAX_SECONDS, read_midi, transposed
from audio_gen.audio.clip import Clip
from audio_gen.errors import ParameterError

MIDI_EXTENSIONS = (".mid", ".midi")
FOLDERS = (Path("/usr/share/sounds/sf2"), Path("/usr/share/sounds/sf3"), Path("/usr/share/soundfonts"))
FAVOURITES = ("FluidR3_GM.sf2", "default-GM.sf2", "default-GM.sf3")
ADVICE = "name a .sf2 or .sf3 file, set AUDIO_GEN_SOUNDFONT, or `pip install pretty_midi`, which brings a small one"


def render(
    midi: str | Path | bytes,
    *,
    soundfont: str | Path | None = None,
    sample_rate: int = 44100,
    seconds: float | None = None,
    transpose: int = 0,
) -> Clip:
    """Play a MIDI file: a stereo Clip, the same for the same arguments whatever was rendered before.

    Args:
        midi: path of a Standard MIDI File, or what is in one.
        soundfont: SF2 or SF3 file; None looks for one (`find_soundfont`).
        sample_rate: in Hz, 8000 to 192000.
        seconds: exact length, cut or filled with silence, at most an hour; None: all notes and what rings on.
        transpose: semitones up (or down), drums excepted; notes that leave MIDI's range move by octaves back into it.

    Raises:
        DecodeError: the MIDI is unreadable, damaged, broken off, over an hour long or without notes.
        ParameterError: no SoundFont, no synthesizer or no mido is there, or an argument is out of range.
    """
    if not 8000 <= sample_rate <= 192000:
        raise ParameterError(f"sample_rate must be 8000 to 192000 Hz, not {sample_rate}")
    if seconds is not None and not 0 < seconds <= MAX_SECONDS:
        raise ParameterError(f"seconds must be above 0 and at most {MAX_SECONDS:.0f}, not {seconds}")
    total = None if seconds is None else max(1, round(seconds * sample_rate))
    if not -24 <= transpose <= 24:
        raise ParameterError(f"transpose must be -24 to 24 semitones, not {transpose}")
    events = transposed(read_midi(midi if isinstance(midi, bytes) else Path(midi)), transpose)
    font = find_soundfont(soundfont)
    if has_tinysoundfont():
        samples = _tinysoundfont.play(events, font, sample_rate, total)
    elif shutil.which("fluidsynth"):
        samples = _fluidsynth.play(events, font, sample_rate, total)
    else:
        raise ParameterError("no synthesizer: `pip install --no-deps tinysoundfont`, or install the program fluidsynth")
    # voices add up without a ceiling: where they come over full scale, the whole clip is scaled down
    return Clip(samples / samples.abs().max().clamp_min(1.0), sample_rate)


def has_tinysoundfont() -> bool:
    """Whether tinysoundfont is installed."""
    return find_spec("tinysoundfont") is not None


def find_soundfont(soundfont: str | Path | None = None) -> Path:
    """The SoundFont to use: the argument, $AUDIO_GEN_SOUNDFONT, the system's, or the one in pretty_midi's package.

    Raises:
        ParameterError: what was named is no SoundFont, or there is none anywhere.
    """
    named = soundfont or os.environ.get("AUDIO_GEN_SOUNDFONT")
    if named:
        if not _is_soundfont(Path(named)):
            raise ParameterError(f"no SoundFont at {str(named)!r}; {ADVICE}")
        return Path(named)
    for path in _candidates():
        if _is_soundfont(path):
            return path
    raise ParameterError(f"no SoundFont found; {ADVICE}")


def _is_soundfont(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head[:4] == b"RIFF" and head[8:] == b"sfbk"


def _candidates() -> list[Path]:
    found = [folder / name for name in FAVOURITES for folder in FOLDERS]
    for folder in FOLDERS:
        found += sorted([*folder.glob("*.sf2"), *folder.glob("*.sf3")])
    package = find_spec("pretty_midi")  # finds the folder without running the package
    for place in (package.submodule_search_locations or []) if package else []:
        found.append(Path(place) / "TimGM6mb.sf2")
    return found
