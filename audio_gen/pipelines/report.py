"""Records, features and new clips → one self-contained HTML page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audio_gen.atomic import replacing
from audio_gen.audio.decode import AUDIO_EXTENSIONS
from audio_gen.audio.encode import read_tags
from audio_gen.errors import DecodeError, ParameterError
from audio_gen.pipelines._figures import Media
from audio_gen.pipelines._media import Mel, exhibit, feature_files
from audio_gen.pipelines._page import Report, page
from audio_gen.pipelines.tables import read_records

SPACE = 10_000_000  # bytes of pictures and sound in the page; base64 makes 13.3 MB of them


@dataclass(frozen=True)
class Summary:
    """What went into the page."""

    labelled: int
    failed: int
    generated: int


def write_report(
    records: Path,
    output: Path,
    *,
    features: Path | None = None,
    generated: Path | None = None,
    title: str = "What audio_gen hears and makes",
) -> Summary:
    """Write the page; the new clips get pictures and players first, then the records in their order, while space lasts.

    Args:
        records: JSON lines from `classify`; the paths in them are looked up from the current folder.
        output: the page, written whole or not at all.
        features: folder from `features`; without it the pictures are computed from the audio, and show its beginning.
        generated: folder from `generate`.
        title: heading of the page.

    Raises:
        ParameterError: the records or a folder are missing, or hold something else.
    """
    rows = _read(records)
    mels: dict[str, Mel] = {} if features is None else feature_files(features)
    space = SPACE
    new = []
    for path in [] if generated is None else _audio_files(generated):
        media = exhibit(path) if space > 0 else Media(note=_FULL)
        space -= _size(media)
        new.append((path.name, _tags(path), media))
    good = [row for row in rows if row["ok"] is True]
    shown: list[tuple[Mapping[str, Any], Media]] = []
    while space > 0 and len(shown) < len(good):
        row = good[len(shown)]
        media = exhibit(Path(row["path"]), mels.get(row["path"]))
        space -= _size(media) + 10_000  # about what the text of a card takes
        shown.append((row, media))
    bad = [row for row in rows if row["ok"] is not True]
    text = page(Report(title, shown, good[len(shown) :], bad, new))
    with replacing(output) as part:
        part.write_bytes(text.encode("utf-8", "backslashreplace"))  # names may hold bytes that are no text
    return Summary(len(good), len(bad), len(new))


_FULL = "No picture and player: the page would grow too large."


def _read(records: Path) -> list[dict[str, Any]]:
    try:
        return read_records(records, "jsonl")
    except OSError as error:
        raise ParameterError(f"can't read the records {str(records)!r}: {error.strerror}") from error


def _size(media: Media) -> int:
    return len(media.picture) + len(media.player)


def _audio_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ParameterError(f"no folder {str(folder)!r}; give the one that `audio-gen generate` wrote to")
    return sorted(p for p in folder.rglob("[!.]*") if p.suffix.lower() in AUDIO_EXTENSIONS and p.is_file())


def _told(value: Any) -> str:
    """A value of a tag in words; what is empty in a dictionary is left out."""
    if isinstance(value, list):
        return "; ".join(map(_told, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_told(part)}" for key, part in value.items() if part not in (None, "", [], {}))
    return str(value)


def _tags(path: Path) -> dict[str, str]:
    try:
        return {key: _told(value) for key, value in read_tags(path).items()}
    except DecodeError:
        return {}
