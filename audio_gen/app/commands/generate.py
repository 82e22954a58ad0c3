"""`audio-gen generate`: a model, a label and a seed → new clips as WAV."""

import argparse
import json
import re
from pathlib import Path

from audio_gen.app import options
from audio_gen.app.running import refuse_existing
from audio_gen.errors import ParameterError
from audio_gen.pipelines.records import RecordWriter, success
from audio_gen.pipelines.tables import read_done

HELP = "make new clips with a trained generator and a vocoder, one WAV and one .json that tells of it each"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--model", required=True, metavar="NAME", help="a generator checkpoint by name or path")
    parser.add_argument(
        "--label", metavar="L", help="what to make, or a mixture: A:0.7,B:0.3; without it the labels take turns"
    )
    parser.add_argument("--count", type=options.at_least(1), default=1, metavar="N", help="clips to make; default 1")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="length of each; default 10")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="K", help="the same seed gives the same clips; default 0"
    )
    parser.add_argument(
        "--variety", type=float, default=1.0, metavar="0..1", help="how far clips are from what is typical; default 1"
    )
    parser.add_argument("--loop", action="store_true", help="the end flows into the beginning, without a seam")
    parser.add_argument("--bpm", type=float, metavar="B", help="of a loop: its length is --bars at this tempo (4/4)")
    parser.add_argument(
        "--bars", type=options.at_least(1), metavar="N", help="of a loop; default 4 where --bpm is given"
    )
    options.add_vocoder(parser)
    options.add_folder_output(parser, what="files are named from model, label, seed and index")
    options.add_device(parser, batch_size=8)
    options.add_existing(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from tqdm import tqdm

    from audio_gen.atomic import replacing
    from audio_gen.audio.encode import save
    from audio_gen.pipelines.device import pick_device
    from audio_gen.pipelines.generate import Generator, sound

    seconds = _seconds(arguments)
    generator = Generator.load(arguments.model, device=pick_device(arguments.device))
    generator.check_label(arguments.label)
    vocoder = generator.vocoder(arguments.vocoder)
    folder = Path(arguments.output)
    outputs = [folder / name for name in _names(arguments, generator.checkpoint.name, generator.labels)]
    table = folder / "manifest.parquet" if arguments.format == "parquet" else None
    refuse_existing(arguments, [path for path in [*outputs, *([table] if table else [])] if path.exists()])
    done = [path.exists() and path.with_suffix(".json").exists() for path in outputs]
    skip = [index for index, there in enumerate(done) if arguments.skip_existing and there]
    again = {str(path) for index, path in enumerate(outputs) if index not in skip}
    earlier = read_done(table, "parquet") if table and arguments.skip_existing and table.exists() else []
    earlier = [row for row in earlier if row["path"] not in again]
    made = generator.mels(
        arguments.count,
        seconds=seconds,
        label=arguments.label,
        seed=arguments.seed,
        variety=arguments.variety,
        loop=arguments.loop,
        batch_size=arguments.batch_size,
        skip=skip,
    )
    total = len(outputs) - len(skip)
    with RecordWriter(arguments.format, table, keep=earlier) as writer:
        for item in tqdm(made, total=total, unit="clip", disable=None if not arguments.quiet else True):
            clip, output = sound(item, vocoder), outputs[item.index]
            tags = generator.tags(item, vocoder.name)
            peak = save(output, clip, subtype=arguments.subtype, tags=tags)
            with replacing(output.with_suffix(".json")) as part:
                part.write_text(json.dumps(tags, indent=2) + "\n")
            results = {"generate": {**tags, "peak": peak}}
            writer.write(success(str(output), results, duration_s=clip.duration, sample_rate=clip.sample_rate))
    return 0


def _names(arguments: argparse.Namespace, model: str, labels: tuple[str, ...]) -> list[str]:
    chosen = [arguments.label or labels[index % len(labels)] for index in range(arguments.count)]
    plain = [re.sub(r"[^\w.+-]+", "-", label)[:60] for label in chosen]  # no label leads out of the folder
    return [f"{model}_{label}_seed{arguments.seed}_{index:04d}.wav" for index, label in enumerate(plain)]


def _seconds(arguments: argparse.Namespace) -> float:
    from audio_gen.pipelines.loop import loop_seconds

    if arguments.bpm is None and arguments.bars is None:
        return float(arguments.seconds)
    if arguments.bpm is None or not arguments.loop:
        raise ParameterError("--bars goes with --bpm, and both with --loop: --loop --bpm 120 --bars 4")
    return loop_seconds(arguments.bpm, arguments.bars or 4)
