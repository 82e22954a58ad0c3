"""MIDI played by tinysoundfont, event by event at the exact sample."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from audio_gen.errors import ParameterError

DRUMS = 9  # General MIDI's percussion channel, counted from 0
GAIN_DB = 4.0  # a piano then peaks near half of full scale
VOICES = 512
TAIL_SECONDS, STEP_SECONDS = 10.0, 0.25  # how long what rings on may last, and how often it is looked at
SILENCE = 10 ** (-80 / 20)
NOTE_OFF, NOTE_ON, CONTROL, PROGRAM, BEND = 128, 144, 176, 192, 224  # MIDI status bytes


def play(data: bytes, font: Path, sample_rate: int, seconds: float | None) -> torch.Tensor | None:
    """`[2, T]` float32, or None where the MIDI data holds no notes."""
    events = _events(data)
    if events is None:
        return None
    total = None if seconds is None else max(1, round(seconds * sample_rate))
    synth = _fresh_synth(font, sample_rate)
    parts, position = [], 0
    for event in events:
        until = round(event["t"] * sample_rate)
        if total is not None and until >= total:
            break
        if until > position:
            parts.append(_generate(synth, until - position))
            position = until
        _send(synth, event)
    if total is None:
        parts += _tail(synth, sample_rate)
    elif total > position:
        parts.append(_generate(synth, total - position))
    return torch.cat(parts, dim=-1)


@lru_cache(maxsize=4)
def _load(font: str, changed: int) -> Any:
    from tinysoundfont._tinysoundfont import SoundFont

    try:
        return SoundFont(font)
    except Exception as error:  # the binding names no exceptions of its own
        raise ParameterError(f"{font!r} is not a SoundFont that can be loaded ({error}); give an SF2 or SF3") from error


def _fresh_synth(font: Path, sample_rate: int) -> Any:
    from tinysoundfont._tinysoundfont import OutputMode, SoundFont

    synth = SoundFont(_load(str(font), font.stat().st_mtime_ns))  # shares the samples, starts with its own state
    synth.set_output(OutputMode.StereoUnweaved, sample_rate, GAIN_DB)
    synth.set_max_voices(VOICES)
    for channel in range(16):
        synth.channel_set_preset_number(channel, 0, channel == DRUMS)
    return synth


def _events(data: bytes) -> list[dict[str, Any]] | None:
    from tinysoundfont._tinysoundfont import _midi_load_memory

    try:
        events: list[dict[str, Any]] = _midi_load_memory(data)
    except RuntimeError:  # what it says of data it can't read
        return None
    return events if any(event.get("velocity") for event in events) else None


def _send(synth: Any, event: dict[str, Any]) -> None:
    channel = event["channel"]
    if "velocity" in event and event["velocity"] and event["type"].value == NOTE_ON:
        synth.channel_note_on(channel, event["key"], event["velocity"] / 127)
    elif "key" in event and event["type"].value in (NOTE_ON, NOTE_OFF):
        synth.channel_note_off(channel, event["key"])
    elif event["type"].value == PROGRAM and _has_preset(synth, channel, event["program"]):
        synth.channel_set_preset_number(channel, event["program"], channel == DRUMS)
    elif event["type"].value == CONTROL:
        synth.channel_midi_control(channel, event["control"], event["control_value"])
    elif event["type"].value == BEND:
        synth.channel_set_pitch_wheel(channel, event["pitch_bend"])


def _has_preset(synth: Any, channel: int, program: int) -> bool:
    return channel == DRUMS or synth.get_preset_index(synth.channel_get_preset_bank(channel), program) >= 0


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
