"""What commands that make clips share: options of the file, and writing a clip with what it says of itself."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.app import options
from audio_gen.app.running import refuse_existing
from audio_gen.errors import ParameterError
from audio_gen.pipelines.records import Record, RecordWriter, success
from audio_gen.pipelines.tables import read_done

if TYPE_CHECKING:
    from audio_gen.pipelines.autoencoder import Autoencoder
    from audio_gen.pipelines.generate import Generated, Generator
    from audio_gen.pipelines.render import Finish
    from audio_gen.pipelines.vocoder import Vocoder


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
    """What the options of `add_finish` ask for.

    Raises:
        ParameterError: a loudness or a fade that makes no sense.
    """
    from audio_gen.audio.encode import SUBTYPES
    from audio_gen.pipelines.render import Finish

    if arguments.subtype is not None and arguments.subtype.upper() not in SUBTYPES[".wav"]:
        raise ParameterError(f"--subtype is one of {', '.join(SUBTYPES['.wav'])}, not {arguments.subtype!r}")
    fade_in, fade_out = arguments.fade
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
    from audio_gen.pipelines.render import render

    said, rate = tags(maker, vocoder, item.wish, finish), vocoder.spec.sample_rate
    measured = render(output, sound_blocks(item, vocoder), item.samples, rate, finish, said)
    whole = {**said, **(found or {}), "measured": measured.to_dict()}
    write_sidecar(output, whole)
    return success(str(output), {kind: whole}, duration_s=item.samples / rate, sample_rate=rate)


def writer_for(arguments: argparse.Namespace, output: Path) -> RecordWriter | None:
    """For the record of the one file that a command makes; None where that is there already and shall stay.

    Raises:
        ParameterError: the file or DIR/manifest.parquet is there, and neither --skip-existing nor --overwrite is given.
    """
    table = Path(arguments.output, "manifest.parquet") if arguments.format == "parquet" else None
    refuse_existing(arguments, [path for path in (output, table) if path is not None and path.exists()])
    if output.exists() and arguments.skip_existing:
        return None
    earlier = read_done(table, "parquet") if table and table.exists() and arguments.skip_existing else []
    return RecordWriter(arguments.format, table, keep=[row for row in earlier if row["path"] != str(output)])


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
