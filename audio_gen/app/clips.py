"""What commands that make clips share: options of the file, and writing a clip with what it says of itself."""

import argparse
import json
import logging
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.app import options
from audio_gen.app.running import refuse_existing
from audio_gen.errors import ParameterError
from audio_gen.pipelines.journal import read_done
from audio_gen.pipelines.records import Record, RecordWriter, success

if TYPE_CHECKING:
    from audio_gen.pipelines.autoencoder import Autoencoder
    from audio_gen.pipelines.generate import Generated, Generator
    from audio_gen.pipelines.render import Finish
    from audio_gen.pipelines.vocoder import Vocoder


_log = logging.getLogger(__name__)


def add_finish(parser: argparse.ArgumentParser) -> None:
    """--vocoder, --lufs, --fade, --subtype."""
    options.add_vocoder(parser)
    parser.add_argument(
        "--lufs", type=float, metavar="L", help="bring clips to this loudness, e.g. -16 (never over -1 dB true peak)"
    )
    parser.add_argument(
        "--fade", type=float, nargs=2, default=(0.0, 0.0), metavar=("IN", "OUT"), help="fade in and out, in seconds"
    )


def finish_of(arguments: argparse.Namespace) -> "Finish":
    """What the options of `add_finish` ask for; a command without --fade fades nothing.

    Raises:
        ParameterError: a loudness or a fade that makes no sense.
    """
    from audio_gen.audio.encode import SUBTYPES
    from audio_gen.pipelines.render import Finish

    if arguments.subtype is not None and arguments.subtype.upper() not in SUBTYPES[".wav"]:
        raise ParameterError(f"--subtype is one of {', '.join(SUBTYPES['.wav'])}, not {arguments.subtype!r}")
    fade_in, fade_out = getattr(arguments, "fade", (0.0, 0.0))
    return Finish(arguments.lufs, fade_in, fade_out, arguments.subtype)


def load_maker(name: str, device: str) -> "Generator | Autoencoder":
    """The generator or autoencoder called `name`.

    Raises:
        CheckpointError: missing, damaged, or neither.
    """
    from audio_gen.models import checkpoint
    from audio_gen.models.autoencoder import FAMILY
    from audio_gen.models.generator import FAMILY as GENERATOR
    from audio_gen.pipelines.autoencoder import Autoencoder
    from audio_gen.pipelines.device import pick_device
    from audio_gen.pipelines.generate import Generator

    model = checkpoint.load(name)
    if model.family == FAMILY:
        return Autoencoder(model, pick_device(device))
    if model.family != GENERATOR:
        model = checkpoint.load(name, family=GENERATOR)  # which says what is wrong with it
    return Generator(model, pick_device(device))


def deliver(
    output: Path,
    item: "Generated",
    maker: "Generator | Autoencoder",
    vocoder: "Vocoder",
    finish: "Finish",
    *,
    kind: str = "generate",
    found: dict[str, Any] | None = None,
) -> Record:
    """Write one clip and, beside it, STEM.json with what the clip says of itself and what was `found` of it."""
    from audio_gen.pipelines.generate import sound_blocks
    from audio_gen.pipelines.provenance import tags
    from audio_gen.pipelines.render import render, tell_of_peak

    said, rate = tags(maker, vocoder, item.wish, finish), vocoder.spec.sample_rate
    measured = render(output, sound_blocks(item, vocoder), item.samples, rate, finish, said)
    tell_of_peak(output, measured, finish)
    whole = {**said, **(found or {}), "measured": measured.to_dict()}
    write_sidecar(output, whole)
    return success(str(output), {kind: whole}, duration_s=item.samples / rate, sample_rate=rate)


def writer_for(arguments: argparse.Namespace, output: Path, said: dict[str, Any]) -> RecordWriter | None:
    """For the record of the one file that a command makes; None where that is there already and shall stay.

    Raises:
        ParameterError: the file or DIR/manifest.parquet is there, and neither --skip-existing nor --overwrite is given,
            or it isn't what `said` tells.
    """
    usable(output.parent)
    table = Path(arguments.output, "manifest.parquet") if arguments.format == "parquet" else None
    refuse_existing(arguments, [path for path in (output, table) if path is not None and path.exists()])
    if output.exists() and arguments.skip_existing:
        same_as_before(output, said)
        _log.info("%s is there already", output)
        return None
    earlier = read_done(table, "parquet") if table and arguments.skip_existing else []
    return RecordWriter(
        arguments.format, table, keep=[row for row in earlier if row["path"] != str(output)], goes_on=True
    )


def same_as_before(output: Path, said: dict[str, Any]) -> None:
    """Whether a clip that is there, and is to be kept, is what would be made now.

    Raises:
        ParameterError: it was made from something else; the message tells what.
    """
    try:
        before = json.loads(output.with_suffix(".json").read_bytes())
    except (OSError, ValueError):
        return  # nothing is known of it
    for key in ("sha256", "vocoder", "finish", "wish"):
        then, now = before.get(key), json.loads(json.dumps(said.get(key)))
        if key == "wish" and isinstance(then, dict):
            then, now = ({name: part for name, part in one.items() if name != "take"} for one in (then, now))
        if isinstance(then, dict) and isinstance(now, dict):  # what is the same isn't told
            then, now = (
                {name: part for name, part in one.items() if name not in other or other[name] != part}
                for one, other in ((then, now), (now, then))
            )
        if then != now:
            raise ParameterError(
                f"{str(output)!r} is there, but was made from another {key} ({_short(then)}, not {_short(now)}): "
                "write to another folder, or --overwrite it"
            )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 160 else text[:157] + "..."


def usable(folder: Path) -> None:
    """Make the folder, and see whether files can be written there, before any work.

    Raises:
        ParameterError: it can't be, with the reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        raise ParameterError(f"can't write to the folder {str(folder)!r}: {error.strerror}; give another -o") from error


def recalled(output: Path, vocoder: "Vocoder", *, kind: str = "generate") -> Record:
    """The record of a clip that an earlier run has delivered.

    Raises:
        ParameterError: its STEM.json can't be read.
    """
    path = output.with_suffix(".json")
    try:
        said = json.loads(path.read_bytes())
        seconds = float(said["wish"]["seconds"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ParameterError(f"{str(path)!r} can't be read ({error}); --overwrite makes the clip again") from error
    return success(str(output), {kind: said}, duration_s=seconds, sample_rate=vocoder.spec.sample_rate)


def plain(label: str) -> str:
    """A label as part of a file's name: it leads out of no folder."""
    return re.sub(r"[^\w.+-]+", "-", label)[:60].lstrip(".")


def existing(path: Path) -> Path:
    """The same path.

    Raises:
        ParameterError: there is no such file.
    """
    if not path.is_file():
        raise ParameterError(f"no such file: {str(path)!r}")
    return path


def write_sidecar(output: Path, said: dict[str, Any]) -> None:
    """STEM.json beside an audio file."""
    from audio_gen.atomic import replacing

    with replacing(output.with_suffix(".json")) as part:
        part.write_text(json.dumps(said, indent=2) + "\n")
