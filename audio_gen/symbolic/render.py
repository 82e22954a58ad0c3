"""Score → Clip: what was composed, as sound, so that the models that hear can judge it."""

from pathlib import Path

from audio_gen.audio import synth
from audio_gen.audio.clip import Clip
from audio_gen.symbolic.midi import midi_bytes
from audio_gen.symbolic.score import Score


def render_score(
    score: Score,
    *,
    soundfont: str | Path | None = None,
    sample_rate: int = 44100,
    seconds: float | None = None,
) -> Clip:
    """Play a score with a SoundFont: a stereo Clip, the same for the same arguments.

    Args:
        score: with at least one note.
        soundfont: SF2 or SF3 file; None looks for one.
        sample_rate: in Hz, 8000 to 192000.
        seconds: exact length, cut or filled with silence; None: all notes and what rings on.

    Raises:
        DecodeError: no notes, or over an hour long.
        ParameterError: no SoundFont or no synthesizer is there, an argument is out of range, or MIDI can't hold the
            score.
    """
    return synth.render(midi_bytes(score), soundfont=soundfont, sample_rate=sample_rate, seconds=seconds)
