"""MIDI played by tinysoundfont, event by event at the exact sample.

Its own MIDI reader is not used: it loses time at each change of tempo, up to seconds in a piece.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from audio_gen.audio._midi import Event
from audio_gen.errors import ParameterError

DRUMS = 9  # General MIDI's percussion channel, counted from 0
GAIN_DB = 4.0  # a piano then peaks near half of full scale
VOICES = 512
TAIL_SECONDS, STEP_SECONDS = 10.0, 0.25  # how long what rings on may last, and how often it is looked at
SILENCE = 10 ** (-80 / 20)


def play(events: list[Event], font: Path, sample_rate: int, total: int | None) -> torch.Tensor:
    """`-> [2, T]` float32; T is `total`, or the last event's time and what rings on after it.

    Raises:
        ParameterError: the SoundFont can't be loaded.
    """
    synth = _fresh_synth(font, sample_rate)
    parts, position = [], 0
    for event in events:
        until = round(event.seconds * sample_rate)
        if total is not None and until >= total:
            break
        if until > position:
            parts.append(_generate(synth, until - position))
            position = until
        _send(synth, event.message)
    parts += _tail(synth, sample_rate) if total is None else [_generate(synth, total - position)]
    return torch.cat(parts, dim=-1)


@lru_cache(maxsize=4)
def _load(font: str, changed: int) -> Any:
    from tinysoundfont._tinysoundfont import SoundFont

    try:
        return SoundFont(font)
    except RuntimeError as error:
        raise ParameterError(f"{font!r} is no SoundFont that can be loaded ({error}); give an SF2 or SF3") from error


def _fresh_synth(font: Path, sample_rate: int) -> Any:
    from tinysoundfont._tinysoundfont import OutputMode, SoundFont

    synth = SoundFont(_load(str(font), font.stat().st_mtime_ns))  # a copy that shares the samples, not the state
    synth.set_output(OutputMode.StereoUnweaved, sample_rate, GAIN_DB)
    synth.set_max_voices(VOICES)
    for channel in range(16):
        _set_program(synth, channel, 0)
    return synth


def _send(synth: Any, message: Any) -> None:
    if message.type == "note_on" and message.velocity:
        synth.channel_note_on(message.channel, message.note, message.velocity / 127)
    elif message.type in ("note_on", "note_off"):
        synth.channel_note_off(message.channel, message.note)
    elif message.type == "program_change":
        _set_program(synth, message.channel, message.program)
    elif message.type == "control_change":
        synth.channel_midi_control(message.channel, message.control, message.value)
    elif message.type == "pitchwheel":
        synth.channel_set_pitch_wheel(message.channel, message.pitch + 8192)


def _set_program(synth: Any, channel: int, program: int) -> None:
    if channel == DRUMS:
        found = max(synth.get_preset_index(128, program), synth.get_preset_index(128, 0))
    else:
        found = synth.get_preset_index(synth.channel_get_preset_bank(channel), program)
        if found < 0:  # a variation that the font lacks: the plain instrument
            synth.channel_set_bank(channel, 0)
            found = synth.get_preset_index(0, program)
    if found >= 0:
        synth.channel_set_preset_number(channel, program, channel == DRUMS)


def _generate(synth: Any, count: int) -> torch.Tensor:
    samples = bytearray(2 * count * 4)  # all of the left channel, then all of the right
    synth.render(samples, False)
    return torch.frombuffer(samples, dtype=torch.float32).reshape(2, count)


def _tail(synth: Any, sample_rate: int) -> list[torch.Tensor]:
    for channel in range(16):
        synth.channel_note_off(channel)
    parts = []
    for _ in range(round(TAIL_SECONDS / STEP_SECONDS)):
        parts.append(_generate(synth, round(STEP_SECONDS * sample_rate)))
        if parts[-1].abs().max() < SILENCE:
            break
    return parts
