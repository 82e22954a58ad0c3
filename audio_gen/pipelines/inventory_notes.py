"""What a file of notes holds, and what the .json beside a file of ours tells of it."""

import json
from pathlib import Path
from typing import Any

from audio_gen.errors import ParameterError
from audio_gen.pipelines.piece import measured
from audio_gen.symbolic.files import read_notes
from audio_gen.symbolic.theory import key_name

MAX_BYTES = 1 << 26  # of JSON


def describe_notes(path: Path) -> dict[str, Any]:
    """Bars, metre, tempo, keys, chords and tracks of a MIDI, ABC or MusicXML file; `told_in`: the .json beside it.

    Raises:
        DecodeError: missing, or no notes that can be read.
        ParameterError: what reads it isn't installed.
    """
    score = read_notes(path)
    beside = path.with_suffix(".json")
    return {
        **measured(score),
        "keys_told": [key_name(key.tonic, key.minor) for key in score.keys],
        "chords": len(score.chords),
        "tracks": [
            {
                "name": one.name,
                "program": one.program,
                "drums": one.is_drum,
                "notes": len(one.notes),
                "polyphonic": one.polyphonic,
            }
            for one in score.tracks
        ],
        "told_in": beside.name if beside.is_file() else None,
    }


def describe_json(path: Path) -> dict[str, Any]:
    """What a .json file that lies beside a file of ours tells.

    Raises:
        ParameterError: missing, over 64 MiB, or no JSON object.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"over {MAX_BYTES >> 20} MiB")
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict):
            raise ValueError(f"it holds a {type(found).__name__}")
    except (OSError, ValueError, RecursionError) as error:
        raise ParameterError(f"{str(path)!r} is no JSON object that can be read ({error})") from error
    return found
