"""Tags as JSON: whole for a chunk of their own, and short enough for a comment."""

import json
from typing import Any

from audio_gen.errors import ParameterError

Tags = dict[str, Any]
"""What a file says of itself, by name: strings, numbers, booleans, None, and lists and dicts of them."""

NOTICE = "AI-generated: a machine made this sound. "  # what players show first
MAX_COMMENT = 16_000  # bytes; libsndfile drops longer ones without a word
MAX_BYTES = 1 << 20  # of JSON that is written or read
MAX_DEPTH = 32  # of lists and dicts in each other


def dump(tags: Tags) -> str:
    """All tags as JSON in ASCII, keys in order.

    Raises:
        ParameterError: not JSON (NaN and infinity aren't either), nested too deeply or over 1 MiB.
    """
    try:
        text = json.dumps(tags, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ParameterError(f"tags must be JSON values with finite numbers ({error}); give others as text") from error
    if _is_deep(tags):
        raise ParameterError(f"tags are nested more than {MAX_DEPTH} deep; make them flatter")
    return _no_longer_than(MAX_BYTES, text)


def parse(text: str) -> Tags | None:
    """What `dump` or a comment made of tags; None for anything else."""
    if len(text) > MAX_BYTES:
        return None
    try:
        tags = json.loads(text.removeprefix(NOTICE))
    except (ValueError, RecursionError):
        return None  # somebody else's comment
    return tags if isinstance(tags, dict) and not _is_deep(tags) else None


def comment(tags: Tags) -> str:
    """All tags as JSON where they fit into a comment, else the top-level values that are neither list nor dict.

    Raises:
        ParameterError: those are too long too.
    """
    text = dump(tags)
    return text if len(text) <= MAX_COMMENT else _no_longer_than(MAX_COMMENT, dump(_plain(tags)))


def info(tags: Tags) -> dict[bytes, bytes]:
    """The text fields of a WAV: ICMT (comment), opened by the notice for what a machine made, and ISFT (software).

    Always fits: of the plain values those are left out that would make the comment too long, the longest first.
    """
    notice = NOTICE if tags.get("generated_by") == "machine" else ""
    text, room = dump(tags), MAX_COMMENT - len(notice)
    if len(text) > room:
        text = dump(_shortest(_plain(tags), room))
    fields = {b"ICMT": (notice + text).encode()}
    if isinstance(tags.get("software"), str):
        software = " ".join(tags["software"].replace("\0", " ").split())
        fields[b"ISFT"] = software.encode(errors="replace")[:255]
    return fields


def _plain(tags: Tags) -> Tags:
    return {key: value for key, value in tags.items() if not isinstance(value, (dict, list, tuple))}


def _shortest(tags: Tags, room: int) -> Tags:
    kept: Tags = {}
    for length, key in sorted((len(dump({key: tags[key]})), key) for key in tags):
        room -= length  # the braces of one pay for the comma between two
        if room < 0:
            break
        kept[key] = tags[key]
    return kept


def _is_deep(value: Any, left: int = MAX_DEPTH) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return left == 0 or any(_is_deep(item, left - 1) for item in inner)


def _no_longer_than(limit: int, text: str) -> str:
    if len(text) > limit:
        raise ParameterError(f"tags of {len(text)} bytes are too long; at most {limit} are kept; leave some out")
    return text
